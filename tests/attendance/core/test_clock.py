"""Days and lateness in the school's zone, on ordinary days and on both days of the clock change."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from attendance.core.clock import day_bounds, local_date, minutes_late

LONDON = ZoneInfo("Europe/London")
SPRING, AUTUMN = dt.date(2026, 3, 29), dt.date(2026, 10, 25)
days = st.one_of(st.sampled_from([SPRING, AUTUMN]), st.dates(dt.date(2020, 1, 1), dt.date(2035, 12, 31)))
zones = st.sampled_from([LONDON, ZoneInfo("America/Sao_Paulo"), ZoneInfo("Pacific/Chatham"), dt.UTC])
moments = st.integers(1_577_900_000, 2_082_000_000).map(
    lambda seconds: dt.datetime.fromtimestamp(seconds, dt.UTC)
)


@given(moments, zones)
def test_every_moment_lies_within_its_own_day(at: dt.datetime, zone: dt.tzinfo) -> None:
    first, after = day_bounds(local_date(at, zone), zone)
    assert first <= at < after


@given(days, zones)
def test_days_follow_each_other_without_gap_or_overlap(day: dt.date, zone: dt.tzinfo) -> None:
    _, after = day_bounds(day, zone)
    following, _ = day_bounds(day + dt.timedelta(days=1), zone)
    assert after == following


@pytest.mark.parametrize(("day", "hours"), [(SPRING, 23), (AUTUMN, 25), (dt.date(2026, 6, 1), 24)])
def test_a_day_has_as_many_hours_as_the_clock_change_leaves_it(day: dt.date, hours: int) -> None:
    first, after = day_bounds(day, LONDON)
    assert after - first == dt.timedelta(hours=hours)


@given(moments, st.integers(-600, 600), zones, zones)
def test_lateness_is_what_a_stop_watch_says(
    start: dt.datetime, seconds: int, first: dt.tzinfo, second: dt.tzinfo
) -> None:
    seen = start + dt.timedelta(seconds=seconds)
    assert minutes_late(start.astimezone(first), seen.astimezone(second)) == max(0, seconds) // 60


def test_the_hour_that_the_clock_skips_makes_nobody_late() -> None:
    start = dt.datetime(2026, 3, 29, 0, 55, tzinfo=LONDON)
    seen = dt.datetime(2026, 3, 29, 2, 5, tzinfo=LONDON)
    assert minutes_late(start, seen) == 10


def test_the_hour_that_comes_twice_counts_twice() -> None:
    start = dt.datetime(2026, 10, 25, 1, 30, tzinfo=LONDON, fold=0)
    seen = dt.datetime(2026, 10, 25, 1, 30, tzinfo=LONDON, fold=1)
    assert minutes_late(start, seen) == 60


def test_late_in_the_evening_the_school_has_its_own_date() -> None:
    at = dt.datetime(2026, 6, 1, 23, 30, tzinfo=dt.UTC)
    assert local_date(at, LONDON) == dt.date(2026, 6, 2)
