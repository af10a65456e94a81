"""Visitors of other classes are shown on the teacher's page only."""

import datetime as dt
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from itertools import count, cycle, islice
from typing import Any

import pytest
from django.utils import timezone
from websockets.sync.client import ClientConnection

from attendance.models import (
    Attempt,
    AuditEvent,
    DeviceKind,
    Evidence,
    Mark,
    MarkEvent,
    RejectedMatch,
    Review,
    SchoolSettings,
    Student,
)
from attendance.people import consents, students
from tests.sockets.people import clip_frames, enrolled
from tests.sockets.serving import Message, Served, frame, receive, token_of
from tests.sockets.test_access import cookie_of, device_cookie
from tests.world import World

pytestmark = pytest.mark.timeout(120)

# Frames: five samples are apart in time, and maintenance builds the school's gallery within five seconds.
PATIENCE = 600
VERSIONS = count(1000, 1000)


@pytest.fixture(scope="module")
def film() -> list[bytes]:
    """Return frames that show one man without a break."""
    return clip_frames(85, 210, 6)


@pytest.fixture
def eve(school: World) -> Student:
    """Enrol the man of the film as Eve, of another class, and turn visitors on."""
    switch(on=True)
    # The server outlives each test's school: no two of them may have had the same version of its gallery.
    SchoolSettings.objects.update(school_gallery_version=next(VERSIONS))
    return enrolled(school, school.eve)


def switch(*, on: bool) -> None:
    SchoolSettings.load()
    SchoolSettings.objects.update(visitors_shown=on)


@contextmanager
def camera(server: Served, school: World, **headers: str) -> Iterator[ClientConnection]:
    with server.connect(f"/ws/sessions/{school.session.pk}/camera/", **headers) as stream:
        assert receive(stream, "ready")
        yield stream


def page(server: Served, school: World) -> AbstractContextManager[ClientConnection]:
    """Connect the camera of the teacher's page."""
    return camera(server, school, Origin=server.origin, Cookie=cookie_of(school.teacher))


def faces(stream: ClientConnection, film: list[bytes], most: int = PATIENCE) -> Iterator[Message]:
    """Yield the faces of frame after frame."""
    for seq, picture in enumerate(islice(cycle(film), most)):
        stream.send(frame(seq, picture))
        yield from receive(stream, "result")["faces"]


def asked(stream: ClientConnection, film: list[bytes]) -> Message:
    """Return the face that is shown as a visitor."""
    return next(face for face in faces(stream, film) if face["state"] == "visitor")


def looks_long(stream: ClientConnection, film: list[bytes], looks: int = 8) -> list[Message]:
    """Return the faces until one has more samples than a visitor needs."""
    found: list[Message] = []
    for face in faces(stream, film):
        found.append(face)
        if face["looks"] >= looks:
            return found
    raise AssertionError("no face had so many looks")


def nobody(found: list[Message]) -> None:
    assert {face["state"] for face in found} <= {"confirming", "unknown", "uncertain"}
    assert all("visitor" not in face and face["student"] is None for face in found)


def test_visitor_is_shown_on_the_teachers_page_and_not_stored(
    server: Served, school: World, eve: Student, film: list[bytes]
) -> None:
    before = AuditEvent.objects.count()
    with page(server, school) as stream:
        face = asked(stream, film)
        assert face["visitor"] == {"name": "Eve Elm", "classes": ["7 South"]}
        assert face["student"] is None
        assert face["looks"] >= 5
        assert str(eve.pk) not in str(face)
        looks_long(stream, film)
    for table in (Mark, MarkEvent, Attempt, Evidence, Review, RejectedMatch):
        assert not table.objects.exists(), table
    assert AuditEvent.objects.count() == before


def test_visitor_is_not_shown_to_devices_and_tokens(
    server: Served, school: World, eve: Student, film: list[bytes]
) -> None:
    with page(server, school) as stream:
        asked(stream, film)
    for kind in (DeviceKind.CAMERA, DeviceKind.KIOSK):
        cookie = device_cookie(school, kind)
        with camera(server, school, Origin=server.origin, Cookie=cookie) as stream:
            nobody(looks_long(stream, film))
    with camera(server, school, Authorization=f"Token {token_of(school.teacher)}") as stream:
        nobody(looks_long(stream, film))


def withdrawn(school: World, student: Student) -> None:
    consents.withdraw(student_id=student.pk, actor=school.registrar, now=timezone.now())


def gone(school: World, student: Student) -> None:
    yesterday = timezone.localdate() - dt.timedelta(days=1)
    students.change(student_id=student.pk, actor=school.registrar, left_on=yesterday)


def switched_off(_school: World, _student: Student) -> None:
    switch(on=False)


@pytest.mark.parametrize("end", [withdrawn, gone, switched_off])
def test_visitor_is_not_shown_after_the_reason_ended(
    server: Served, school: World, eve: Student, film: list[bytes], end: Callable[[World, Student], Any]
) -> None:
    with page(server, school) as stream:
        asked(stream, film)
        end(school, eve)
        nobody(list(faces(stream, film, most=30)))


def test_visitor_is_not_shown_unless_the_school_turned_it_on(
    server: Served, school: World, eve: Student, film: list[bytes]
) -> None:
    switch(on=False)
    with page(server, school) as stream:
        nobody(looks_long(stream, film))
