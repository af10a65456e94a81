"""Who is told what about the health of a process."""

from __future__ import annotations

from functools import partial

import pytest
from django.conf import LazySettings
from django.test import Client

from config import health


@pytest.fixture
def fresh(monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """No earlier result, and an engine that answers at once; how often each part was asked."""
    asked = {"database": 0, "cache": 0, "engine": 0}

    def counted(name: str) -> None:
        asked[name] += 1

    monkeypatch.setattr(health, "EXAMINATION", health.Examination())
    for name in asked:
        monkeypatch.setitem(health.QUESTIONS, name, partial(counted, name))
    return asked


def broken() -> None:
    raise ConnectionError("nobody answers")


def test_live_touches_nothing(client: Client, fresh: dict[str, int]) -> None:
    assert client.get("/healthz/live").json() == {"status": "ok"}
    assert fresh == {"database": 0, "cache": 0, "engine": 0}


def test_ready_tells_this_machine_each_part(client: Client, fresh: dict[str, int]) -> None:
    answer = client.get("/healthz/ready").json()
    assert answer["status"] == "ok"
    assert set(answer["checks"]) == {"database", "cache", "engine"}


@pytest.mark.parametrize(
    "asker",
    [
        {"REMOTE_ADDR": "10.0.0.9"},
        {"REMOTE_ADDR": "127.0.0.1", "HTTP_X_FORWARDED_FOR": "127.0.0.1"},
        {"REMOTE_ADDR": "127.0.0.1", "HTTP_FORWARDED": "for=10.0.0.9"},
        {"REMOTE_ADDR": "10.0.0.9", "HTTP_AUTHORIZATION": "Bearer wrong"},
        {"REMOTE_ADDR": ""},
    ],
)
def test_others_are_told_no_details(client: Client, fresh: dict[str, int], asker: dict[str, str]) -> None:
    assert client.get("/healthz/ready", **asker).json() == {"status": "ok"}  # type: ignore[arg-type]
    refused = client.get("/metrics", **asker)  # type: ignore[arg-type]
    assert refused.status_code == 403
    assert refused.json()["code"] == "not_allowed"


def test_the_token_opens_details_and_metrics(
    client: Client, fresh: dict[str, int], settings: LazySettings
) -> None:
    settings.METRICS_TOKEN = "letmesee"
    headers = {"Authorization": "Bearer letmesee"}
    assert "checks" in client.get("/healthz/ready", REMOTE_ADDR="10.0.0.9", headers=headers).json()
    figures = client.get("/metrics", REMOTE_ADDR="10.0.0.9", headers=headers)
    assert b"process_resident_memory_bytes" in figures.content


def test_an_empty_token_opens_nothing(client: Client, fresh: dict[str, int], settings: LazySettings) -> None:
    settings.METRICS_TOKEN = ""
    headers = {"Authorization": "Bearer "}
    assert client.get("/metrics", REMOTE_ADDR="10.0.0.9", headers=headers).status_code == 403


def test_a_crowd_is_answered_from_one_examination(client: Client, fresh: dict[str, int]) -> None:
    for _ in range(5):
        client.get("/healthz/ready")
    assert fresh == {"database": 1, "cache": 1, "engine": 1}


@pytest.mark.parametrize("part", ["database", "engine"])
def test_without_a_needed_part_it_is_not_ready(
    client: Client, fresh: dict[str, int], monkeypatch: pytest.MonkeyPatch, part: str
) -> None:
    monkeypatch.setitem(health.QUESTIONS, part, broken)
    answer = client.get("/healthz/ready")
    assert answer.status_code == 503
    assert answer.json()["checks"][part]["fault"] == "ConnectionError: nobody answers"
    outside = client.get("/healthz/ready", REMOTE_ADDR="10.0.0.9")
    assert (outside.status_code, outside.json()) == (503, {"status": "not ready"})


def test_without_the_cache_it_is_ready_and_degraded(
    client: Client, fresh: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(health.QUESTIONS, "cache", broken)
    answer = client.get("/healthz/ready")
    assert (answer.status_code, answer.json()["degraded"]) == (200, True)


@pytest.mark.django_db
def test_the_real_questions_are_answered() -> None:
    health.ask_database()
    health.ask_cache()
    health.ask_engine()
