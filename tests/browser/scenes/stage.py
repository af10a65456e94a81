"""What the states are made of: a school, a picture with faces, and what a server would say."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from tests.browser.doubles import Double, drawn
from tests.browser.school import School
from tests.browser.screens import Browsers, Seat

Box = tuple[int, int, int, int]
States = Iterator[tuple[str, Seat]]

BOXES: tuple[Box, ...] = ((60, 90, 140, 190), (190, 70, 270, 170), (330, 100, 400, 190), (470, 80, 560, 190))
"""Where faces are in a picture of 640 x 360."""
SHOWN = ("recognised", "confirming", "uncertain", "unknown", "visitor", "unavailable")

MARKS = re.compile(r"/api/v1/sessions/[^/]+/marks/[^/]+/$")
REGISTER = re.compile(r"/api/v1/sessions/[^/]+/register/$")
REVIEWS = re.compile(r"/api/v1/sessions/[^/]+/reviews/$")
REVIEW_IMAGE = re.compile(r"/api/v1/reviews/[^/]+/image/$")
EVIDENCE_IMAGE = re.compile(r"/api/v1/evidence/[^/]+/image/$")
HISTORY = re.compile(r"/api/v1/marks/[^/]+/history/$")
GROUP = re.compile(r"/api/v1/sessions/[^/]+/group/$")
GROUP_ACCEPT = re.compile(r"/api/v1/sessions/[^/]+/group/accept/$")
NOT_ME = re.compile(r"/sessions/[^/]+/not-me/$")
AT = "2026-03-02T08:03:00Z"
ID = "00000000-0000-7000-8000-000000000001"


@dataclass(frozen=True, slots=True, eq=False)
class Set:
    """What the states are made of. `picture` is what cameras show, with faces in `boxes`; `crop` is one of them."""

    school: School
    browsers: Browsers
    picture: bytes = field(default_factory=drawn)
    boxes: tuple[Box, ...] = BOXES
    crop: bytes = field(default_factory=drawn)

    def tab(self, seat: Seat) -> tuple[Seat, Double]:
        """A page of its own with doubles behind it, in the login of a seat."""
        tab = Seat(seat.context, seat.context.new_page(), seat.complaints)
        double = Double.behind(tab, self.picture)
        for images in (REVIEW_IMAGE, EVIDENCE_IMAGE):
            double.shows(images, self.crop)
        return tab, double

    def student(self, place: int) -> dict[str, str]:
        return {"id": self.school.students[place], "name": self.school.names[place]}

    def faces(self, *states: str) -> list[dict[str, Any]]:
        """The faces of the picture in these states, as the camera's socket tells of them."""
        return [
            {
                "box": box,
                "track": place + 1,
                "state": state,
                "student": self.student(place) if state == "recognised" else None,
                "distance": 0.31,
                "confidence": 0.98,
                "looks": 4,
            }
            for place, (box, state) in enumerate(zip(self.boxes, states, strict=False))
        ]


def review(made: Set) -> dict[str, Any]:
    candidates = [
        {"student": made.student(place), "distance": distance, "portrait": portrait(made, place)}
        for place, distance in ((1, 0.43), (2, 0.47))
    ]
    image = f"/api/v1/reviews/{ID}/image/"
    return {"id": ID, "seen_at": AT, "camera": "", "looks": 5, "image": image, "candidates": candidates}


def portrait(made: Set, place: int) -> str:
    return f"/api/v1/students/{made.school.students[place]}/portrait/"


def camera_mark(made: Set) -> dict[str, Any]:
    facts = {"mark": ID, "code": "/", "status": "present", "at": AT, "source": "camera", "by": None}
    rest = {"note": "", "revision": 1, "minutes_late": None, "evidence": True}
    return {"student": made.student(0), **facts, **rest}


def history() -> list[dict[str, Any]]:
    evidence = {
        "id": ID,
        "image": f"/api/v1/evidence/{ID}/image/",
        "distance": 0.31,
        "margin": 0.22,
        "looks": 7,
        "photographs": 3,
        "camera": "Room 12, back camera",
        "space": "dlib-resnet-v1/5f2c9a1e/lm-box/chip+mirror/1",
        "expires_at": "2026-04-01T08:03:00Z",
    }
    first = {
        "to_code": "N",
        "source": "teacher",
        "actor": "Terry Teacher",
        "seen_at": AT,
        "reason": "",
        "evidence": None,
    }
    return [first, {"to_code": "/", "source": "camera", "seen_at": AT, "reason": "", "evidence": evidence}]


def conflict() -> dict[str, Any]:
    standing = {"by": "Otto Other", "status": "excused", "code": "M"}
    return {"code": "conflict", "message": "", "extra": {"mark": standing}}
