"""Days and times as the school sees them. Pure: `now` is always an argument."""

import datetime as dt
from zoneinfo import ZoneInfo

from django.utils import timezone


def school_zone() -> dt.tzinfo:
    return timezone.get_default_timezone()


def local_date(at: dt.datetime, zone: dt.tzinfo | ZoneInfo | None = None) -> dt.date:
    """The school's own date at that moment; near midnight and on the days of the clock change it is not UTC's."""
    return at.astimezone(zone or school_zone()).date()


def minutes_late(starts_at: dt.datetime, seen_at: dt.datetime) -> int:
    """Whole minutes after the start, never negative. Both times are aware, so a clock change does not count."""
    return max(0, int((seen_at - starts_at).total_seconds() // 60))


def day_bounds(day: dt.date, zone: dt.tzinfo | None = None) -> tuple[dt.datetime, dt.datetime]:
    """The first moment of a school day and of the next one."""
    tz = zone or school_zone()
    first = dt.datetime.combine(day, dt.time.min, tzinfo=tz)
    return first, dt.datetime.combine(day + dt.timedelta(days=1), dt.time.min, tzinfo=tz)
