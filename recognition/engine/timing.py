"""The time that each stage of the engine takes: totals of the engine, and those of one caller."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

_NAMES = ("detect", "align", "encode")


@dataclass(frozen=True, slots=True, eq=False)
class StageTotal:
    """How often a stage ran, and its milliseconds in total."""

    count: int
    milliseconds: float


class StageTimes:
    """Counts and times of the stages detect, align and encode. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._totals = {name: StageTotal(0, 0.0) for name in _NAMES}
        self._local = threading.local()

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Measure the code inside as stage `name`."""
        start = time.perf_counter()
        try:
            yield
        finally:
            self._add(name, (time.perf_counter() - start) * 1000)

    @contextmanager
    def collect(self) -> Iterator[dict[str, float]]:
        """Yield a dictionary that collects the milliseconds of the stages that this thread runs inside."""
        before = getattr(self._local, "own", None)
        own = self._local.own = dict.fromkeys(_NAMES, 0.0)
        try:
            yield own
        finally:
            self._local.own = before

    def totals(self) -> dict[str, StageTotal]:
        """Return the totals since the engine was loaded."""
        with self._lock:
            return dict(self._totals)

    def _add(self, name: str, milliseconds: float) -> None:
        own: dict[str, float] | None = getattr(self._local, "own", None)
        if own is not None:
            own[name] += milliseconds
        with self._lock:
            total = self._totals[name]
            self._totals[name] = StageTotal(total.count + 1, total.milliseconds + milliseconds)
