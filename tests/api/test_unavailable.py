"""Unexpected errors and services that do not answer have the same form of error."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import psycopg2
import pytest
from django.db import connection
from django.test import Client as Browser

from recognition.engine.images.image import encode_jpeg
from recognition.shared_engine import ENGINE
from tests.api.conftest import Client, upload
from tests.world import World


def refusal(answer: Any) -> tuple[int, str]:
    assert set(answer.json()) == {"code", "message", "extra"}
    assert answer.json()["message"]
    return answer.status_code, answer.json()["code"]


def broken(*_args: Any, **_kwargs: Any) -> Any:
    raise ZeroDivisionError


def test_unexpected_error_is_answered_500_without_details(
    world: World, client_of: Client, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("attendance.register.state.register_state", broken)
    client = client_of(world.teacher)
    client.raise_request_exception = False
    answer = client.get(f"/api/v1/sessions/{world.session.pk}/register/")
    assert refusal(answer) == (500, "fault")
    assert "ZeroDivisionError" not in answer.content.decode()
    assert "ZeroDivisionError" in caplog.text
    page = client.get(f"/sessions/{world.session.pk}/register/")
    assert (page.status_code, page.headers["Content-Type"]) == (500, "text/html; charset=utf-8")


def test_request_for_unknown_host_is_answered_400_as_json(caplog: pytest.LogCaptureFixture) -> None:
    answer = Browser().get("/api/v1/codes/", headers={"host": "elsewhere.example"})
    assert refusal(answer) == (400, "malformed")


@contextmanager
def held(table: str) -> Iterator[None]:
    """Lock a table by another connection, with a lock timeout of a tenth of a second."""
    given = connection.get_connection_params()
    other = psycopg2.connect(**{n: given[n] for n in ("host", "user", "password", "dbname")})
    try:
        with other.cursor() as cursor, connection.cursor() as ours:
            cursor.execute(f"SET lock_timeout = '5s'; LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")
            ours.execute("SET lock_timeout = '100ms'")
            yield
            if not connection.in_atomic_block:
                ours.execute("RESET lock_timeout")
    finally:
        other.close()


def test_database_failure_in_a_view_is_answered_503(world: World, client_of: Client) -> None:
    client = client_of(world.teacher)
    with held("attendance_mark"):
        answer = client.get("/api/v1/marks/")
    assert refusal(answer) == (503, "unavailable")
    assert answer.headers["Retry-After"] == "5"


@pytest.mark.django_db(
    transaction=True
)  # the fault aborts no transaction of ours, and is met again on the way out
def test_database_failure_at_login_is_answered_503() -> None:
    client = Browser(raise_request_exception=False)
    client.cookies["sessionid"] = "a" * 32
    with held("django_session"):
        answer = client.get("/api/v1/codes/")
    assert refusal(answer) == (503, "unavailable")
    assert answer.headers["Retry-After"] == "5"


def test_recognition_without_networks_is_answered_503(
    world: World, client_of: Client, monkeypatch: pytest.MonkeyPatch, settings: Any, tmp_path: Path
) -> None:
    ENGINE.close()
    settings.FACE_DETECTION_MODEL, settings.FACE_MODELS_DIR = "yunet", tmp_path
    body = {
        "picture": upload(encode_jpeg(np.zeros((64, 64, 3), np.uint8))),
        "school_class": str(world.school_class.pk),
    }
    answer = client_of(world.teacher).post("/api/v1/identify/", body, format="multipart")
    assert refusal(answer) == (503, "unavailable")
