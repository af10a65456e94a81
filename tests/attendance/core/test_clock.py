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
def test_day_bounds_contain_every_moment_of_the_day(at: dt.datetime, zone: dt.tzinfo) -> None:
    first, after = day_bounds(local_date(at, zone), zone)
    assert first <= at < after


@given(days, zones)
def test_day_bounds_of_following_days_meet(day: dt.date, zone: dt.tzinfo) -> None:
    _, after = day_bounds(day, zone)
    following, _ = day_bounds(day + dt.timedelta(days=1), zone)
    assert after == following


@pytest.mark.parametrize(("day", "hours"), [(SPRING, 23), (AUTUMN, 25), (dt.date(2026, 6, 1), 24)])
def test_day_bounds_follow_the_clock_change(day: dt.date, hours: int) -> None:
    first, after = day_bounds(day, LONDON)
    assert after - first == dt.timedelta(hours=hours)


@given(moments, st.integers(-600, 600), zones, zones)
def test_minutes_late_is_elapsed_time_in_any_zone(
    start: dt.datetime, seconds: int, first: dt.tzinfo, second: dt.tzinfo
) -> None:
    seen = start + dt.timedelta(seconds=seconds)
    assert minutes_late(start.astimezone(first), seen.astimezone(second)) == max(0, seconds) // 60


def test_minutes_late_leaves_out_a_skipped_hour() -> None:
    start = dt.datetime(2026, 3, 29, 0, 55, tzinfo=LONDON)
    seen = dt.datetime(2026, 3, 29, 2, 5, tzinfo=LONDON)
    assert minutes_late(start, seen) == 10


def test_minutes_late_counts_a_repeated_hour() -> None:
    start = dt.datetime(2026, 10, 25, 1, 30, tzinfo=LONDON, fold=0)
    seen = dt.datetime(2026, 10, 25, 1, 30, tzinfo=LONDON, fold=1)
    assert minutes_late(start, seen) == 60


def test_local_date_near_midnight_is_the_schools() -> None:
    at = dt.datetime(2026, 6, 1, 23, 30, tzinfo=dt.UTC)
    assert local_date(at, LONDON) == dt.date(2026, 6, 2)
