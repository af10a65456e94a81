"""The queue of frames: many cameras share few threads, and each camera's newest frame replaces its older one.

A camera stands in the queue at most once and is processed by at most one thread. It therefore holds at most two frames
and delays no other camera, and its state needs no lock. Several waiting cameras are processed as one batch, which then
needs one query and one search. A frame that waited past its deadline is answered as late, and the camera is advised in
time to send fewer.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from recognition.streams.pacing import Advice, Adviser
from recognition.telemetry.monitor import Monitor

logger = logging.getLogger(__name__)

# The state of a camera, and the result of a frame.
V = TypeVar("V")
R = TypeVar("R")

# A camera, its frame, and how many frames that one replaced.
Job = tuple["CameraSlot[V, R]", "Frame[V]", int]

# Seconds after which a waiting frame is no longer worth processing.
DEADLINE: Final = 1.0
LARGEST_BATCH: Final = 4
# The frames of a batch are answered together once the last is done, so a batch holds no more than fit into this.
BATCH_SECONDS: Final = 0.05
STOP_SECONDS: Final = 2.0


@dataclass(frozen=True, slots=True, eq=False)
class Frame(Generic[V]):
    """An encoded image as it came: `at` is the monotonic second of its arrival, `state` that of its camera."""

    state: V
    seq: int
    data: bytes
    at: float


@dataclass(frozen=True, slots=True, eq=False)
class FrameAnswer(Generic[R]):
    """The answer to frame `seq`: a result, or None where it waited too long (`late`) or processing failed.

    `dropped` is how many earlier frames it replaced. `queue` is how long it waited and `total` the time from its
    arrival to the answer, in milliseconds.
    """

    seq: int
    result: R | None
    late: bool
    dropped: int
    queue: float
    total: float


class CameraSlot(Generic[V, R]):
    """The place of one camera in the queue. Its owner calls `put` and `close`; a recognition thread calls `answer`."""

    __slots__ = ("_queue", "answer", "busy", "closed", "dropped", "state", "waiting")

    def __init__(self, queue: FrameQueue[V, R], state: V, answer: Callable[[FrameAnswer[R]], None]) -> None:
        self._queue = queue
        self.state = state
        self.answer = answer
        self.waiting: Frame[V] | None = None
        self.busy = False
        self.closed = False
        self.dropped = 0

    def put(self, seq: int, data: bytes) -> bool:
        """Queue a frame in place of one that waits. Return False if the slot or the queue was closed."""
        return self._queue.put(self, Frame(self.state, seq, data, self._queue.clock()))

    def close(self) -> None:
        """Leave the queue: the waiting frame is dropped, and no answer follows."""
        self._queue.leave(self)


class FrameQueue(Generic[V, R]):
    """The queue and its threads. Thread-safe.

    `process` takes frames of several cameras and returns one result for each, in the same order.
    `clock` dates frames, in seconds.
    """

    def __init__(
        self,
        process: Callable[[Sequence[Frame[V]]], Sequence[R]],
        *,
        workers: int,
        monitor: Monitor,
        adviser: Adviser,
        deadline: float = DEADLINE,
        batch_seconds: float = BATCH_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.clock = clock
        self._process = process
        self._workers = workers
        self._monitor = monitor
        self._adviser = adviser
        self._deadline = deadline
        self._batch_seconds = batch_seconds
        self._ready: deque[CameraSlot[V, R]] = deque()
        self._cameras: set[CameraSlot[V, R]] = set()
        self._change = threading.Condition()
        self._stopping = False
        self._threads: list[threading.Thread] = []

    def open(self, state: V, answer: Callable[[FrameAnswer[R]], None]) -> CameraSlot[V, R]:
        """Return a slot for a camera; the first call starts the threads. `answer` is called from those."""
        camera = CameraSlot(self, state, answer)
        with self._change:
            self._cameras.add(camera)
            if not self._threads and not self._stopping:
                self._start()
        return camera

    def _start(self) -> None:
        for number in range(self._workers):
            # Not a daemon: the process aborts if the interpreter ends while a thread computes a network.
            thread = threading.Thread(target=self._run, name=f"recognise-{number}", daemon=False)
            self._threads.append(thread)
            thread.start()

    def put(self, camera: CameraSlot[V, R], frame: Frame[V]) -> bool:
        """See `CameraSlot.put`."""
        self._monitor.count("frames")
        with self._change:
            if self._stopping or camera.closed:
                return False
            if camera.waiting is not None:
                camera.dropped += 1
                self._monitor.count("dropped")
            elif not camera.busy:
                self._ready.append(camera)
                self._change.notify()
            camera.waiting = frame
        return True

    def leave(self, camera: CameraSlot[V, R]) -> None:
        """See `CameraSlot.close`."""
        with self._change:
            camera.closed, camera.waiting = True, None
            self._cameras.discard(camera)

    def advice(self) -> Advice:
        """Return what each camera should send now, so that no frames wait."""
        return self._adviser.advice(len(self._cameras))

    @property
    def cameras(self) -> int:
        """Return how many cameras are connected."""
        return len(self._cameras)

    @property
    def waiting(self) -> int:
        """Return how many frames wait for a thread."""
        return len(self._ready)

    def stop(self, seconds: float = STOP_SECONDS) -> bool:
        """Drop waiting frames and end the threads. Return False if one is still busy after `seconds`."""
        with self._change:
            self._stopping = True
            self._ready.clear()
            for camera in self._cameras:
                camera.closed, camera.waiting = True, None
            self._cameras.clear()
            self._change.notify_all()
        until = time.monotonic() + seconds
        for thread in self._threads:
            thread.join(max(0.0, until - time.monotonic()))
        return not any(thread.is_alive() for thread in self._threads)

    def _run(self) -> None:
        while batch := self._next_batch():
            started = self.clock()
            in_time = [job for job in batch if started - job[1].at <= self._deadline]
            for camera, frame, dropped in batch:
                if started - frame.at > self._deadline:
                    self._monitor.count("late")
                    self._deliver(camera, frame, None, dropped, started, late=True)
            if in_time:
                self._recognise(in_time, started)
            self._finish([camera for camera, _, _ in batch])

    def _next_batch(self) -> list[Job[V, R]]:
        """Wait for cameras that are ready and take their frames; empty when the threads are to end."""
        with self._change:
            while True:
                self._change.wait_for(lambda: self._ready or self._stopping)
                if self._stopping:
                    return []
                jobs = [self._take(self._ready.popleft()) for _ in range(self._batch_size())]
                if batch := [job for job in jobs if job is not None]:
                    return batch

    def _batch_size(self) -> int:
        """Return one thread's share of the waiting frames, limited by number and by time."""
        share = -(-len(self._ready) // self._workers)
        return int(min(share, LARGEST_BATCH, max(1, self._batch_seconds / self._adviser.peak_seconds)))

    def _take(self, camera: CameraSlot[V, R]) -> Job[V, R] | None:
        frame, camera.waiting = camera.waiting, None
        if frame is None:
            return None
        camera.busy = True
        dropped, camera.dropped = camera.dropped, 0
        return camera, frame, dropped

    def _recognise(self, batch: Sequence[Job[V, R]], started: float) -> None:
        results = self._results([frame for _, frame, _ in batch])
        self._adviser.record(self.clock() - started, len(batch))
        for (camera, frame, dropped), result in zip(batch, results, strict=True):
            self._deliver(camera, frame, result, dropped, started, late=False)

    def _results(self, frames: Sequence[Frame[V]]) -> Sequence[R | None]:
        """Return the result of each frame; None for one whose processing failed."""
        try:
            return self._process(frames)
        except Exception:  # the edge of the thread: one image must not end it for every camera
            if len(frames) > 1:
                # One frame causes the failure; the others of the batch are processed without it.
                return [result for frame in frames for result in self._results([frame])]
            logger.exception("recognition failed")
            self._monitor.count("failed")
            return [None]

    def _deliver(
        self,
        camera: CameraSlot[V, R],
        frame: Frame[V],
        result: R | None,
        dropped: int,
        started: float,
        *,
        late: bool,
    ) -> None:
        now = self.clock()
        queue, total = (started - frame.at) * 1000, (now - frame.at) * 1000
        self._monitor.observe("queue", queue)
        self._monitor.observe("total", total)
        if not camera.closed:
            camera.answer(FrameAnswer(frame.seq, result, late, dropped, queue, total))

    def _finish(self, cameras: Sequence[CameraSlot[V, R]]) -> None:
        """Queue those cameras again, at the end, that sent another frame meanwhile."""
        with self._change:
            for camera in cameras:
                camera.busy = False
                if camera.waiting is not None and not self._stopping:
                    self._ready.append(camera)
                    self._change.notify()
