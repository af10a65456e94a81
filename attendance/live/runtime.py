"""Recognition in this process: galleries, the queue of frames with its threads, and maintenance."""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass
from typing import Final

from django.conf import settings

from attendance.core.db_threads import DB_THREADS
from attendance.faces.photograph_cache import photograph_cache
from attendance.live.gallery_source import VERSION_SECONDS, DatabaseSource, ask
from recognition.engine.errors import Stopped
from recognition.engine.pipeline import worker_count
from recognition.galleries import Galleries, SourceUnavailable
from recognition.process import PROCESS
from recognition.shared_engine import engine, warm_engine
from recognition.streams.frame_pipeline import FramePipeline
from recognition.streams.frame_results import CameraContext, FrameError, FrameResult
from recognition.streams.pacing import Adviser
from recognition.streams.queue import FrameQueue
from recognition.telemetry import metrics
from recognition.telemetry.monitor import MONITOR

logger = logging.getLogger(__name__)

MAINTENANCE_SECONDS: Final = 5.0

CameraQueue = FrameQueue[CameraContext, FrameResult | FrameError]


@dataclass(frozen=True, slots=True, eq=False)
class LivePipeline:
    """The parts that work together on camera frames."""

    galleries: Galleries
    pipeline: FramePipeline
    streams: CameraQueue

    def close(self) -> None:
        """Take no more frames, and wait up to two seconds for the threads to end."""
        if not self.streams.stop():
            logger.warning("a thread was still recognising after two seconds")


class Maintenance:
    """A thread that publishes metrics, drops invalid encodings and brings galleries up to date every few seconds."""

    def __init__(self) -> None:
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name="maintenance", daemon=False)
        self._thread.start()

    def close(self) -> None:
        """End the thread."""
        self._ending.set()
        self._thread.join(1.0)

    def _run(self) -> None:
        if LIVE_PIPELINE.peek() is not None:
            _warm_reduced_detection()
        while not self._ending.wait(MAINTENANCE_SECONDS):
            try:
                metrics.publish(MONITOR)
                ask(photograph_cache().drop_invalid, VERSION_SECONDS)
                galleries().refresh()
            except SourceUnavailable as error:
                logger.warning("caches and galleries were not refreshed: %s", error)
            except Exception:  # the edge of the thread: the next run may succeed
                logger.exception("maintenance failed")


def _warm_reduced_detection() -> None:
    """Compile what reduced detection needs before frames wait for it. The start does not wait for this."""
    try:
        warm_engine(reduced=True)
    except Stopped:
        return
    except Exception:
        # The edge of the thread: maintenance goes on, and the first reduced detection tries again.
        logger.exception("reduced detection is not ready")


def _make_galleries() -> Galleries:
    # Made first, so that the database threads are closed after everything that uses galleries.
    DB_THREADS.get()
    return Galleries(
        DatabaseSource(),
        monitor=MONITOR,
        rebuild_seconds=settings.FAISS_INDEX_REBUILD_INTERVAL,
        remember_seconds=settings.REDIS_CACHE_TTL,
    )


def _make_live_pipeline() -> LivePipeline:
    pipeline = FramePipeline(
        engine(),
        galleries(),
        monitor=MONITOR,
        largest_side=settings.MAX_IMAGE_SIZE,
        quality=settings.IMAGE_QUALITY,
    )
    workers = worker_count(settings.FACE_RECOGNITION_WORKERS)
    adviser = Adviser(workers=workers, largest_side=settings.MAX_IMAGE_SIZE, quality=settings.IMAGE_QUALITY)
    streams = CameraQueue(pipeline.process, workers=workers, monitor=MONITOR, adviser=adviser)
    MONITOR.gauge("cameras", lambda: streams.cameras)
    MONITOR.gauge("waiting", lambda: streams.waiting)
    return LivePipeline(galleries(), pipeline, streams)


GALLERIES: Final = PROCESS.part(_make_galleries)
LIVE_PIPELINE: Final = PROCESS.part(_make_live_pipeline, LivePipeline.close)
# The Celery worker runs it too, although it loads an engine only when a job needs one.
MAINTENANCE: Final = PROCESS.part(Maintenance, Maintenance.close)


def galleries() -> Galleries:
    """Return the galleries of this process; they need no engine."""
    return GALLERIES.get()


def live_pipeline() -> LivePipeline:
    """Return the queue of frames and its threads. Loads the engine at the first call."""
    return LIVE_PIPELINE.get()


def start() -> None:
    """Make what the first camera needs, and begin maintenance."""
    PROCESS.start(LIVE_PIPELINE)
    PROCESS.start(MAINTENANCE)
