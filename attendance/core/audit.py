"""The audit record: who viewed, changed, exported and erased what."""

import datetime as dt

from django.db import models
from django.utils import timezone

from attendance.models import AuditEvent, User

Detail = str | int | float | bool | None

# A register shows thirty photographs each time, so a repeated view is recorded once an hour only.
VIEW_RECORDED_AGAIN_AFTER = dt.timedelta(hours=1)


def record(actor: User | None, action: str, row: models.Model, **details: Detail) -> AuditEvent:
    """Record an action on a row, in the caller's transaction; without `actor` it was a command or a job.

    `details` hold keys and counts only, never names, images or vectors.
    """
    return AuditEvent.objects.create(
        at=timezone.now(),
        actor=actor,
        action=action,
        table=row._meta.model_name or "",
        row=str(row.pk),
        details=details,
    )


def record_view(actor: User, action: str, row: models.Model) -> None:
    """Record that `actor` viewed a row, unless the same view was recorded within the last hour."""
    recent = AuditEvent.objects.filter(
        actor=actor,
        action=action,
        table=row._meta.model_name or "",
        row=str(row.pk),
        at__gt=timezone.now() - VIEW_RECORDED_AGAIN_AFTER,
    )
    if not recent.exists():
        record(actor, action, row)
