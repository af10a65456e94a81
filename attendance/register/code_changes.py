"""Add, change and replace attendance codes."""

from typing import Any, Final

from django.db import transaction
from django.db.models import Q

from attendance.core import audit, policy
from attendance.core.policy import Action
from attendance.models import AttendanceCode, Mark, MarkEvent, PlannedAbsence, SchoolSettings, User

# What marks depend on: these cannot change once a mark uses the code.
FIXED: Final = ("letter", "category", "on_premises")
# The settings that name a code for a case.
CHOICES: Final = (
    "arrived_morning",
    "arrived_afternoon",
    "arrived_late",
    "arrived_after_closing",
    "not_seen",
)


def save_code(*, code: AttendanceCode | None, actor: User | None, **fields: Any) -> AttendanceCode:
    """Add a code, or change one. Old marks keep their meaning: a used code is retired and a new one replaces it."""
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
    """Return whether a mark, a change of a mark or a planned absence uses the code."""
    events = MarkEvent.objects.filter(Q(from_code=code) | Q(to_code=code))
    uses = (Mark.objects.filter(code=code), events, PlannedAbsence.objects.filter(code=code))
    return any(rows.exists() for rows in uses)


def _replace(code: AttendanceCode, actor: User | None, changed: dict[str, Any]) -> AttendanceCode:
    """Retire a used code and return its successor with the changes, also in the school's settings."""
    values = {field.attname: getattr(code, field.attname) for field in code._meta.concrete_fields}
    del values["id"]
    code.active = False
    code.save(update_fields=["active"])
    successor = AttendanceCode.objects.create(**{**values, **changed})
    for choice in CHOICES:
        SchoolSettings.objects.filter(**{choice: code}).update(**{choice: successor})
    audit.record(actor, "code_replaced", successor, replaced=str(code.pk))
    return successor
