"""The record of who saw, changed, exported and erased."""

from django.db import models
from django.utils import timezone

from attendance.models import AuditEvent, User

Detail = str | int | float | bool | None


def record(actor: User | None, action: str, thing: models.Model, **details: Detail) -> AuditEvent:
    """Note an act, in the caller's transaction. `details` hold no names, crops or vectors: keys and counts only."""
    return AuditEvent.objects.create(
        at=timezone.now(),
        actor=actor,
        action=action,
        table=thing._meta.model_name or "",
        row=str(thing.pk),
        details=details,
    )
