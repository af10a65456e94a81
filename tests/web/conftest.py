"""Browsers without a screen, one for each person of the world."""

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
    """A client logged in as one of `ROLES`."""
    from attendance.models import User

    def of(role: str) -> Client:
        client = Client()
        if role != "anonymous":
            client.force_login(User.objects.get(username=role))
        return client

    return of
