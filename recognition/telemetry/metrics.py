"""The figures of all processes, gathered through the cache, and the text that Prometheus reads.

What lies in the cache is taken for figures of ours only as far as it looks like them: so many processes, so many bytes,
names and numbers within bounds. Where Redis is away this process shows its own figures, and says that it is alone.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

from django.core.cache import cache
from prometheus_client import CollectorRegistry, Metric, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from redis.exceptions import RedisError

from recognition.telemetry.monitor import BOUNDS, MONITOR, Figures, Monitor, merged, process_name

logger = logging.getLogger(__name__)

KEEP_SECONDS: Final = 20
ROSTER: Final = "monitor"
MOST_PROCESSES: Final = 64
MOST_BYTES: Final = 64 * 1024
"""Of one process's figures; some ten stages take 5 KB."""
_PREFIX: Final = "rollcall_"
# django-redis's own methods are not in the types of Django's cache.
_redis: Final[Any] = cache


@dataclass(frozen=True, slots=True, eq=False)
class Gathered:
    """The figures of each process that lives, by its name. `alone`: Redis did not answer, so only this one's."""

    processes: Mapping[str, Figures]
    alone: bool

    @property
    def total(self) -> Figures:
        """The sum over the processes."""
        return merged(self.processes.values())


def publish(monitor: Monitor) -> bool:
    """Leave this process's figures for the others. Without Redis nothing happens but that it is counted.

    How long it took is the stage `cache`: the one question to Redis that every process asks all the time.
    """
    started = time.perf_counter()
    key = _redis.client.make_key(f"{ROSTER}:{process_name()}")
    figures = _redis.client.encode(monitor.figures().as_json())
    try:
        # Past Django's cache, which does not tell that nothing was kept.
        _redis.client.get_client().set(str(key), figures, ex=KEEP_SECONDS)
    except RedisError as fault:
        monitor.count("cache_faults")
        logger.warning("figures were not shared, Redis is away or full: %s", fault)
        return False
    finally:
        monitor.observe("cache", (time.perf_counter() - started) * 1000)
    return True


def gathered() -> Gathered:
    """The figures of each process, this one's as they are now. What is none of ours is passed over."""
    try:
        left, alone = _left_by_others(), False
    except RedisError as fault:
        MONITOR.count("cache_faults")
        logger.info("the figures of this process alone, Redis does not answer: %s", fault)
        left, alone = [], True
    found = {process_name(): MONITOR.figures()}
    for name, value in left:
        if name not in found and isinstance(value, dict):
            with suppress(AttributeError, KeyError, TypeError, ValueError):
                found[name] = Figures.of_json(value)
    return Gathered(found, alone)


def _left_by_others() -> list[tuple[str, object]]:
    """What lies in the cache under names of processes: no more than MOST_PROCESSES, each within MOST_BYTES."""
    client = _redis.client.get_client(write=False)
    prefix = str(_redis.client.make_key(f"{ROSTER}:"))
    keys: list[bytes] = list(islice(client.scan_iter(match=f"{prefix}*", count=1000), MOST_PROCESSES))
    asked = client.pipeline(transaction=False)
    for key in keys:
        asked.getrange(key, 0, MOST_BYTES)
    # What is no text at all answers with a fault of its own, and is none of ours.
    values = asked.execute(raise_on_error=False) if keys else []
    return [
        (key[len(prefix) :].decode(errors="replace"), _redis.client.decode(value))
        for key, value in zip(keys, values, strict=True)
        if isinstance(value, bytes)
    ]


def text() -> bytes:
    """What /metrics answers: sums over all processes, no names and no ids of persons."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Collector(gathered()))
    return bytes(generate_latest(registry))


class _Collector:
    def __init__(self, found: Gathered) -> None:
        self._figures = found.total
        self._processes = len(found.processes)

    def collect(self) -> Iterator[Metric]:
        yield from self._stages()
        yield GaugeMetricFamily(_PREFIX + "processes", "processes in these sums", value=self._processes)
        for name, amount in self._figures.counters.items():
            yield CounterMetricFamily(_PREFIX + name, f"{name.replace('_', ' ')} so far", value=amount)
        for name, value in self._figures.gauges.items():
            yield GaugeMetricFamily(_PREFIX + name, f"{name.replace('_', ' ')} now", value=value)

    def _stages(self) -> Iterable[Metric]:
        family = HistogramMetricFamily(
            _PREFIX + "stage_milliseconds", "How long a stage takes", labels=("stage",)
        )
        for name, stage in self._figures.stages.items():
            running, buckets = 0, []
            for bound, inside in zip((*map(str, BOUNDS), "+Inf"), stage.buckets, strict=True):
                running += inside
                buckets.append((bound, running))
            family.add_metric((name,), buckets, stage.total)
        return (family,)
