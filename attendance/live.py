"""What recognises in this process: one queue of frames, one set of galleries, put together at first use.

The threads that recognise never touch the database themselves: their questions run in `attendance.database`'s threads,
with a limit on how long they are waited for.
"""

from __future__ import annotations

import hashlib
import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import CancelledError
from dataclasses import dataclass, replace
from typing import Final, TypeVar
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction

from attendance import encodings, gallery_source
from attendance.database import NOT_ANSWERING, submit
from recognition import lifecycle, metrics
from recognition.advice import Adviser
from recognition.engine.errors import Stopped
from recognition.engine.pipeline import worker_count
from recognition.engine.types import Array
from recognition.engines import engine, warm_engine
from recognition.galleries import Galleries, SourceUnavailable
from recognition.monitor import MONITOR
from recognition.recogniser import Recogniser
from recognition.sights import Fault, Seen, View
from recognition.streams import Camera, Streams

logger = logging.getLogger(__name__)

T = TypeVar("T")

PATIENCE: Final = 0.5
"""Seconds that a frame waits for the versions of its galleries."""
BUILD_PATIENCE: Final = 30.0
ROUND_SECONDS: Final = 5.0

Streaming = Streams[View, Seen | Fault]
LiveCamera = Camera[View, Seen | Fault]


class Source:
    """`gallery_source.Source` for threads that are no database threads."""

    def __init__(self) -> None:
        self._source = gallery_source.Source()

    def versions(self, class_ids: Sequence[str]) -> Mapping[str, int]:
        """One query; `SourceUnavailable` where it fails or takes longer than PATIENCE."""
        return _asked(lambda: self._source.versions(class_ids), PATIENCE)

    def templates(self, class_id: str) -> tuple[Array, list[str]]:
        """Called inside `alone`, which is in a database thread already."""
        return self._source.templates(class_id)

    def alone(self, class_id: str, build: Callable[[], None]) -> None:
        """An advisory lock of PostgreSQL: it ends with the transaction, and with the process that holds it."""

        def locked() -> None:
            with transaction.atomic():
                with connection.cursor() as cursor:
                    cursor.execute("SELECT pg_advisory_xact_lock(%s)", [lock_key(class_id)])
                build()

        _asked(locked, BUILD_PATIENCE)


def lock_key(class_id: str) -> int:
    """A signed 64-bit number for the lock of a class's gallery."""
    digest = hashlib.blake2b(class_id.encode(), digest_size=8, person=b"gallery lock").digest()
    return int.from_bytes(digest, "big", signed=True)


def _asked(call: Callable[[], T], seconds: float) -> T:
    try:
        return submit(call).result(seconds)
    except (*NOT_ANSWERING, TimeoutError, CancelledError, RuntimeError) as fault:
        message = f"the database could not be asked: {type(fault).__name__}"
        raise SourceUnavailable(message) from fault


@dataclass(frozen=True, slots=True, eq=False)
class Live:
    """The parts that work together."""

    galleries: Galleries
    recogniser: Recogniser
    streams: Streaming


_lock = threading.Lock()
_live: Live | None = None
_galleries: Galleries | None = None
_ending = threading.Event()
_rounds: threading.Thread | None = None


def galleries() -> Galleries:
    """The galleries of this process; they need no engine."""
    global _galleries
    with _lock:
        if _galleries is None:
            _galleries = Galleries(
                Source(),
                monitor=MONITOR,
                rebuild_seconds=settings.FAISS_INDEX_REBUILD_INTERVAL,
                remember_seconds=settings.REDIS_CACHE_TTL,
            )
        return _galleries


def live() -> Live:
    """The queue and its threads. Loads the engine at the first call."""
    global _live
    shelves, eyes = galleries(), engine()
    with _lock:
        if _live is None:
            recogniser = Recogniser(
                eyes,
                shelves,
                monitor=MONITOR,
                largest_side=settings.MAX_IMAGE_SIZE,
                quality=settings.IMAGE_QUALITY,
            )
            workers = worker_count(settings.FACE_RECOGNITION_WORKERS)
            adviser = Adviser(
                workers=workers, largest_side=settings.MAX_IMAGE_SIZE, quality=settings.IMAGE_QUALITY
            )
            streams = Streaming(recogniser.work, workers=workers, monitor=MONITOR, adviser=adviser)
            MONITOR.gauge("cameras", lambda: streams.cameras)
            MONITOR.gauge("waiting", lambda: streams.waiting)
            _live = Live(shelves, recogniser, streams)
        return _live


@dataclass(frozen=True, slots=True, eq=False)
class Latest:
    """What one camera of a session showed last, and when (seconds of the clock)."""

    camera: str
    at: float
    seen: Seen


_latest: dict[UUID, dict[str, Latest]] = {}


def remember(session_id: UUID, camera: str, seen: Seen) -> None:
    """Keep the newest result of a camera, in this process's memory only; without whom it might have shown."""
    faces = tuple(replace(face, visitor=None) for face in seen.faces)
    _latest.setdefault(session_id, {})[camera] = Latest(
        camera, time.time(), replace(seen, faces=faces, claims=(), questions=())
    )


def forget(session_id: UUID, camera: str) -> None:
    """The camera is gone."""
    cameras = _latest.get(session_id, {})
    cameras.pop(camera, None)
    if not cameras:
        _latest.pop(session_id, None)


def latest(session_id: UUID) -> tuple[Latest, ...]:
    """The newest result of each camera of a session that is connected to this process."""
    return tuple(_latest.get(session_id, {}).values())


def start() -> None:
    """Warm what the first camera needs, and begin the rounds."""
    live()
    begin_rounds()


def begin_rounds() -> None:
    """Share this process's figures from now on: the worker's too, which loads an engine only when a job wants one."""
    global _rounds
    with _lock:
        if _rounds is None:
            _ending.clear()
            _rounds = threading.Thread(target=_make_rounds, name="rounds", daemon=False)
            _rounds.start()


def stop() -> None:
    """Take no more frames, end the threads; a later `live()` starts anew."""
    global _live, _rounds
    _ending.set()
    with _lock:
        ending, _live = _live, None
        rounds, _rounds = _rounds, None
    if ending is not None and not ending.streams.stop():
        logger.warning("a thread was still recognising after two seconds")
    if rounds is not None:
        rounds.join(1.0)


def _make_rounds() -> None:
    """Every few seconds: leave this process's figures where all can sum them, renew galleries that are old."""
    if _live is not None:
        _expect_a_rush()
    while not _ending.wait(ROUND_SECONDS):
        try:
            metrics.publish(MONITOR)
            _asked(encodings.encodings().tidy, PATIENCE)
            galleries().refresh()
        except SourceUnavailable as fault:
            logger.warning("galleries were not renewed: %s", fault)
        except Exception:  # the edge of the thread: the next round may go better
            logger.exception("the rounds failed")


def _expect_a_rush() -> None:
    """Compile what hurried looks need before the first queue does; the start does not wait for it."""
    try:
        warm_engine(coarse=True)
    except Stopped:
        return
    except Exception:  # the edge of the thread: the rounds go on, and the first hurried look will try again
        logger.exception("hurried looks are not ready")


lifecycle.on_start(start)
lifecycle.on_stop(stop)
