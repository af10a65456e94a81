"""The monitor: percentiles, sums over processes, and the cost of measuring."""

import json
import random
import statistics
import timeit

import pytest

from recognition.telemetry.monitor import COUNTERS, Figures, Monitor, sum_of


def test_percentiles_are_exact_within_a_bucket() -> None:
    monitor, rng = Monitor(), random.Random(1)
    values = [rng.lognormvariate(2, 1) for _ in range(20_000)]
    for value in values:
        monitor.observe("detect", value)
    stage = monitor.figures().stages["detect"]
    cuts = statistics.quantiles(values, n=100)
    for share in (50, 95, 99):
        assert stage.percentile(share / 100) == pytest.approx(cuts[share - 1], rel=0.13)
    assert stage.count == 20_000
    assert stage.mean == pytest.approx(statistics.fmean(values))
    assert (stage.least, stage.most) == (min(values), max(values))


def test_percentiles_stay_within_the_measurements() -> None:
    monitor = Monitor()
    monitor.observe("decode", 20_000.0)
    stage = monitor.figures().stages["decode"]
    assert stage.percentile(0.5) == 20_000.0
    assert monitor.figures().stages.get("match") is None


def test_sum_adds_processes_and_keeps_the_greatest_age() -> None:
    one, two = Monitor(), Monitor()
    for monitor, age in ((one, 5.0), (two, 9.0)):
        monitor.observe("detect", 10.0)
        monitor.count("frames", 3)
        monitor.gauge("cameras", lambda: 2.0)
        monitor.gauge("gallery_age_seconds", lambda age=age: age)  # type: ignore[misc]  # the default binds it
    through_cache = Figures.from_json(json.loads(json.dumps(two.figures().as_json())))
    total = sum_of([one.figures(), through_cache])
    assert total.stages["detect"].count == 2
    assert total.counters["frames"] == 6
    assert total.gauges == {"cameras": 4.0, "gallery_age_seconds": 9.0}
    assert set(total.counters) == set(COUNTERS)


def test_figures_of_another_version_are_refused() -> None:
    with pytest.raises(ValueError, match="buckets"):
        Figures.from_json({"stages": {"detect": [1, 1.0, 1.0, 1.0, [1]]}, "counters": {}, "gauges": {}})


def test_measuring_takes_under_a_hundredth_of_a_frame() -> None:
    monitor = Monitor()
    each = min(timeit.repeat(lambda: monitor.observe("detect", 7.3), number=2000, repeat=5)) / 2000
    # A frame is measured eight times and takes 10 ms at the very least.
    assert each * 8 < 0.01 * 0.010
