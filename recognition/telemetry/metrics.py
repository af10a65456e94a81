"""The figures of all processes, shared through Redis, and the text that Prometheus reads.

Each process stores its figures every few seconds. What is read from Redis is checked: the number of processes, bytes,
names and numbers have limits. Without Redis a process shows its own figures and says that they are partial.
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

from recognition.telemetry.monitor import BOUNDS, MONITOR, Figures, Monitor, process_name, sum_of

logger = logging.getLogger(__name__)

# A process that stored nothing for this long counts as ended.
KEEP_SECONDS: Final = 20
KEY_PREFIX: Final = "monitor"
MOST_PROCESSES: Final = 64
# Bytes of one process's figures; ten stages take 5 KB.
MOST_BYTES: Final = 64 * 1024
_PREFIX: Final = "rollcall_"
# django-redis's own methods are not in the types of Django's cache.
_redis: Final[Any] = cache


@dataclass(frozen=True, slots=True, eq=False)
class GatheredFigures:
    """The figures of each running process, by its name; `partial`: only this one, because Redis did not answer."""

    processes: Mapping[str, Figures]
    partial: bool

    @property
    def total(self) -> Figures:
        """Return the sum over the processes."""
        return sum_of(self.processes.values())


def publish(monitor: Monitor) -> bool:
    """Store this process's figures for the others. Return False, and count a fault, where Redis does not answer.

    The time is measured as stage `cache`, because every process makes this request to Redis all the time.
    """
    started = time.perf_counter()
    key = _redis.client.make_key(f"{KEY_PREFIX}:{process_name()}")
    figures = _redis.client.encode(monitor.figures().as_json())
    try:
        # Not through Django's cache, which does not report that nothing was stored.
        _redis.client.get_client().set(str(key), figures, ex=KEEP_SECONDS)
    except RedisError as error:
        monitor.count("cache_faults")
        logger.warning("figures were not shared, Redis does not answer or is full: %s", error)
        return False
    finally:
        monitor.observe("cache", (time.perf_counter() - started) * 1000)
    return True


def gather() -> GatheredFigures:
    """Return the figures of each process, this one's as they are now. Values that are not figures are skipped."""
    try:
        shared, partial = _shared_by_others(), False
    except RedisError as error:
        MONITOR.count("cache_faults")
        logger.info("only the figures of this process, Redis does not answer: %s", error)
        shared, partial = [], True
    processes = {process_name(): MONITOR.figures()}
    for name, value in shared:
        if name not in processes and isinstance(value, dict):
            with suppress(AttributeError, KeyError, TypeError, ValueError):
                processes[name] = Figures.from_json(value)
    return GatheredFigures(processes, partial)


def _shared_by_others() -> list[tuple[str, object]]:
    """Return names and values that processes stored: at most MOST_PROCESSES, each cut to MOST_BYTES."""
    client = _redis.client.get_client(write=False)
    prefix = str(_redis.client.make_key(f"{KEY_PREFIX}:"))
    keys: list[bytes] = list(islice(client.scan_iter(match=f"{prefix}*", count=1000), MOST_PROCESSES))
    requests = client.pipeline(transaction=False)
    for key in keys:
        requests.getrange(key, 0, MOST_BYTES)
    # A key of another type answers with an error, and is skipped.
    values = requests.execute(raise_on_error=False) if keys else []
    return [
        (key[len(prefix) :].decode(errors="replace"), _redis.client.decode(value))
        for key, value in zip(keys, values, strict=True)
        if isinstance(value, bytes)
    ]


def text() -> bytes:
    """Return the text of /metrics: sums over all processes, without names or ids of persons."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Collector(gather()))
    return bytes(generate_latest(registry))


class _Collector:
    def __init__(self, gathered: GatheredFigures) -> None:
        self._figures = gathered.total
        self._processes = len(gathered.processes)

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
            for bound, count in zip((*map(str, BOUNDS), "+Inf"), stage.buckets, strict=True):
                running += count
                buckets.append((bound, running))
            family.add_metric((name,), buckets, stage.total)
        return (family,)
