"""The queue of jobs: each job runs once, is taken over when its worker dies, and fails after three attempts."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Iterator
from typing import Any

import pytest
from celery.contrib.testing.worker import start_worker
from django.db import connection, transaction
from django.utils import timezone

from attendance import tasks
from attendance.core.errors import Refused
from attendance.jobs import queue
from attendance.models import Job
from config.celery import app

pytestmark = pytest.mark.django_db(transaction=True)

MINUTE = dt.timedelta(minutes=1)


@pytest.fixture
def kind() -> Iterator[str]:
    """A kind of job whose handler does what the payload says."""

    @queue.handler("test")
    def run(work: queue.Work) -> dict[str, Any]:
        work.progress(1, 2)
        match work.payload["do"]:
            case "refuse":
                raise Refused("no", "It cannot be done.")
            case "break":
                raise RuntimeError("a bug")
            case "lose":
                Job.objects.filter(pk=work.job_id).update(attempt=work.attempt + 1)
                work.progress(2, 2)
        return {"attempt": work.attempt}

    yield "test"
    queue._handlers.pop("test")


def job(do: str, **fields: Any) -> Job:
    return Job.objects.create(kind="test", payload={"do": do}, **fields)


def state(row: Job) -> tuple[str, int]:
    row.refresh_from_db()
    return row.state, row.attempt


def test_job_that_is_announced_three_times_runs_once(kind: str) -> None:
    row = job("work")
    for _ in range(3):
        queue.run(row.pk)
    assert state(row) == ("done", 1)
    assert (row.progress, row.total, row.result) == (1, 2, {"attempt": 1})
    assert row.finished_at is not None


def test_refused_job_fails_with_the_message(kind: str) -> None:
    row = job("refuse")
    queue.run(row.pk)
    assert state(row) == ("failed", 1)
    assert row.error == "It cannot be done."


def test_job_with_a_fault_fails_after_three_attempts(kind: str) -> None:
    row = job("break")
    for attempt in (1, 2):
        queue.run(row.pk)
        assert state(row) == ("waiting", attempt)
    queue.run(row.pk)
    assert state(row) == ("failed", 3)
    assert row.error == "RuntimeError"


def test_worker_whose_job_was_taken_over_writes_nothing(kind: str) -> None:
    row = job("lose")
    queue.run(row.pk)
    assert state(row) == ("running", 2)


def test_job_of_unknown_kind_fails_and_names_it(kind: str) -> None:
    row = Job.objects.create(kind="flying", payload={})
    queue.run(row.pk)
    assert state(row) == ("failed", 1)
    assert "flying" in row.error


def test_job_whose_worker_died_is_taken_over(kind: str) -> None:
    row = job("work", state="running", attempt=1, heartbeat_at=timezone.now())
    queue.run(row.pk)
    assert state(row) == ("running", 1)
    Job.objects.update(heartbeat_at=timezone.now() - 2 * MINUTE)
    queue.run(row.pk)
    assert state(row) == ("done", 2)


def test_job_whose_workers_died_three_times_fails(kind: str) -> None:
    row = job("work", state="running", attempt=3, heartbeat_at=timezone.now() - 2 * MINUTE)
    assert queue.recover(now=timezone.now()) == 0
    assert state(row) == ("failed", 3)


def test_job_of_a_rolled_back_transaction_does_not_exist(kind: str) -> None:
    with transaction.atomic():
        queue.start(kind=kind, payload={"do": "work"}, actor=None)
        transaction.set_rollback(True)
    assert Job.objects.count() == 0


def test_started_job_is_run_by_a_real_worker(kind: str) -> None:
    with start_worker(app, pool="threads", concurrency=1, perform_ping_check=False, shutdown_timeout=20):
        done = _until_done(queue.start(kind=kind, payload={"do": "work"}, actor=None))
    assert done == ("done", 1)


def _until_done(row: Job) -> tuple[str, int]:
    """Ask PostgreSQL for the state until the job has ended, 30 seconds at most."""
    deadline = timezone.now() + dt.timedelta(seconds=30)
    while state(row)[0] not in {"done", "failed"} and timezone.now() < deadline:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_sleep(0.05)")
    return state(row)


@pytest.fixture
def no_broker(monkeypatch: pytest.MonkeyPatch) -> None:
    """The address of a broker where none listens, and no connection from an earlier test."""
    monkeypatch.setattr(app.conf, "broker_url", "redis+socket:///nowhere/valkey.sock")
    monkeypatch.setattr(app.amqp, "_producer_pool", None)
    monkeypatch.setattr(app, "_pool", None)


@pytest.mark.clock
def test_job_without_redis_is_kept_and_delays_nobody(kind: str, no_broker: None) -> None:
    started = time.monotonic()
    row = queue.start(kind=kind, payload={"do": "work"}, actor=None)
    assert queue.recover(now=timezone.now() + MINUTE) == 0
    assert time.monotonic() - started < 2
    assert state(row) == ("waiting", 0)


def test_recover_wakes_a_worker_for_a_job_that_nobody_began(kind: str) -> None:
    row = job("work")
    assert queue.recover(now=timezone.now()) == 0
    assert queue.recover(now=row.created_at + MINUTE) == 1


def test_schedule_names_tasks_that_exist() -> None:
    app.loader.import_default_modules()
    for entry in tasks.BEAT_SCHEDULE.values():
        assert entry["task"] in app.tasks
    assert app.conf.beat_schedule == tasks.BEAT_SCHEDULE
    assert tasks.BEAT_SCHEDULE["recover jobs"]["schedule"] == 10.0


def test_scheduled_tasks_start_no_jobs(db: None) -> None:
    tasks.delete_expired.run()
    tasks.recover_jobs.run()
    assert Job.objects.count() == 0
