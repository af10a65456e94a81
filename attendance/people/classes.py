"""Adding and changing classes."""

from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from attendance.core import audit, policy
from attendance.core.errors import Refused
from attendance.core.policy import Action
from attendance.models import Room, SchoolClass, User


def create(*, actor: User, archived: bool = False, **fields: Any) -> SchoolClass:
    """Add a class. Names need not be unique. Raises `Refused`: not_allowed, already_there (external_id)."""
    _require_right(actor)
    with transaction.atomic():
        _require_free_number(fields.get("external_id"), None)
        _replace_room_name(fields)
        row = SchoolClass.objects.create(archived_at=timezone.now() if archived else None, **fields)
        audit.record(actor, "class_created", row)
    return row


def change(*, class_id: UUID, actor: User, archived: bool | None = None, **fields: Any) -> SchoolClass:
    """Change the given fields; `archived` archives the class or restores it. Raises `Refused`."""
    _require_right(actor)
    with transaction.atomic():
        row = SchoolClass.objects.select_for_update().filter(pk=class_id).first()
        if row is None:
            raise Refused("no_such_class", _("There is no such class."))
        _require_free_number(fields.get("external_id"), row)
        _replace_room_name(fields)
        if archived is not None and archived != (row.archived_at is not None):
            fields["archived_at"] = timezone.now() if archived else None
        changed = sorted(name for name, value in fields.items() if getattr(row, name) != value)
        for name in changed:
            setattr(row, name, fields[name])
        if changed:
            row.save(update_fields=changed)
            audit.record(actor, "class_changed", row, fields=",".join(changed))
    return row


def _require_right(actor: User) -> None:
    if not policy.may(actor, Action.MANAGE_SCHOOL):
        raise Refused("not_allowed", _("Only the office may change classes."))


def _replace_room_name(fields: dict[str, Any]) -> None:
    """Replace the name of a room by its row, which is added if the school has no such room yet."""
    name = fields.get("room")
    if isinstance(name, str):
        fields["room"] = Room.objects.get_or_create(name=name.strip())[0] if name.strip() else None


def _require_free_number(external_id: str | None, row: SchoolClass | None) -> None:
    others = SchoolClass.objects.all() if row is None else SchoolClass.objects.exclude(pk=row.pk)
    if external_id is not None and others.filter(external_id=external_id).exists():
        message = _("Another class has “%(value)s”.") % {"value": external_id}
        raise Refused("already_there", message, {"field": "external_id"})
