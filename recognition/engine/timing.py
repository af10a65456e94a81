"""How long each stage takes: sums for the whole engine, and one caller's own."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

_NAMES = ("detect", "align", "encode")


@dataclass(frozen=True, slots=True, eq=False)
class StageTotal:
    """How often a stage ran and the milliseconds it took in all."""

    count: int
    milliseconds: float


class StageTimes:
    """Counts and times of the stages detect, align and encode; safe from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._totals = {name: StageTotal(0, 0.0) for name in _NAMES}
        self._local = threading.local()

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Time what happens inside as the stage `name`."""
        start = time.perf_counter()
        try:
            yield
        finally:
            self._add(name, (time.perf_counter() - start) * 1000)

    @contextmanager
    def collect(self) -> Iterator[dict[str, float]]:
        """Milliseconds per stage of what this thread runs inside, in a dictionary that fills as it runs."""
        before = getattr(self._local, "own", None)
        own = self._local.own = dict.fromkeys(_NAMES, 0.0)
        try:
            yield own
        finally:
            self._local.own = before

    def totals(self) -> dict[str, StageTotal]:
        """The sums since the engine was made."""
        with self._lock:
            return dict(self._totals)

    def _add(self, name: str, milliseconds: float) -> None:
        own: dict[str, float] | None = getattr(self._local, "own", None)
        if own is not None:
            own[name] += milliseconds
        with self._lock:
            total = self._totals[name]
            self._totals[name] = StageTotal(total.count + 1, total.milliseconds + milliseconds)
