"""Valkey really stopped, frozen and started again: recognition and dashboards go on, nobody sees an error."""

import os
import shutil
import signal
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.utils import timezone
from websockets.sync.client import ClientConnection

from attendance import register
from attendance.models import Mark, Source, Student
from config import embedded, places
from tests.sockets.people import clip_frames
from tests.sockets.serving import Message, Served, frame, hear, serving
from tests.world import World

pytestmark = pytest.mark.fault


class Valkey:
    """A Valkey of this test's own."""

    def __init__(self, folder: Path) -> None:
        self.place = embedded.Place(var=folder, sockets=folder, durable=False)
        self.child = embedded.start_valkey(self.place)

    @property
    def url(self) -> str:
        return places.Addresses.in_folder(self.place.sockets, "").redis_url

    def start(self) -> None:
        self.child = embedded.start_valkey(self.place)


@pytest.fixture
def valkey_of_mine() -> Iterator[Valkey]:
    folder = Path(tempfile.mkdtemp(prefix="rc-"))
    made = Valkey(folder)
    yield made
    made.child.stop()
    shutil.rmtree(folder)


@pytest.fixture
def alone(school: World, valkey_of_mine: Valkey, tmp_path: Path) -> Iterator[Served]:
    """A server that shares no Redis with the test: what the test writes reaches it through PostgreSQL alone."""
    with serving(tmp_path / "server.log", REDIS_URL=valkey_of_mine.url) as served:
        yield served
    said = (tmp_path / "server.log").read_text(errors="replace")
    # The layer's library logs its own lost connection; what must not be is a socket that fails by it.
    assert "Exception inside application" not in said, said


def results(stream: ClientConnection, frames: list[bytes]) -> list[Message]:
    found = []
    for seq, picture in enumerate(frames):
        stream.send(frame(seq, picture))
        found.append(hear(stream, "result"))
    return found


def mark_bea(school: World, letter: str | None) -> None:
    register.mark(
        session_id=school.session.pk,
        student_id=school.bea.pk,
        letter=letter,
        source=Source.TEACHER,
        actor=school.teacher,
        now=timezone.now(),
    )


def test_without_valkey_frames_are_answered_marks_written_and_dashboards_right_within_seconds(
    alone: Served,
    valkey_of_mine: Valkey,
    school: World,
    miranda: Student,
    camera_path: str,
    dashboard_path: str,
) -> None:
    frames = clip_frames(90, 200, 8)
    with (
        alone.token(camera_path, school.teacher) as camera,
        alone.token(dashboard_path, school.teacher) as dashboard,
    ):
        hear(camera, "ready")
        version = hear(dashboard, "register")["version"]
        valkey_of_mine.child.stop()
        found = results(camera, frames)
        assert any(face["student"] for result in found for face in result["faces"])
        assert hear(dashboard, "mark", 5)["version"] == version + 1
        assert Mark.objects.get(session=school.session).student_id == miranda.pk
        with urllib.request.urlopen(f"{alone.origin}/metrics", timeout=10) as figures:
            assert b"rollcall_marks_total 1.0" in figures.read()
        with alone.token(dashboard_path, school.viewer) as late:
            assert hear(late, "register")["version"] == version + 1
        began = time.monotonic()
        mark_bea(school, "/")
        assert hear(dashboard, "mark", 5)["student"]["name"] == "Bea Birch"
        assert time.monotonic() - began < 3
        valkey_of_mine.start()
        mark_bea(school, None)
        assert hear(dashboard, "unmark", 5)["version"] == version + 3
        assert len(results(camera, frames[:3])) == 3


def test_a_valkey_that_hangs_slows_nothing_but_itself(
    alone: Served, valkey_of_mine: Valkey, school: World, camera_path: str, blank: bytes
) -> None:
    with alone.token(camera_path, school.teacher) as camera:
        hear(camera, "ready")
        results(camera, [blank] * 3)
        pid = valkey_of_mine.child.process.pid
        os.kill(pid, signal.SIGSTOP)
        try:
            began = time.monotonic()
            results(camera, [blank] * 20)
            assert time.monotonic() - began < 10
            mark_bea(school, "/")
            assert hear(camera, "mark", 6)["student"]["name"] == "Bea Birch"
        finally:
            os.kill(pid, signal.SIGCONT)
