"""Many cameras, few cores: one slot for each camera where the newest frame wins, and fair turns.

A camera stands in the queue at most once and is worked on by at most one thread, so whatever it sends, it holds two
frames at most and disturbs nobody; its own state needs no lock. Several waiting cameras are handed out together, which
lets one query and one search serve them all. A frame that waited past its deadline is worth nothing: it is said so,
and the camera is told in time to send fewer.
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

V = TypeVar("V")
R = TypeVar("R")

DEADLINE: Final = 1.0
BATCH: Final = 4
TURN_SECONDS: Final = 0.05
"""Frames of a turn are answered together, the first when the last is done: a turn takes no more than fit into this."""
STOP_SECONDS: Final = 2.0


@dataclass(frozen=True, slots=True, eq=False)
class Frame(Generic[V]):
    """A picture as it came: `at` is the monotonic second of its arrival, `state` its camera's own."""

    state: V
    seq: int
    data: bytes
    at: float


@dataclass(frozen=True, slots=True, eq=False)
class Answer(Generic[R]):
    """What became of the frame `seq`: a result, or None where it came too late (`late`) or the work failed.

    `dropped` earlier frames were overtaken by it; `queue` are the milliseconds that it waited.
    """

    seq: int
    result: R | None
    late: bool
    dropped: int
    queue: float
    total: float


class Camera(Generic[V, R]):
    """A camera's place. `put` and `close` are called from its own thread, `answer` from a worker's."""

    __slots__ = ("_streams", "answer", "busy", "closed", "dropped", "slot", "state")

    def __init__(self, streams: Streams[V, R], state: V, answer: Callable[[Answer[R]], None]) -> None:
        self._streams = streams
        self.state = state
        self.answer = answer
        self.slot: Frame[V] | None = None
        self.busy = False
        self.closed = False
        self.dropped = 0

    def put(self, seq: int, data: bytes) -> bool:
        """Offer a frame; it takes the place of one that waits. False where nothing is taken any more."""
        return self._streams.put(self, Frame(self.state, seq, data, self._streams.clock()))

    def close(self) -> None:
        """No answer follows; the frame that waits is forgotten."""
        self._streams.leave(self)


class Streams(Generic[V, R]):
    """The queue and the threads. `work` takes frames of several cameras and returns one result for each.

    `clock` dates frames, in seconds.
    """

    def __init__(
        self,
        work: Callable[[Sequence[Frame[V]]], Sequence[R]],
        *,
        workers: int,
        monitor: Monitor,
        adviser: Adviser,
        deadline: float = DEADLINE,
        turn_seconds: float = TURN_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.clock = clock
        self._work = work
        self._workers = workers
        self._monitor = monitor
        self._adviser = adviser
        self._deadline = deadline
        self._turn_seconds = turn_seconds
        self._ready: deque[Camera[V, R]] = deque()
        self._cameras: set[Camera[V, R]] = set()
        self._change = threading.Condition()
        self._stopping = False
        self._threads: list[threading.Thread] = []

    def open(self, state: V, answer: Callable[[Answer[R]], None]) -> Camera[V, R]:
        """A place for a camera; the first one starts the threads."""
        camera = Camera(self, state, answer)
        with self._change:
            self._cameras.add(camera)
            if not self._threads and not self._stopping:
                self._start()
        return camera

    def _start(self) -> None:
        for number in range(self._workers):
            # Never daemons: a thread inside the networks while the interpreter ends is an abort.
            thread = threading.Thread(target=self._serve, name=f"recognise-{number}", daemon=False)
            self._threads.append(thread)
            thread.start()

    def put(self, camera: Camera[V, R], frame: Frame[V]) -> bool:
        """See `Camera.put`."""
        self._monitor.count("frames")
        with self._change:
            if self._stopping or camera.closed:
                return False
            if camera.slot is not None:
                camera.dropped += 1
                self._monitor.count("dropped")
            elif not camera.busy:
                self._ready.append(camera)
                self._change.notify()
            camera.slot = frame
        return True

    def leave(self, camera: Camera[V, R]) -> None:
        """See `Camera.close`."""
        with self._change:
            camera.closed, camera.slot = True, None
            self._cameras.discard(camera)

    def advice(self) -> Advice:
        """What each camera should send now, so that no queue builds."""
        return self._adviser.advice(len(self._cameras))

    @property
    def cameras(self) -> int:
        """How many places are taken."""
        return len(self._cameras)

    @property
    def waiting(self) -> int:
        """How many frames wait for a thread."""
        return len(self._ready)

    def stop(self, seconds: float = STOP_SECONDS) -> bool:
        """Take nothing more, forget what waits, end the threads; False if one is still at work after that time."""
        with self._change:
            self._stopping = True
            self._ready.clear()
            for camera in self._cameras:
                camera.closed, camera.slot = True, None
            self._cameras.clear()
            self._change.notify_all()
        until = time.monotonic() + seconds
        for thread in self._threads:
            thread.join(max(0.0, until - time.monotonic()))
        return not any(thread.is_alive() for thread in self._threads)

    def _serve(self) -> None:
        while turn := self._next():
            started = self.clock()
            fresh = [pair for pair in turn if started - pair[1].at <= self._deadline]
            for camera, frame, dropped in turn:
                if started - frame.at > self._deadline:
                    self._monitor.count("late")
                    self._deliver(camera, frame, None, dropped, started, late=True)
            if fresh:
                self._recognise(fresh, started)
            self._finish([camera for camera, _, _ in turn])

    def _next(self) -> list[tuple[Camera[V, R], Frame[V], int]]:
        """The cameras whose turn it is, each with its frame; empty when the threads are to end."""
        with self._change:
            while True:
                self._change.wait_for(lambda: self._ready or self._stopping)
                if self._stopping:
                    return []
                turn = [self._take(self._ready.popleft()) for _ in range(self._turn())]
                if taken := [one for one in turn if one is not None]:
                    return taken

    def _turn(self) -> int:
        """How many frames to take together: what falls to one thread, within limits."""
        share = -(-len(self._ready) // self._workers)
        return int(min(share, BATCH, max(1, self._turn_seconds / self._adviser.dearest)))

    def _take(self, camera: Camera[V, R]) -> tuple[Camera[V, R], Frame[V], int] | None:
        frame, camera.slot = camera.slot, None
        if frame is None:
            return None
        camera.busy = True
        dropped, camera.dropped = camera.dropped, 0
        return camera, frame, dropped

    def _recognise(self, turn: Sequence[tuple[Camera[V, R], Frame[V], int]], started: float) -> None:
        results = self._results([frame for _, frame, _ in turn])
        self._adviser.took(self.clock() - started, len(turn))
        for (camera, frame, dropped), result in zip(turn, results, strict=True):
            self._deliver(camera, frame, result, dropped, started, late=False)

    def _results(self, frames: Sequence[Frame[V]]) -> Sequence[R | None]:
        """What the work says of each frame; None where it failed on that one alone."""
        try:
            return self._work(frames)
        except Exception:  # the edge of the thread: a picture must not end it for every camera
            if len(frames) > 1:
                # One of them is to blame, and the cameras beside it must not pay for that.
                return [result for frame in frames for result in self._results([frame])]
            logger.exception("recognition failed")
            self._monitor.count("failed")
            return [None]

    def _deliver(
        self,
        camera: Camera[V, R],
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
            camera.answer(Answer(frame.seq, result, late, dropped, queue, total))

    def _finish(self, cameras: Sequence[Camera[V, R]]) -> None:
        """Those who sent another frame in the meantime stand at the end of the queue again."""
        with self._change:
            for camera in cameras:
                camera.busy = False
                if camera.slot is not None and not self._stopping:
                    self._ready.append(camera)
                    self._change.notify()
