"""Clients of the admin, logged in without the login page."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from django.test import Client

if TYPE_CHECKING:
    from tests.world import World


@pytest.fixture
def office(world: World) -> Client:
    """Return a client of a registrar."""
    client = Client()
    client.force_login(world.registrar)
    return client


@pytest.fixture
def head(world: World) -> Client:
    """Return a client of an administrator."""
    client = Client()
    client.force_login(world.administrator)
    return client
