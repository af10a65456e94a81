"""Days and times as the school sees them. Pure: `now` is always an argument."""

import datetime as dt

from django.utils import timezone


def school_zone() -> dt.tzinfo:
    return timezone.get_default_timezone()


def local_date(at: dt.datetime, zone: dt.tzinfo | None = None) -> dt.date:
    """The school's own date at that moment; near midnight and on the days of the clock change it is not UTC's."""
    return at.astimezone(zone or school_zone()).date()


def minutes_late(starts_at: dt.datetime, seen_at: dt.datetime) -> int:
    """Whole minutes after the start, never negative.

    Both are compared in UTC: Python subtracts two times of one zone by the clock on the wall, which is an hour
    wrong across a clock change.
    """
    elapsed = seen_at.astimezone(dt.UTC) - starts_at.astimezone(dt.UTC)
    return max(0, elapsed // dt.timedelta(minutes=1))


def day_bounds(day: dt.date, zone: dt.tzinfo | None = None) -> tuple[dt.datetime, dt.datetime]:
    """The first moment of a school day and of the next one, in UTC: 23, 24 or 25 hours apart."""
    tz = zone or school_zone()
    first, after = (
        dt.datetime.combine(day + dt.timedelta(days=days), dt.time.min, tzinfo=tz).astimezone(dt.UTC)
        for days in (0, 1)
    )
    return first, after
