"""Adding and changing students. Face data are changed by `enrolment`, `consents` and `erasure`."""

from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from attendance.core import audit, policy
from attendance.core.errors import Refused
from attendance.core.policy import Action
from attendance.faces import gallery_versions
from attendance.models import Student, User, cleaned

# The fields that are cleaned.
TEXTS = ("given_name", "family_name", "external_id")


def create(*, actor: User, **fields: Any) -> Student:
    """Add a student with the given fields. Raises `Refused`: not_allowed, no_name, already_there."""
    _require_right(actor)
    fields = _cleaned(fields)
    with transaction.atomic():
        _require_free_number(fields.get("external_id"), None)
        student = Student.objects.create(**fields)
        audit.record(actor, "student_created", student)
    return student


def change(*, student_id: UUID, actor: User, **fields: Any) -> Student:
    """Change the given fields. A change of `left_on` changes the galleries at once. Raises `Refused`."""
    _require_right(actor)
    fields = _cleaned(fields)
    with transaction.atomic():
        if "left_on" in fields:
            gallery_versions.lock_school()
        student = Student.objects.select_for_update(no_key=True).filter(pk=student_id).first()
        if student is None:
            raise Refused("no_such_student", _("There is no such student."))
        _require_free_number(fields.get("external_id"), student)
        changed = sorted(name for name, value in fields.items() if getattr(student, name) != value)
        for name in changed:
            setattr(student, name, fields[name])
        if changed:
            student.save(update_fields=changed)
            audit.record(actor, "student_changed", student, fields=",".join(changed))
        if "left_on" in changed:
            gallery_versions.raise_versions([student.pk])
    return student


def _require_right(actor: User) -> None:
    if not policy.may(actor, Action.MANAGE_SCHOOL):
        raise Refused("not_allowed", _("Only the office may change students."))


def _cleaned(fields: dict[str, Any]) -> dict[str, Any]:
    """Return the fields with cleaned names and number. Raises `Refused` for an empty given name."""
    texts: dict[str, str | None] = {
        name: cleaned(fields[name]) for name in TEXTS if isinstance(fields.get(name), str)
    }
    if texts.get("given_name") == "":
        raise Refused("no_name", _("The given name is missing."), {"field": "given_name"})
    if texts.get("external_id") == "":
        texts["external_id"] = None
    return fields | texts


def _require_free_number(external_id: str | None, student: Student | None) -> None:
    if external_id is None:
        return
    others = Student.objects.filter(external_id=external_id)
    if student is not None:
        others = others.exclude(pk=student.pk)
    if others.exists():
        message = _("Another student has the number “%(number)s”.") % {"number": external_id}
        raise Refused("already_there", message, {"field": "external_id"})
