"""Clients of the pages, one for each role."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from django.test import Client

if TYPE_CHECKING:
    from tests.world import World

Visitor = Callable[[str], Client]
ROLES = ("anonymous", "teacher", "other_teacher", "viewer", "registrar", "administrator")


@pytest.fixture
def visitor(world: World) -> Visitor:
    """Return a function that logs a client in as one of `ROLES`."""
    from attendance.models import User

    def of(role: str) -> Client:
        client = Client()
        if role != "anonymous":
            client.force_login(User.objects.get(username=role))
        return client

    return of
