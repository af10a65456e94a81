"""Health and metrics: results, and who may see details."""

from __future__ import annotations

from functools import partial

import pytest
from django.conf import LazySettings
from django.test import Client

from config import health


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """Replace the checks by ones that pass at once, without earlier results; return how often each is called."""
    calls = {"database": 0, "cache": 0, "engine": 0}

    def count(name: str) -> None:
        calls[name] += 1

    monkeypatch.setattr(health, "MONITOR", health.HealthMonitor())
    for name in calls:
        monkeypatch.setitem(health.CHECKS, name, partial(count, name))
    return calls


def failing_check() -> None:
    raise ConnectionError("no answer")


def test_live_runs_no_check(client: Client, calls: dict[str, int]) -> None:
    assert client.get("/healthz/live").json() == {"status": "ok"}
    assert calls == {"database": 0, "cache": 0, "engine": 0}


def test_ready_shows_this_machine_each_check(client: Client, calls: dict[str, int]) -> None:
    answer = client.get("/healthz/ready").json()
    assert answer["status"] == "ok"
    assert set(answer["checks"]) == {"database", "cache", "engine"}


@pytest.mark.parametrize(
    "client_data",
    [
        {"REMOTE_ADDR": "10.0.0.9"},
        {"REMOTE_ADDR": "127.0.0.1", "HTTP_X_FORWARDED_FOR": "127.0.0.1"},
        {"REMOTE_ADDR": "127.0.0.1", "HTTP_FORWARDED": "for=10.0.0.9"},
        {"REMOTE_ADDR": "10.0.0.9", "HTTP_AUTHORIZATION": "Bearer wrong"},
        {"REMOTE_ADDR": ""},
    ],
)
def test_other_machines_get_no_details(
    client: Client, calls: dict[str, int], client_data: dict[str, str]
) -> None:
    assert client.get("/healthz/ready", **client_data).json() == {"status": "ok"}  # type: ignore[arg-type]
    refused = client.get("/metrics", **client_data)  # type: ignore[arg-type]
    assert refused.status_code == 403
    assert refused.json()["code"] == "not_allowed"


def test_token_gives_access_to_details_and_metrics(
    client: Client, calls: dict[str, int], settings: LazySettings
) -> None:
    settings.METRICS_TOKEN = "a-token"
    headers = {"Authorization": "Bearer a-token"}
    assert "checks" in client.get("/healthz/ready", REMOTE_ADDR="10.0.0.9", headers=headers).json()
    metrics = client.get("/metrics", REMOTE_ADDR="10.0.0.9", headers=headers)
    assert b"process_resident_memory_bytes" in metrics.content


def test_empty_token_gives_no_access(client: Client, calls: dict[str, int], settings: LazySettings) -> None:
    settings.METRICS_TOKEN = ""
    headers = {"Authorization": "Bearer "}
    assert client.get("/metrics", REMOTE_ADDR="10.0.0.9", headers=headers).status_code == 403


def test_repeated_requests_use_one_run_of_the_checks(client: Client, calls: dict[str, int]) -> None:
    for _ in range(5):
        client.get("/healthz/ready")
    assert calls == {"database": 1, "cache": 1, "engine": 1}


@pytest.mark.parametrize("part", ["database", "engine"])
def test_process_without_database_or_engine_is_not_ready(
    client: Client, calls: dict[str, int], monkeypatch: pytest.MonkeyPatch, part: str
) -> None:
    monkeypatch.setitem(health.CHECKS, part, failing_check)
    answer = client.get("/healthz/ready")
    assert answer.status_code == 503
    assert answer.json()["checks"][part]["fault"] == "ConnectionError: no answer"
    outside = client.get("/healthz/ready", REMOTE_ADDR="10.0.0.9")
    assert (outside.status_code, outside.json()) == (503, {"status": "not ready"})


def test_process_without_cache_is_ready_and_degraded(
    client: Client, calls: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(health.CHECKS, "cache", failing_check)
    answer = client.get("/healthz/ready")
    assert (answer.status_code, answer.json()["degraded"]) == (200, True)


@pytest.mark.django_db
def test_real_checks_pass() -> None:
    health.check_database()
    health.check_cache()
    health.check_engine()
