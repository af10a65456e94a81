"""Figures: how long each stage takes and how often things happen, in this process and summed over all processes.

A stage is a histogram whose bounds grow by a quarter, so a measurement is one bisection and four additions (under a
microsecond) and percentiles are exact within an eighth. Figures hold no names and no ids of persons.
"""

from __future__ import annotations

import math
import os
import re
import socket
import threading
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

# Upper bounds of the buckets in milliseconds, 0.01 to 8,000; above is one more bucket.
BOUNDS: Final = tuple(round(0.01 * 1.25**step, 4) for step in range(62))
COUNTERS: Final = (
    "frames", "no_motion", "reduced", "dropped", "late", "failed", "bad_frames", "unavailable",
    "marks", "marks_already", "marks_refused", "reviews",
    "gallery_built", "gallery_loaded", "gallery_refused", "recognition_hits", "recognition_misses",
    "encoding_hits", "encoding_misses", "encoding_refused", "encoding_bytes_sent",
    "cache_faults",
)  # fmt: skip
# Stages or gauges that the figures of another process may have; more means that they are not Rollcall's.
MOST_NAMES: Final = 64
_NAME: Final = re.compile(r"[a-z][a-z_]{0,39}")
_LARGEST: Final = 2.0**53


@dataclass(slots=True, eq=False)
class Stage:
    """The measurements of one stage in milliseconds."""

    count: int = 0
    total: float = 0.0
    least: float = float("inf")
    most: float = 0.0
    buckets: list[int] = field(default_factory=lambda: [0] * (len(BOUNDS) + 1))

    def add(self, milliseconds: float) -> None:
        self.count += 1
        self.total += milliseconds
        self.least = min(self.least, milliseconds)
        self.most = max(self.most, milliseconds)
        self.buckets[bisect_left(BOUNDS, milliseconds)] += 1

    def merge(self, other: Stage) -> None:
        self.count += other.count
        self.total += other.total
        self.least, self.most = min(self.least, other.least), max(self.most, other.most)
        self.buckets = [mine + theirs for mine, theirs in zip(self.buckets, other.buckets, strict=True)]

    @property
    def mean(self) -> float:
        return self.total / self.count if self.count else 0.0

    def percentile(self, share: float) -> float:
        """Return the value below which `share` (0 to 1) of the measurements lie, interpolated within its bucket.

        0.0 where there are none.
        """
        rank, below = share * self.count, 0
        for index, count in enumerate(self.buckets):
            if count and below + count >= rank:
                low = BOUNDS[index - 1] if index else 0.0
                high = BOUNDS[index] if index < len(BOUNDS) else self.most
                between = low + (high - low) * (rank - below) / count
                return min(max(between, self.least), self.most)
            below += count
        return 0.0


@dataclass(frozen=True, slots=True, eq=False)
class Figures:
    """A copy of stages, counters, and gauges such as the number of cameras."""

    stages: Mapping[str, Stage]
    counters: Mapping[str, int]
    gauges: Mapping[str, float]

    def as_json(self) -> dict[str, Any]:
        """Return plain values for JSON, as processes share them through Redis."""
        stages = {
            name: [stage.count, stage.total, stage.least, stage.most, stage.buckets]
            for name, stage in self.stages.items()
        }
        return {"stages": stages, "counters": dict(self.counters), "gauges": dict(self.gauges)}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Figures:
        """Return the figures given by `as_json`. Raises AttributeError, KeyError, TypeError or ValueError otherwise."""
        stages = {name: _stage(row) for name, row in _named(value["stages"])}
        gauges = {name: _number(amount) for name, amount in _named(value["gauges"]) if name not in COUNTERS}
        counters = {name: int(_number(value["counters"].get(name, 0))) for name in COUNTERS}
        return cls(stages, counters, gauges)


def _named(members: Mapping[str, Any]) -> Iterable[tuple[str, Any]]:
    """Return the members if they are few and their names are fit for Prometheus, else raise ValueError."""
    if len(members) > MOST_NAMES or not all(_NAME.fullmatch(name) for name in members):
        raise ValueError("these names are not those of Rollcall's figures")
    return members.items()


def _number(value: Any) -> float:
    """Return a number that is finite and not negative. Raises TypeError and ValueError."""
    if not isinstance(value, int | float):
        raise TypeError("figures are numbers")
    if not 0 <= value < _LARGEST or math.isnan(value):
        raise ValueError("a figure is neither negative nor infinite")
    return float(value)


def _stage(row: Any) -> Stage:
    count, total, least, most, buckets = row
    if len(buckets) != len(BOUNDS) + 1:
        raise ValueError("the buckets are those of another version")
    counts = [int(_number(value)) for value in buckets]
    if sum(counts) != count:
        raise ValueError("the buckets do not add up to the count")
    return Stage(int(count), _number(total), _number(least), _number(most), counts)


def sum_of(all_figures: Iterable[Figures]) -> Figures:
    """Return the sum over processes. Gauges are added, except ages (`*_seconds`), of which the greatest counts."""
    stages: dict[str, Stage] = {}
    counters: Counter[str] = Counter()
    gauges: dict[str, float] = {}
    for figures in all_figures:
        for name, stage in figures.stages.items():
            stages.setdefault(name, Stage()).merge(stage)
        counters.update(figures.counters)
        for name, amount in figures.gauges.items():
            before = gauges.get(name, 0.0)
            gauges[name] = max(before, amount) if name.endswith("_seconds") else before + amount
    return Figures(stages, counters, gauges)


class Monitor:
    """The figures of one process. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._stages: dict[str, Stage] = {}
        self._counters: Counter[str] = Counter()
        self._gauges: dict[str, Callable[[], float]] = {}

    def observe(self, stage: str, milliseconds: float) -> None:
        """Add one measurement of a stage."""
        with self._lock:
            measured = self._stages.get(stage)
            if measured is None:
                measured = self._stages[stage] = Stage()
            measured.add(milliseconds)

    def count(self, name: str, by: int = 1) -> None:
        """Add to a counter, which must be one of COUNTERS to be shown."""
        with self._lock:
            self._counters[name] += by

    def gauge(self, name: str, read: Callable[[], float]) -> None:
        """Register a gauge: `read` is called whenever figures are taken."""
        with self._lock:
            self._gauges[name] = read

    def figures(self) -> Figures:
        """Return a copy of the figures as they are now."""
        with self._lock:
            stages = {name: Stage() for name in self._stages}
            for name, stage in stages.items():
                stage.merge(self._stages[name])
            counters = {name: self._counters[name] for name in COUNTERS}
            gauges = dict(self._gauges)
        return Figures(stages, counters, {name: float(read()) for name, read in gauges.items()})


# The figures of this process.
MONITOR: Final = Monitor()


def process_name() -> str:
    """Return a name that is unique among the processes of all nodes."""
    return f"{socket.gethostname()}-{os.getpid()}"
