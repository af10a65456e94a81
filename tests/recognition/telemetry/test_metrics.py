"""The figures of all processes, through a real Valkey."""

import json
import random
import statistics
from typing import Any

import pytest
from django.core.cache import cache
from prometheus_client.parser import text_string_to_metric_families

from recognition.telemetry import metrics
from recognition.telemetry.monitor import MONITOR, Monitor


def store(monkeypatch: pytest.MonkeyPatch, name: str, monitor: Monitor) -> None:
    """Figures of a process of that name."""
    with monkeypatch.context() as patched:
        patched.setattr(metrics, "process_name", lambda: name)
        assert metrics.publish(monitor)


def other_process(monkeypatch: pytest.MonkeyPatch, name: str) -> Monitor:
    """Another process that has left its figures."""
    monitor = Monitor()
    monitor.observe("of_another", 12.0)
    monitor.count("marks", 4)
    store(monkeypatch, name, monitor)
    return monitor


def samples() -> dict[str, float]:
    families = text_string_to_metric_families(metrics.text().decode())
    return {sample.name: sample.value for family in families for sample in family.samples}


def test_processes_are_summed_with_this_one_as_it_is_now(monkeypatch: pytest.MonkeyPatch) -> None:
    cache.clear()  # servers of tests before this one have left theirs
    other_process(monkeypatch, "node-1")
    other_process(monkeypatch, "node-2")
    assert metrics.publish(MONITOR)
    before = MONITOR.figures().counters["marks"]
    found = metrics.gather()
    stage = found.total.stages["of_another"]
    assert (stage.count, stage.total, stage.percentile(0.95)) == (2, 24.0, 12.0)
    assert (found.partial, set(found.processes) >= {"node-1", "node-2"}) == (False, True)
    assert samples()["rollcall_marks_total"] == before + 8
    assert samples()["rollcall_processes"] == 3


def test_percentiles_of_the_sum_are_those_of_all_measurements(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rng = random.Random(5)
    # A quick process that measures much and a slow one that measures little: no mean of percentiles gives this.
    halves = ([rng.uniform(1, 4) for _ in range(900)], [rng.uniform(200, 300) for _ in range(100)])
    for name, values in zip(("quick", "slow"), halves, strict=True):
        monitor = Monitor()
        for value in values:
            monitor.observe("of_both", value)
        store(monkeypatch, name, monitor)
    stage = metrics.gather().total.stages["of_both"]
    together = halves[0] + halves[1]
    cuts = statistics.quantiles(together, n=100)
    for share in (50, 95, 99):
        assert stage.percentile(share / 100) == pytest.approx(cuts[share - 1], rel=0.13)
    assert (stage.least, stage.most) == (min(together), max(together))
    assert stage.mean == pytest.approx(statistics.fmean(together))


def test_stages_are_prometheus_histograms(monkeypatch: pytest.MonkeyPatch) -> None:
    other_process(monkeypatch, "node-1")
    families = {family.name: family for family in text_string_to_metric_families(metrics.text().decode())}
    found = [
        sample
        for sample in families["rollcall_stage_milliseconds"].samples
        if sample.labels["stage"] == "of_another"
    ]
    buckets = [sample.value for sample in found if sample.name.endswith("_bucket")]
    assert families["rollcall_stage_milliseconds"].type == "histogram"
    assert buckets == sorted(buckets)
    assert {sample.name: sample.value for sample in found}["rollcall_stage_milliseconds_sum"] == 12.0


def valid_figures() -> dict[str, Any]:
    monitor = Monitor()
    monitor.observe("detect", 3.0)
    monitor.gauge("cameras", lambda: 2.0)
    made: dict[str, Any] = json.loads(json.dumps(monitor.figures().as_json()))
    return made


def stage_of(**changed: Any) -> dict[str, Any]:
    """Honest figures whose only stage says something else."""
    made = valid_figures()
    places = {"count": 0, "total": 1, "least": 2, "most": 3, "buckets": 4}
    for name, value in changed.items():
        made["stages"]["detect"][places[name]] = value
    return made


PLANTED = [
    "text",
    7,
    [1],
    {},
    {"stages": 1},
    {"stages": {"x": [1]}, "counters": {}, "gauges": {}},
    stage_of(total="3.0"),
    stage_of(total=float("nan")),
    stage_of(most=float("inf")),
    stage_of(least=-1),
    stage_of(total=10**400),
    stage_of(count=2),
    stage_of(buckets=[1]),
    valid_figures() | {"counters": {"frames": 2**60}},
    valid_figures() | {"counters": [1]},
    valid_figures() | {"gauges": {"no name of ours": 1}},
    valid_figures() | {"gauges": {f"gauge_{chr(97 + n % 26)}{chr(97 + n // 26)}": 1 for n in range(65)}},
]


@pytest.mark.parametrize("planted", PLANTED)
def test_planted_figures_are_skipped(planted: object) -> None:
    cache.set(f"{metrics.KEY_PREFIX}:evil", planted)
    assert "evil" not in metrics.gather().processes
    assert metrics.text()


def test_valid_figures_are_read() -> None:
    cache.set(f"{metrics.KEY_PREFIX}:good", valid_figures())
    assert metrics.gather().processes["good"].gauges == {"cameras": 2.0}


def test_gauge_with_the_name_of_a_counter_is_skipped() -> None:
    cache.set(f"{metrics.KEY_PREFIX}:evil", valid_figures() | {"gauges": {"marks": 5}})
    assert "marks" not in metrics.gather().processes["evil"].gauges


def test_reading_is_limited_in_processes_and_bytes() -> None:
    client = cache.client.get_client()  # type: ignore[attr-defined]  # django-redis has more than Django's caches
    prefix = cache.make_key(f"{metrics.KEY_PREFIX}:")
    client.mset({f"{prefix}{number}": b"j" + json.dumps(valid_figures()).encode() for number in range(200)})
    client.set(f"{prefix}huge", b"j" + b" " * metrics.MOST_BYTES + json.dumps(valid_figures()).encode())
    client.rpush(f"{prefix}list", b"no text at all")
    client.set(prefix.encode() + b"\xff\xfe", b"j{}")
    found = metrics.gather().processes
    assert 1 < len(found) <= metrics.MOST_PROCESSES + 1
    assert not {"huge", "list"} & set(found)


def test_ended_process_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    other_process(monkeypatch, "node-1")
    client = cache.client.get_client()  # type: ignore[attr-defined]  # django-redis has more than Django's caches
    key = cache.make_key(f"{metrics.KEY_PREFIX}:node-1")
    assert 0 < client.ttl(key) <= metrics.KEEP_SECONDS
    assert client.getrange(key, 0, 0) == b"j"
    client.pexpire(key, 0)
    assert "node-1" not in metrics.gather().processes
