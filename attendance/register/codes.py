"""Which attendance code a mark gets, and how many minutes late it is."""

import datetime as dt
from typing import Final

from django.utils.translation import gettext as _

from attendance.core import policy
from attendance.core.clock import minutes_late
from attendance.core.errors import Refused
from attendance.core.policy import Action
from attendance.models import AttendanceCode, SchoolSettings
from attendance.register.requests import PendingMark

PRESENT, LATE, ABSENT = "/", "L", "N"
HERE = frozenset({AttendanceCode.Status.PRESENT, AttendanceCode.Status.LATE})
# In place of a letter: present or late, by the time of arrival.
ARRIVED: Final = "arrived"


def code_of(mark: PendingMark) -> AttendanceCode | None:
    """Return the requested code, None to undo. Raises `Refused`: no such letter, or one of the office."""
    letter = mark.request.code
    if letter is None:
        return None
    if letter == ARRIVED:
        limit = SchoolSettings.load().late_after_minutes
        letter = LATE if minutes_late(mark.session.starts_at, mark.seen_at) > limit else PRESENT
    code = AttendanceCode.objects.filter(letter=letter).first()
    if code is None:
        raise Refused("no_such_code", _("The register has no letter “%(letter)s”.") % {"letter": letter})
    actor = mark.request.actor
    office = actor is None or policy.may(actor, Action.MANAGE_SCHOOL)
    if not code.for_teachers and not office:
        raise Refused("code_of_the_office", _("Only the office may use “%(letter)s”.") % {"letter": letter})
    return code


def lateness(mark: PendingMark, first_seen_at: dt.datetime | None) -> int | None:
    """Return the minutes late by when the student was first seen; None where nobody saw the arrival."""
    return None if first_seen_at is None else minutes_late(mark.session.starts_at, first_seen_at)


def first_seen(mark: PendingMark, before: dt.datetime | None) -> dt.datetime | None:
    """Return when the student was first seen in this session; a correction after its end does not tell."""
    if before is not None:
        return min(before, mark.seen_at)
    return mark.seen_at if mark.seen_at <= mark.session.ends_at else None
