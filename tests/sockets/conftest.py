"""One server for all tests of the sockets, and a small school."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from attendance.models import Student
    from tests.sockets.in_process import FakeRecogniser
    from tests.sockets.serving import Served
    from tests.world import World


@pytest.fixture(scope="session")
def server(django_db_setup: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """`launcher.server`, started once."""
    from tests.sockets.serving import serving

    with serving(tmp_path_factory.mktemp("server") / "server.log") as served:
        yield served


@pytest.fixture
def school(transactional_db: None) -> World:
    """The small school, committed."""
    from tests import world

    return world.build()


@pytest.fixture
def camera_path(school: World) -> str:
    return f"/ws/sessions/{school.session.pk}/camera/"


@pytest.fixture
def dashboard_path(school: World) -> str:
    return f"/ws/sessions/{school.session.pk}/"


@pytest.fixture
def miranda(school: World) -> Student:
    """Ann, enrolled with the face of the man in the film."""
    from tests.sockets.people import enrolled

    return enrolled(school, school.ann)


@pytest.fixture(scope="session")
def blank() -> bytes:
    """A frame with nobody in it."""
    from tests.sockets import people

    return people.blank()


@pytest.fixture
def recogniser(school: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeRecogniser]:
    """The recogniser of `in_process.camera_socket`, controlled by the test.

    Nothing is broadcast: sockets get only the events that the test publishes to the hub.
    """
    from attendance.core import db_threads
    from attendance.live import runtime
    from attendance.register import broadcast
    from tests.sockets import in_process

    fake = in_process.FakeRecogniser()
    streams = in_process.queue_of(fake)
    monkeypatch.setattr(runtime, "live_pipeline", lambda: in_process.FakePipeline(streams))
    monkeypatch.setattr(broadcast, "publish_on_commit", lambda _session, _message: None)
    yield fake
    assert streams.stop()
    db_threads.DB_THREADS.close()


@pytest.fixture
def authorization(school: World) -> bytes:
    """The teacher's token, as the value of a header."""
    from tests.sockets.serving import token_of

    return f"Token {token_of(school.teacher)}".encode()
