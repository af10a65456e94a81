"""Which attendance code a mark gets, and how codes themselves may change."""

import datetime as dt
from collections.abc import Iterable
from typing import Any, Final

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils.translation import gettext as _

from attendance.core import audit, policy
from attendance.core.clock import minutes_late, school_zone
from attendance.core.errors import Refused
from attendance.core.policy import Action
from attendance.models import (
    AttendanceCode,
    Mark,
    MarkEvent,
    PlannedAbsence,
    SchoolSettings,
    Session,
    User,
)
from attendance.register.requests import PendingMark

# In place of a letter: the code for present, late or late after closing, by the time of arrival.
ARRIVED: Final = "arrived"
# What marks rest on: once a mark uses a code, these are fixed.
FIXED: Final = ("letter", "category", "on_premises")
# The settings that name a code for a case.
CHOICES: Final = (
    "arrived_morning",
    "arrived_afternoon",
    "arrived_late",
    "arrived_after_closing",
    "not_seen",
)


def code_of(mark: PendingMark) -> AttendanceCode | None:
    """Return the requested code, None to undo. Raises `Refused`: no such code, one of the office, or none chosen."""
    letter, actor = mark.request.code, mark.request.actor
    if letter is None:
        return None
    if letter == ARRIVED:
        return arrived_code(mark.session, mark.seen_at)
    code = AttendanceCode.objects.active().filter(letter=letter).first()
    if code is None:
        raise Refused("no_such_code", _("There is no attendance code “%(letter)s”.") % {"letter": letter})
    office = actor is None or policy.may(actor, Action.MANAGE_SCHOOL)
    if not code.for_teachers and not office:
        raise Refused(
            "code_of_the_office", _("Only the office may use the code “%(letter)s”.") % {"letter": letter}
        )
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
    """Return the codes in use; `is_present`, `is_late` and `is_not_seen` say which ones the school chose for that."""
    starts, school = session.starts_at.astimezone(school_zone()).time(), SchoolSettings.objects
    morning = Q(afternoon_from__gt=starts, arrived_morning=OuterRef("pk"))
    afternoon = Q(afternoon_from__lte=starts, arrived_afternoon=OuterRef("pk"))
    return AttendanceCode.objects.active().annotate(
        is_present=Exists(school.filter(morning | afternoon)),
        is_late=Exists(school.filter(arrived_late=OuterRef("pk"))),
        is_not_seen=Exists(school.filter(not_seen=OuterRef("pk"))),
    )


def chosen_letters(codes: Iterable[Any]) -> dict[str, str | None]:
    """Return the letters of `offered_codes` that pages offer with one tap; None where the school chose none."""
    rows = list(codes)
    cases = {"present": "is_present", "late": "is_late", "not_seen": "is_not_seen"}
    return {
        case: next((code.letter for code in rows if getattr(code, flag)), None)
        for case, flag in cases.items()
    }


def lateness(mark: PendingMark, first_seen_at: dt.datetime | None) -> int | None:
    """Return the minutes late by when the student was first seen; None where nobody saw the arrival."""
    return None if first_seen_at is None else minutes_late(mark.session.starts_at, first_seen_at)


def first_seen(mark: PendingMark, before: dt.datetime | None) -> dt.datetime | None:
    """Return when the student was first seen in this session; an amendment after its end does not tell."""
    if before is not None:
        return min(before, mark.seen_at)
    return mark.seen_at if mark.seen_at <= mark.session.ends_at else None


def save_code(*, code: AttendanceCode | None, actor: User | None, **fields: Any) -> AttendanceCode:
    """Add a code, or change one. Marks keep what they meant: a used code is retired and a new one takes its place."""
    policy.require(actor, Action.MANAGE_SCHOOL)
    with transaction.atomic():
        if code is None:
            code = AttendanceCode.objects.create(**fields)
            audit.record(actor, "code_added", code)
            return code
        changed = {name: value for name, value in fields.items() if getattr(code, name) != value}
        if set(changed) & set(FIXED) and is_used(code):
            return _replace(code, actor, changed)
        for name, value in changed.items():
            setattr(code, name, value)
        if changed:
            code.save(update_fields=list(changed))
            audit.record(actor, "code_changed", code, fields=",".join(sorted(changed)))
        return code


def is_used(code: AttendanceCode) -> bool:
    """Return whether a mark, a change of a mark or a planned absence rests on the code."""
    events = MarkEvent.objects.filter(Q(from_code=code) | Q(to_code=code))
    users = (Mark.objects.filter(code=code), events, PlannedAbsence.objects.filter(code=code))
    return any(rows.exists() for rows in users)


def _replace(code: AttendanceCode, actor: User | None, changed: dict[str, Any]) -> AttendanceCode:
    """Retire a used code, and let a new row with the changes take its place, also in the school's settings."""
    values = {field.attname: getattr(code, field.attname) for field in code._meta.concrete_fields}
    del values["id"]
    code.active = False
    code.save(update_fields=["active"])
    successor = AttendanceCode.objects.create(**{**values, **changed})
    for choice in CHOICES:
        SchoolSettings.objects.filter(**{choice: code}).update(**{choice: successor})
    audit.record(actor, "code_replaced", successor, replaced=str(code.pk))
    return successor
