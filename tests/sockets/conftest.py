"""One server for all tests of the sockets, and a small school that it sees."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from attendance.models import Student
    from tests.sockets.inside import Eyes
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
    """Ann has the face of the man in the film."""
    from tests.sockets.people import enrolled

    return enrolled(school, school.ann)


@pytest.fixture(scope="session")
def blank() -> bytes:
    """A frame with nobody in it."""
    from tests.sockets import people

    return people.blank()


@pytest.fixture
def eyes(school: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[Eyes]:
    """The recogniser of `inside.filming`, in the hands of the test; sockets hear only what the test tells the hub."""
    from attendance.core import db_threads
    from attendance.live import runtime
    from attendance.register import broadcast
    from tests.sockets import inside

    made = inside.Eyes()
    streams = inside.streams_of(made)
    monkeypatch.setattr(runtime, "live_pipeline", lambda: inside.Whole(streams))
    monkeypatch.setattr(broadcast, "publish_on_commit", lambda _session, _message: None)
    yield made
    assert streams.stop()
    db_threads.DB_THREADS.close()


@pytest.fixture
def authorization(school: World) -> bytes:
    """The teacher's, as a header's value."""
    from tests.sockets.serving import token_of

    return f"Token {token_of(school.teacher)}".encode()
