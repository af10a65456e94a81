"""Create a small school through the API: a class with a register that has marks, and sessions of other days."""

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
# Codes of the last students of the class: present, late, absent, excused.
CODES = ("/", "L", "N", "M")


@dataclass(frozen=True, slots=True, eq=False)
class School:
    """Hold one class of one teacher. `session` is open and has marks; `planned` and `signed` are others."""

    office: Seat
    teacher: Seat
    school_class: str
    students: Sequence[str]
    names: Sequence[str]
    session: str
    planned: str
    signed: str


def ask(seat: Seat, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
    """Call the API with a seat's login and return the answer; fail with the API's message."""
    token = next(c["value"] for c in seat.context.cookies() if c["name"] == "csrftoken")
    answer = seat.context.request.fetch(
        f"/api/v1{path}", method=method, data=body, headers={"X-CSRFToken": token}
    )
    assert answer.ok, f"{method} {path}: {answer.status} {answer.text()}"
    return answer.json()


def create_school(
    office: Seat, browsers: Browsers, teacher: str, photographs: Mapping[str, Sequence[Path]] | None = None
) -> School:
    """Create the school; students in `photographs` (by name) come first in the class and are enrolled."""
    enrolled = photographs or {}
    names = [*enrolled, *NAMES]
    students = [enrol(office, name, enrolled.get(name, ())) for name in names]
    one_time_password = add_user(office, teacher, "teacher")
    school_class = add_class(office, CLASS, teacher, names)
    seat = browsers.seat(service_workers="block")
    seat.log_in(teacher, one_time_password, PASSWORD)
    session, planned, signed = _create_sessions(office, school_class)
    for student, code in zip(reversed(students), CODES, strict=False):
        ask(seat, "PUT", f"/sessions/{session}/marks/{student}/", {"code": code})
    return School(office, seat, school_class, students, names, session, planned, signed)


def enrol(office: Seat, name: str, photographs: Sequence[Path]) -> str:
    """Add a student, with photographs also a consent of today; return the ID. Unusable photographs are skipped."""
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


def _create_sessions(seat: Seat, school_class: str) -> tuple[str, str, str]:
    """Create sessions: one open, one planned, one missed and one signed."""
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
