"""The figures of all processes, through a real Valkey."""

import pytest
from django.core.cache import cache
from prometheus_client.parser import text_string_to_metric_families

from recognition import metrics
from recognition.monitor import MONITOR, Monitor


def other_process(monkeypatch: pytest.MonkeyPatch, name: str) -> Monitor:
    """Another process that has left its figures."""
    monitor = Monitor()
    monitor.observe("of-another", 12.0)
    monitor.count("marks", 4)
    with monkeypatch.context() as patched:
        patched.setattr(metrics, "process_name", lambda: name)
        metrics.publish(monitor)
    return monitor


def test_processes_are_summed_and_this_one_is_as_it_is_now(monkeypatch: pytest.MonkeyPatch) -> None:
    other_process(monkeypatch, "node-1")
    other_process(monkeypatch, "node-2")
    metrics.publish(MONITOR)
    before = MONITOR.figures().counters["marks"]
    (row,) = [row for row in metrics.table() if row["stage"] == "of-another"]
    assert (row["count"], row["total"], row["p95"]) == (2, 24.0, 12.0)
    found = {
        sample.name: sample.value
        for family in text_string_to_metric_families(metrics.text().decode())
        for sample in family.samples
    }
    assert found["rollcall_marks_total"] == before + 8


def test_prometheus_reads_the_stages_as_histograms(monkeypatch: pytest.MonkeyPatch) -> None:
    other_process(monkeypatch, "node-1")
    families = {family.name: family for family in text_string_to_metric_families(metrics.text().decode())}
    samples = [
        sample
        for sample in families["rollcall_stage_milliseconds"].samples
        if sample.labels["stage"] == "of-another"
    ]
    buckets = [sample.value for sample in samples if sample.name.endswith("_bucket")]
    assert families["rollcall_stage_milliseconds"].type == "histogram"
    assert buckets == sorted(buckets)
    assert {sample.name: sample.value for sample in samples}["rollcall_stage_milliseconds_sum"] == 12.0


@pytest.mark.parametrize(
    "planted", ["text", 7, [1], {"stages": 1}, {"stages": {"x": [1]}, "counters": {}, "gauges": {}}, {}]
)
def test_what_is_planted_in_the_cache_is_passed_over(planted: object) -> None:
    cache.set(f"{metrics.ROSTER}:evil", planted)
    assert "evil" not in metrics.gathered()
    assert metrics.text()
