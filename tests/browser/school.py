"""A small school for pages to show, made through the API: a class whose register has begun, and its other days."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.browser.office import add_class, add_user
from tests.browser.screens import PASSWORD, Browsers, Seat

NAMES = (
    "Amina Okafor",
    "Benedikt Aurelius von Hohenstein-Schwarzenberg",
    "Chloé Lefèvre",
    "Dimitri Papadopoulos",
    "Ewa Kowalczyk",
    "Faisal Al-Khatib",
    "Greta Lindqvist",
    "Hiroshi Tanaka",
    "Ines Ferreira da Silva",
    "Jonas Weber",
)
CLASS = "10B"
TITLE = "Mathematics"
MARKED = ("/", "L", "N", "M")
"""Letters of the first students: here, late, absent, excused."""


@dataclass(frozen=True, slots=True, eq=False)
class School:
    """One class of one teacher. `session` is open and has marks; `planned` and `signed` are other days' work."""

    office: Seat
    teacher: Seat
    school_class: str
    students: Sequence[str]
    names: Sequence[str]
    session: str
    planned: str
    signed: str


def ask(seat: Seat, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
    """Calls the API with the login of a seat; fails with what the API said."""
    token = next(c["value"] for c in seat.context.cookies() if c["name"] == "csrftoken")
    answer = seat.context.request.fetch(
        f"/api/v1{path}", method=method, data=body, headers={"X-CSRFToken": token}
    )
    assert answer.ok, f"{method} {path}: {answer.status} {answer.text()}"
    return answer.json()


def build(
    office: Seat, browsers: Browsers, teacher: str, photographs: Mapping[str, Sequence[Path]] | None = None
) -> School:
    """Everything; those of `photographs` (by name) come first in the class and are enrolled."""
    shown = photographs or {}
    names = [*shown, *NAMES]
    students = [enrol(office, name, shown.get(name, ())) for name in names]
    once = add_user(office, teacher, "teacher")
    school_class = add_class(office, CLASS, teacher, names)
    seat = browsers.seat(service_workers="block")
    seat.log_in(teacher, once, PASSWORD)
    session, planned, signed = _days(office, school_class)
    for student, letter in zip(reversed(students), MARKED, strict=False):
        ask(seat, "PUT", f"/sessions/{session}/marks/{student}/", {"code": letter})
    return School(office, seat, school_class, students, names, session, planned, signed)


def enrol(office: Seat, name: str, photographs: Sequence[Path]) -> str:
    """A student; with photographs also a consent of today and whatever of them serves. Its key."""
    given, _, family = name.partition(" ")
    key: str = ask(office, "POST", "/students/", {"given_name": given, "family_name": family})["id"]
    if photographs:
        today = dt.datetime.now(dt.UTC).date().isoformat()
        ask(office, "POST", f"/students/{key}/consents/", {"given_by": "Guardian", "given_on": today})
    for file in photographs:
        token = next(c["value"] for c in office.context.cookies() if c["name"] == "csrftoken")
        office.context.request.post(
            f"/api/v1/students/{key}/photographs/",
            multipart={
                "photograph": {"name": file.name, "mimeType": "image/jpeg", "buffer": file.read_bytes()}
            },
            headers={"X-CSRFToken": token},
        )
    return key


def _days(seat: Seat, school_class: str) -> tuple[str, str, str]:
    """One session of now with a register, one for later, one missed, and one signed."""
    now = dt.datetime.now(dt.UTC).replace(second=0, microsecond=0)
    hour = dt.timedelta(hours=1)

    def plan(start: dt.datetime) -> str:
        body = {
            "school_class": school_class,
            "starts_at": start.isoformat(),
            "ends_at": (start + hour).isoformat(),
            "title": TITLE,
        }
        key: str = ask(seat, "POST", "/sessions/", body)["id"]
        return key

    session, planned, signed = plan(now), plan(now + 2 * hour), plan(now - 2 * hour)
    plan(now - dt.timedelta(days=1))
    for key in (session, signed):
        ask(seat, "POST", f"/sessions/{key}/start/")
    ask(seat, "POST", f"/sessions/{signed}/sign/", {"unmarked": "N"})
    return session, planned, signed
