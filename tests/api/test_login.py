"""Cookies with CSRF, tokens, lockout, and a password that must be changed."""

from collections.abc import Callable

import pytest
from rest_framework.test import APIClient

from attendance.access import tokens
from attendance.models import ApiToken
from tests.api.conftest import Client
from tests.world import PASSWORD, World


def test_token_login_needs_no_csrf(world: World, token_client: Callable[..., APIClient]) -> None:
    client = token_client(world.registrar)
    answer = client.post("/api/v1/classes/", {"name": "8 East"}, format="json")
    assert answer.status_code == 201
    assert answer.headers["Cache-Control"] == "private, no-store"


def test_cookie_login_needs_csrf_token(world: World) -> None:
    client = APIClient(enforce_csrf_checks=True)
    client.force_login(world.registrar)
    answer = client.post("/api/v1/classes/", {"name": "8 East"}, format="json")
    assert answer.status_code == 403
    assert set(answer.json()) == {"code", "message", "extra"}


@pytest.mark.parametrize("header", ["Token", "Token ", "Token a b", "Token wrong", "token \x00", "Token ü"])
def test_bad_token_is_answered_401_beside_good_cookie(world: World, client_of: Client, header: str) -> None:
    client = client_of(world.teacher)
    answer = client.get("/api/v1/codes/", HTTP_AUTHORIZATION=header)
    assert answer.status_code == 401
    assert answer.json()["code"] == "bad_token"
    assert answer.headers["WWW-Authenticate"].startswith("Token")


def test_revoked_token_is_answered_401(world: World, token_client: Callable[..., APIClient]) -> None:
    client = token_client(world.registrar)
    tokens.revoke(token=ApiToken.objects.get(), actor=None)
    assert client.get("/api/v1/codes/").status_code == 401


def test_guessed_tokens_lock_the_address_but_not_a_good_token(
    world: World, token_client: Callable[..., APIClient]
) -> None:
    guesser, good = APIClient(), token_client(world.registrar)
    found = [guesser.get("/api/v1/codes/", HTTP_AUTHORIZATION=f"Token {n}").status_code for n in range(6)]
    assert found == [401] * 5 + [429]
    answer = guesser.get("/api/v1/codes/", HTTP_AUTHORIZATION="Token 7")
    assert int(answer.headers["Retry-After"]) > 0
    assert good.get("/api/v1/codes/").status_code == 200


def test_user_with_one_time_password_is_answered_password_change_needed(world: World) -> None:
    world.teacher.must_change_password = True
    world.teacher.save()
    client = APIClient()
    assert client.login(username="teacher", password=PASSWORD)
    answer = client.get("/api/v1/students/")
    assert (answer.status_code, answer.json()["code"]) == (403, "password_change_needed")
