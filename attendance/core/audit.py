"""The record of who saw, changed, exported and erased."""

import datetime as dt

from django.db import models
from django.utils import timezone

from attendance.models import AuditEvent, User

Detail = str | int | float | bool | None

SEEN_AGAIN_AFTER = dt.timedelta(hours=1)
"""A register shows thirty portraits at each visit; one row an hour tells who looked as well as thousands would."""


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


def record_view(actor: User, action: str, thing: models.Model) -> None:
    """Note that `actor` looked at something, unless the same look was noted within the last hour."""
    recent = AuditEvent.objects.filter(
        actor=actor,
        action=action,
        table=thing._meta.model_name or "",
        row=str(thing.pk),
        at__gt=timezone.now() - SEEN_AGAIN_AFTER,
    )
    if not recent.exists():
        record(actor, action, thing)
