"""The figures of all processes, gathered through the cache, and the text that Prometheus reads."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Any, Final

from django.core.cache import cache
from django_redis.exceptions import ConnectionInterrupted
from prometheus_client import CollectorRegistry, Metric, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from redis.exceptions import RedisError

from recognition.monitor import BOUNDS, MONITOR, Figures, Monitor, merged, process_name

KEEP_SECONDS: Final = 20
ROSTER: Final = "monitor"
_PREFIX: Final = "rollcall_"
# django-redis's own methods are not in the types of Django's cache.
_redis: Final[Any] = cache


def publish(monitor: Monitor) -> None:
    """Leave this process's figures for the others, with the time. Without Redis nothing happens."""
    cache.set(f"{ROSTER}:{process_name()}", {"at": time.time(), **monitor.figures().as_json()}, KEEP_SECONDS)


def gathered() -> dict[str, Figures]:
    """The figures of each process that lives, this one's as they are now. Foreign values are passed over."""
    found = {process_name(): MONITOR.figures()}
    for name, value in _left_by_others():
        if name not in found and isinstance(value, dict):
            with suppress(KeyError, TypeError, ValueError, AttributeError):
                found[name] = Figures.of_json(value)
    return found


def _left_by_others() -> list[tuple[str, object]]:
    """What lies in the cache; nothing where Redis is away, which django-redis says of this one call alone."""
    try:
        keys = list(_redis.iter_keys(f"{ROSTER}:*"))
    except (ConnectionInterrupted, RedisError):
        return []
    return [(str(key).removeprefix(f"{ROSTER}:"), cache.get(key)) for key in keys]


def text() -> bytes:
    """What /metrics answers: sums over all processes, no names and no ids of persons."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Collector(merged(gathered().values())))
    return bytes(generate_latest(registry))


def table() -> list[dict[str, Any]]:
    """The stages summed over processes, for the admin's page: milliseconds, in the order of the pipeline."""
    stages = merged(gathered().values()).stages
    return [
        {
            "stage": name,
            "count": stage.count,
            "total": round(stage.total, 1),
            "min": round(stage.least, 2),
            "mean": round(stage.mean, 2),
            "max": round(stage.most, 2),
            **{f"p{share}": round(stage.percentile(share / 100), 2) for share in (50, 95, 99)},
        }
        for name, stage in sorted(stages.items())
        if stage.count
    ]


class _Collector:
    def __init__(self, figures: Figures) -> None:
        self._figures = figures

    def collect(self) -> Iterator[Metric]:
        yield from self._stages()
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
