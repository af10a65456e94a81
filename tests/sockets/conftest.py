"""One server for all tests of the sockets, and a small school that it sees."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from attendance.models import Student
    from tests.sockets.serving import Served
    from tests.world import World


@pytest.fixture(scope="session")
def server(django_db_setup: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """`config.server`, started once."""
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
    """Ann has the face of the man in the clip."""
    from tests.sockets.people import enrolled

    return enrolled(school, "lin_manuel_miranda", school.ann)


@pytest.fixture(scope="session")
def blank() -> bytes:
    """A frame with nobody in it."""
    from tests.sockets import people

    return people.blank()
