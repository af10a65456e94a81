"""Choose the attendance code of a mark."""

import datetime as dt
from typing import Final

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils.translation import gettext as _

from attendance.core.clock import minutes_late, school_zone
from attendance.core.errors import Refused
from attendance.models import (
    AttendanceCode,
    SchoolSettings,
    Session,
)

# In place of a letter: the code for present, late or late after closing, by the time of arrival.
ARRIVED: Final = "arrived"


def code_of(letter: str, session: Session, seen_at: dt.datetime) -> AttendanceCode:
    """Return the code of a letter or of `ARRIVED`. Raises `Refused`: no_such_code, code_not_chosen."""
    if letter == ARRIVED:
        return arrived_code(session, seen_at)
    code = AttendanceCode.objects.active().filter(letter=letter).first()
    if code is None:
        raise Refused("no_such_code", _("There is no attendance code “%(letter)s”.") % {"letter": letter})
    return code


def arrived_code(session: Session, seen_at: dt.datetime) -> AttendanceCode:
    """Return the school's code for an arrival at that time. Raises `Refused`: code_not_chosen."""
    school, minutes = SchoolSettings.load(), minutes_late(session.starts_at, seen_at)
    starts = session.starts_at.astimezone(school_zone()).time()
    if school.closes_after_minutes is not None and minutes > school.closes_after_minutes:
        code = school.arrived_after_closing
    elif minutes > school.late_after_minutes:
        code = school.arrived_late
    else:
        code = school.arrived_afternoon if starts >= school.afternoon_from else school.arrived_morning
    if not isinstance(code, AttendanceCode):
        raise Refused(
            "code_not_chosen",
            _(
                "The school has not chosen an attendance code for this. The office does so in “School settings”."
            ),
        )
    return code


def offered_codes(session: Session) -> QuerySet[AttendanceCode]:
    """Return the codes in use; `is_present`, `is_late` and `is_not_seen` are true for those that the school chose."""
    starts, school = session.starts_at.astimezone(school_zone()).time(), SchoolSettings.objects
    morning = Q(afternoon_from__gt=starts, arrived_morning=OuterRef("pk"))
    afternoon = Q(afternoon_from__lte=starts, arrived_afternoon=OuterRef("pk"))
    return AttendanceCode.objects.active().annotate(
        is_present=Exists(school.filter(morning | afternoon)),
        is_late=Exists(school.filter(arrived_late=OuterRef("pk"))),
        is_not_seen=Exists(school.filter(not_seen=OuterRef("pk"))),
    )
