"""How long each stage takes, and how often things happen: in this process, and summed over all.

A stage keeps a histogram with buckets a quarter apart, so that a measurement is one bisection and four additions
(under a microsecond) and percentiles are right within an eighth. Processes leave their figures in the cache
every few seconds; where Redis is away, each shows its own. No names and no ids of persons.
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

BOUNDS: Final = tuple(round(0.01 * 1.25**step, 4) for step in range(62))
"""Upper bounds of the buckets in milliseconds, 0.01 to 8,000; above is one more bucket."""
COUNTERS: Final = (
    "frames", "still", "coarse", "dropped", "late", "failed", "bad_frames", "unavailable",
    "marks", "marks_already", "marks_refused", "reviews",
    "gallery_built", "gallery_loaded", "gallery_refused", "recognition_hits", "recognition_misses",
    "encoding_hits", "encoding_misses", "encoding_refused", "encoding_bytes_sent",
    "cache_faults",
)  # fmt: skip
MOST_NAMES: Final = 64
"""Stages or gauges that figures from another process may have; more is no process of ours."""
_NAME: Final = re.compile(r"[a-z][a-z_]{0,39}")
_LARGEST: Final = 2.0**53


@dataclass(slots=True, eq=False)
class Stage:
    """Measurements of one stage in milliseconds."""

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
        """The measurement that `share` of all lie under, within its bucket's width; 0.0 where there is none."""
        rank, below = share * self.count, 0
        for place, inside in enumerate(self.buckets):
            if inside and below + inside >= rank:
                low = BOUNDS[place - 1] if place else 0.0
                high = BOUNDS[place] if place < len(BOUNDS) else self.most
                between = low + (high - low) * (rank - below) / inside
                return min(max(between, self.least), self.most)
            below += inside
        return 0.0


@dataclass(frozen=True, slots=True, eq=False)
class Figures:
    """A moment's copy: stages, counters, and gauges such as the number of cameras."""

    stages: Mapping[str, Stage]
    counters: Mapping[str, int]
    gauges: Mapping[str, float]

    def as_json(self) -> dict[str, Any]:
        """Plain values, as they travel through the cache."""
        stages = {
            name: [stage.count, stage.total, stage.least, stage.most, stage.buckets]
            for name, stage in self.stages.items()
        }
        return {"stages": stages, "counters": dict(self.counters), "gauges": dict(self.gauges)}

    @classmethod
    def of_json(cls, value: Mapping[str, Any]) -> Figures:
        """What `as_json` gave. Raises AttributeError, KeyError, TypeError, ValueError for anything else."""
        stages = {name: _stage(row) for name, row in _named(value["stages"])}
        gauges = {name: _number(amount) for name, amount in _named(value["gauges"]) if name not in COUNTERS}
        counters = {name: int(_number(value["counters"].get(name, 0))) for name in COUNTERS}
        return cls(stages, counters, gauges)


def _named(members: Mapping[str, Any]) -> Iterable[tuple[str, Any]]:
    """The members, if they are few and called as ours are: their names become those of Prometheus."""
    if len(members) > MOST_NAMES or not all(_NAME.fullmatch(name) for name in members):
        raise ValueError("names that no process of ours gives")
    return members.items()


def _number(value: Any) -> float:
    """A count or an amount: neither text, nor infinite, nor below nothing."""
    if not isinstance(value, int | float):
        raise TypeError("figures are numbers")
    if not 0 <= value < _LARGEST or math.isnan(value):
        raise ValueError("a number that nothing of ours measures")
    return float(value)


def _stage(row: Any) -> Stage:
    count, total, least, most, buckets = row
    if len(buckets) != len(BOUNDS) + 1:
        raise ValueError("another version's buckets")
    inside = [int(_number(each)) for each in buckets]
    if sum(inside) != count:
        raise ValueError("the buckets hold more or less than was counted")
    return Stage(int(count), _number(total), _number(least), _number(most), inside)


def merged(all_figures: Iterable[Figures]) -> Figures:
    """The sum over processes. Gauges add up, except ages (`*_seconds`), of which the greatest counts."""
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
    """One process's figures. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._stages: dict[str, Stage] = {}
        self._counters: Counter[str] = Counter()
        self._gauges: dict[str, Callable[[], float]] = {}

    def observe(self, stage: str, milliseconds: float) -> None:
        """One passage through a stage."""
        with self._lock:
            found = self._stages.get(stage)
            if found is None:
                found = self._stages[stage] = Stage()
            found.add(milliseconds)

    def count(self, name: str, by: int = 1) -> None:
        """Something happened."""
        with self._lock:
            self._counters[name] += by

    def gauge(self, name: str, read: Callable[[], float]) -> None:
        """A value that is asked for whenever figures are wanted."""
        with self._lock:
            self._gauges[name] = read

    def figures(self) -> Figures:
        """A copy of this moment."""
        with self._lock:
            stages = {name: Stage() for name in self._stages}
            for name, stage in stages.items():
                stage.merge(self._stages[name])
            counters = {name: self._counters[name] for name in COUNTERS}
            gauges = dict(self._gauges)
        return Figures(stages, counters, {name: float(read()) for name, read in gauges.items()})


MONITOR: Final = Monitor()
"""The figures of this process."""


def process_name() -> str:
    """Tells processes apart over all nodes."""
    return f"{socket.gethostname()}-{os.getpid()}"
