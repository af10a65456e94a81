"""Building galleries: one process at a time, even if it dies, and again in the background."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator

import pytest
from django.db import connection

from attendance.core import db_threads
from attendance.live import gallery_source, runtime
from recognition.engine import Engine
from recognition.galleries import Galleries
from recognition.shared_engine import CAMERA_SHAPES
from recognition.telemetry.monitor import Monitor
from tests.material import ROOT
from tests.sockets.serving import database_url, wait_for
from tests.world import World, photograph, vector

HOLD = """
import sys, django
django.setup()
from attendance.live import gallery_source
def build():
    print("building", flush=True)
    sys.stdin.read()
gallery_source.BUILD_SECONDS = 300
gallery_source.DatabaseSource().run_locked("{class_id}", build)
"""


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Allow the database to answer late on a busy machine, and leave no thread."""
    monkeypatch.setattr(gallery_source, "VERSION_SECONDS", 20.0)
    yield
    runtime.MAINTENANCE.close()
    runtime.LIVE_PIPELINE.close()
    db_threads.DB_THREADS.close()


def waiting_for_a_lock() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")
        return int(cursor.fetchone()[0])


@pytest.mark.fault
def test_gallery_lock_is_freed_when_its_process_dies(school: World) -> None:
    class_id = str(school.school_class.pk)
    photograph(school.ann, vector(1))
    galleries = Galleries(gallery_source.DatabaseSource(), monitor=(monitor := Monitor()), rebuild_seconds=60)
    found: list[str] = []

    def search() -> None:
        found.append(galleries.search({class_id: vector(1)[None]})[class_id].matches[0][0].id)

    with subprocess.Popen(
        [sys.executable, "-c", HOLD.format(class_id=class_id)],
        cwd=ROOT,
        env={**os.environ, "DATABASE_URL": database_url()},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"building\n"
        searching = threading.Thread(target=search)
        searching.start()
        wait_for(lambda: waiting_for_a_lock() == 1)
        assert monitor.figures().counters["gallery_built"] == 0
        holder.kill()
        searching.join(20)
    assert found == [str(school.ann.pk)]
    assert monitor.figures().counters["gallery_built"] == 1


def test_old_galleries_are_rebuilt_in_the_background(school: World, monkeypatch: pytest.MonkeyPatch) -> None:
    class_id = str(school.school_class.pk)
    photograph(school.ann, vector(1))
    monitor = Monitor()
    galleries = Galleries(gallery_source.DatabaseSource(), monitor=monitor, rebuild_seconds=0)
    monkeypatch.setattr(runtime, "galleries", lambda: galleries)
    monkeypatch.setattr(runtime, "MAINTENANCE_SECONDS", 0.05)
    galleries.search({class_id: vector(1)[None]})
    assert monitor.figures().counters["gallery_built"] == 1
    runtime.MAINTENANCE.get()
    wait_for(lambda: monitor.figures().counters["gallery_built"] >= 3)
    # Searches go on beside it, and find the same.
    began = time.monotonic()
    assert galleries.search({class_id: vector(1)[None]})[class_id].matches[0][0].id == str(school.ann.pk)
    assert time.monotonic() - began < 5


def test_reduced_detection_is_compiled_after_the_start(
    school: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: list[bool] = []
    monkeypatch.setattr(Engine, "detect", lambda *_, reduced, **__: looked.append(reduced))
    runtime.start()
    wait_for(lambda: len(looked) == len(CAMERA_SHAPES))
    assert all(looked)


def test_maintenance_continues_without_reduced_detection(
    school: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    rounds = threading.Event()

    def broken(**_: object) -> None:
        raise RuntimeError("cannot be compiled")

    monkeypatch.setattr(runtime, "warm_engine", broken)
    monkeypatch.setattr(runtime, "MAINTENANCE_SECONDS", 0.01)
    monkeypatch.setattr("recognition.telemetry.metrics.publish", lambda _: rounds.set())
    runtime.start()
    assert rounds.wait(20)
    assert "reduced detection is not ready" in caplog.text


def test_maintenance_of_a_worker_loads_no_engine(school: World, monkeypatch: pytest.MonkeyPatch) -> None:
    rounds = threading.Event()
    monkeypatch.setattr(runtime, "warm_engine", lambda **_: pytest.fail("an engine was loaded"))
    monkeypatch.setattr(runtime, "MAINTENANCE_SECONDS", 0.01)
    monkeypatch.setattr("recognition.telemetry.metrics.publish", lambda _: rounds.set())
    runtime.MAINTENANCE.get()
    assert rounds.wait(20)
