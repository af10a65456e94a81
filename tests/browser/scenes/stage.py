"""Define what states are built from: a school, a picture with faces, and answers of a server."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from tests.browser.doubles import Double, sample_picture
from tests.browser.school import School
from tests.browser.screens import Browsers, Seat

Box = tuple[int, int, int, int]
States = Iterator[tuple[str, Seat]]

# Boxes of faces in a frame of 640 x 360.
BOXES: tuple[Box, ...] = ((60, 90, 140, 190), (190, 70, 270, 170), (330, 100, 400, 190), (470, 80, 560, 190))
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
SEEN_AT = "2026-03-02T08:03:00Z"
ID = "00000000-0000-7000-8000-000000000001"


@dataclass(frozen=True, slots=True, eq=False)
class PageSetup:
    """Hold what states are built from. Cameras show `picture`, with faces in `boxes`; `crop` is one of the faces."""

    school: School
    browsers: Browsers
    picture: bytes = field(default_factory=sample_picture)
    boxes: tuple[Box, ...] = BOXES
    crop: bytes = field(default_factory=sample_picture)

    def tab(self, seat: Seat) -> tuple[Seat, Double]:
        """Open a new page with doubles in a seat's login."""
        tab = Seat(seat.context, seat.context.new_page(), seat.complaints)
        double = Double.install(tab, self.picture)
        for images in (REVIEW_IMAGE, EVIDENCE_IMAGE):
            double.stub_images(images, self.crop)
        return tab, double

    def student(self, place: int) -> dict[str, str]:
        return {"id": self.school.students[place], "name": self.school.names[place]}

    def faces(self, *states: str) -> list[dict[str, Any]]:
        """Return frame results for the faces of the picture in these states."""
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


def review(page_setup: PageSetup) -> dict[str, Any]:
    candidates = [
        {"student": page_setup.student(place), "distance": distance, "portrait": portrait(page_setup, place)}
        for place, distance in ((1, 0.43), (2, 0.47))
    ]
    image = f"/api/v1/reviews/{ID}/image/"
    return {"id": ID, "seen_at": SEEN_AT, "camera": "", "looks": 5, "image": image, "candidates": candidates}


def portrait(page_setup: PageSetup, place: int) -> str:
    return f"/api/v1/students/{page_setup.school.students[place]}/portrait/"


def camera_mark(page_setup: PageSetup) -> dict[str, Any]:
    mark = {"mark": ID, "code": "/", "status": "present", "at": SEEN_AT, "source": "camera", "by": None}
    rest = {"note": "", "revision": 1, "minutes_late": None, "evidence": True}
    return {"student": page_setup.student(0), **mark, **rest}


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
        "seen_at": SEEN_AT,
        "reason": "",
        "evidence": None,
    }
    return [
        first,
        {"to_code": "/", "source": "camera", "seen_at": SEEN_AT, "reason": "", "evidence": evidence},
    ]


def conflict() -> dict[str, Any]:
    current_mark = {"by": "Otto Other", "status": "excused", "code": "M"}
    return {"code": "conflict", "message": "", "extra": {"mark": current_mark}}
