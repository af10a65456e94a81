"""The gallery source and results between recognition threads and PostgreSQL."""

import threading
import time
from collections.abc import Iterator

import pytest
from celery.signals import worker_ready
from django.core.cache import cache
from django.db import connection

from attendance.core import db_threads
from attendance.live import gallery_source, runtime
from attendance.live.camera_state import LATEST_RESULTS
from attendance.live.gallery_source import DatabaseSource
from config.celery import app
from recognition.engine.types import SPACE, Decision, State
from recognition.galleries import Galleries, SourceUnavailable
from recognition.streams.frame_results import FrameFace, FrameResult
from recognition.telemetry import metrics
from recognition.telemetry.monitor import Monitor, process_name
from tests.sockets.serving import wait_for
from tests.world import World, photograph, vector


@pytest.fixture(autouse=True)
def no_threads_left() -> Iterator[None]:
    yield
    db_threads.DB_THREADS.close()


def test_gallery_is_searched_from_a_thread_without_database(school: World) -> None:
    photograph(school.ann, vector(1))
    photograph(school.bea, vector(2))
    galleries = Galleries(DatabaseSource(), monitor=Monitor(), rebuild_seconds=60)
    found: list[str] = []

    def search() -> None:
        class_id = str(school.school_class.pk)
        found.append(galleries.search({class_id: vector(2)[None]})[class_id].matches[0][0].id)
        # This thread has opened no connection of its own.
        found.append(str(connection.connection))

    thread = threading.Thread(target=search)
    thread.start()
    thread.join()
    assert found == [str(school.bea.pk), "None"]


@pytest.mark.clock
def test_search_without_database_in_time_names_nobody(school: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gallery_source, "VERSION_SECONDS", 0.2)

    def slow(_class_ids: object) -> dict[str, int]:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_sleep(1)")
        return {}

    monkeypatch.setattr(gallery_source, "read_versions", slow)
    galleries = Galleries(DatabaseSource(), monitor=Monitor(), rebuild_seconds=60)
    began = time.monotonic()
    with pytest.raises(SourceUnavailable):
        galleries.search({str(school.school_class.pk): vector(1)[None]})
    assert time.monotonic() - began < 0.9


def test_gallery_is_built_by_one_process_at_a_time(school: World) -> None:
    class_id = str(school.school_class.pk)
    order: list[str] = []
    inside, release = threading.Event(), threading.Event()

    def slow() -> None:
        order.append("first in")
        inside.set()
        assert release.wait(10)
        order.append("first out")

    source = DatabaseSource()
    first = threading.Thread(target=source.run_locked, args=(class_id, slow))
    second = threading.Thread(target=source.run_locked, args=(class_id, lambda: order.append("second")))
    first.start()
    assert inside.wait(10)
    second.start()

    def waits() -> bool:
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")
            return bool(cursor.fetchone()[0] == 1)

    wait_for(waits)
    # Another class waits for nobody.
    source.run_locked(str(school.other_class.pk), lambda: order.append("another class"))
    release.set()
    first.join()
    second.join()
    assert order == ["first in", "another class", "first out", "second"]

    def fault() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        source.run_locked(class_id, fault)
    source.run_locked(class_id, lambda: order.append("after a fault"))
    assert order[-1] == "after a fault"


def test_latest_results_keep_the_newest_of_each_camera(school: World) -> None:
    session = school.session.pk
    first, second = (FrameResult((), (), (), SPACE, {"total": total}) for total in (1.0, 2.0))
    LATEST_RESULTS.get().remember(session, "front", first)
    LATEST_RESULTS.get().remember(session, "front", second)
    LATEST_RESULTS.get().remember(session, "back", first)
    assert {each.camera: each.frame.ms["total"] for each in LATEST_RESULTS.get().of_session(session)} == {
        "front": 2.0,
        "back": 1.0,
    }
    for camera in ("front", "back"):
        LATEST_RESULTS.get().forget(session, camera)
    assert LATEST_RESULTS.get().of_session(session) == ()


def test_worker_publishes_its_figures_until_it_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtime, "MAINTENANCE_SECONDS", 0.05)
    key = f"{metrics.KEY_PREFIX}:{process_name()}"
    worker_ready.send(app)
    try:
        wait_for(lambda: cache.has_key(key))
    finally:
        runtime.MAINTENANCE.close()
        runtime.LIVE_PIPELINE.close()
    assert not any(thread.name == "maintenance" for thread in threading.enumerate())


def test_latest_results_keep_no_visitors(school: World) -> None:
    session = school.session.pk
    nobody = Decision(State.UNKNOWN, None, None, None, None, 5, ())
    face = FrameFace((0, 0, 9, 9), 1, nobody, visitor=str(school.eve.pk))
    LATEST_RESULTS.get().remember(session, "front", FrameResult((face,), (), (), SPACE, {}))
    (kept,) = LATEST_RESULTS.get().of_session(session)
    assert [(each.track, each.visitor) for each in kept.frame.faces] == [(1, None)]
    LATEST_RESULTS.get().forget(session, "front")
