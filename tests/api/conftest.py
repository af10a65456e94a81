"""Clients of the API: people with a session and its CSRF check, systems with a token."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from rest_framework.test import APIClient

if TYPE_CHECKING:
    from attendance.models import User

Client = Callable[[Any], APIClient]


@pytest.fixture
def client_of() -> Client:
    """A client with that person's login; None: nobody's. CSRF is not in its way (test_login.py has it on)."""

    def made(user: User | None) -> APIClient:
        client = APIClient()
        if user is not None:
            client.force_login(user)
        return client

    return made


@pytest.fixture
def token_client() -> Callable[[User], APIClient]:
    def made(user: User) -> APIClient:
        from attendance import tokens

        client = APIClient()
        client.credentials(HTTP_AUTHORIZATION=f"Token {tokens.create(user=user, name='t', actor=None)[1]}")
        return client

    return made
