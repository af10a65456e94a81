"""Dates and times in the school's time zone. The present time is always an argument."""

import datetime as dt

from django.utils import timezone


def school_zone() -> dt.tzinfo:
    return timezone.get_default_timezone()


def local_date(at: dt.datetime, zone: dt.tzinfo | None = None) -> dt.date:
    """Return the date in the school's zone (or `zone`) at that time; near midnight it differs from the date in UTC."""
    return at.astimezone(zone or school_zone()).date()


def minutes_late(starts_at: dt.datetime, seen_at: dt.datetime) -> int:
    """Return the whole minutes from the start until a time, at least 0.

    Both are compared in UTC, because Python subtracts two times of one zone without regard to a clock change.
    """
    elapsed = seen_at.astimezone(dt.UTC) - starts_at.astimezone(dt.UTC)
    return max(0, elapsed // dt.timedelta(minutes=1))


def day_bounds(day: dt.date, zone: dt.tzinfo | None = None) -> tuple[dt.datetime, dt.datetime]:
    """Return the first moment of a day in the school's zone and of the next day, in UTC: 23, 24 or 25 hours apart."""
    tz = zone or school_zone()
    first, after = (
        dt.datetime.combine(day + dt.timedelta(days=days), dt.time.min, tzinfo=tz).astimezone(dt.UTC)
        for days in (0, 1)
    )
    return first, after
