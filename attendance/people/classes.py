"""Adding and changing classes."""

from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from attendance.core import audit, policy
from attendance.core.errors import Refused
from attendance.core.policy import Action
from attendance.models import SchoolClass, User


def create(*, actor: User, archived: bool = False, **fields: Any) -> SchoolClass:
    """A new class. Raises `Refused`: not_allowed, already_there (name or number)."""
    _may(actor)
    with transaction.atomic():
        _free(fields, None)
        row = SchoolClass.objects.create(archived_at=timezone.now() if archived else None, **fields)
        audit.record(actor, "class_created", row)
    return row


def change(*, class_id: UUID, actor: User, archived: bool | None = None, **fields: Any) -> SchoolClass:
    """Change what `fields` names; `archived` puts the class away or takes it back."""
    _may(actor)
    with transaction.atomic():
        row = SchoolClass.objects.select_for_update().filter(pk=class_id).first()
        if row is None:
            raise Refused("no_such_class", _("There is no such class."))
        _free(fields, row)
        if archived is not None and archived != (row.archived_at is not None):
            fields["archived_at"] = timezone.now() if archived else None
        changed = sorted(name for name, value in fields.items() if getattr(row, name) != value)
        for name in changed:
            setattr(row, name, fields[name])
        if changed:
            row.save(update_fields=changed)
            audit.record(actor, "class_changed", row, fields=",".join(changed))
    return row


def _may(actor: User) -> None:
    if not policy.may(actor, Action.MANAGE_SCHOOL):
        raise Refused("not_allowed", _("Only the office may change classes."))


def _free(fields: dict[str, Any], row: SchoolClass | None) -> None:
    for name in ("name", "external_id"):
        value = fields.get(name)
        others = SchoolClass.objects.all() if row is None else SchoolClass.objects.exclude(pk=row.pk)
        if value is not None and others.filter(**{name: value}).exists():
            raise Refused(
                "already_there", _("Another class has “%(value)s”.") % {"value": value}, {"field": name}
            )
