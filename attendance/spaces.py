"""Whether the school's templates are of the engine's kind; said at start, for until they are nobody is recognised."""

from collections.abc import Sequence
from typing import Any

from django.core import checks
from django.db import DatabaseError

from attendance.models import Space


@checks.register(checks.Tags.database)
def check_space(*, databases: Sequence[str] | None = None, **_kwargs: Any) -> list[checks.CheckMessage]:
    """`attendance.W001`: templates must be made anew. Before the first migration there is nothing to ask."""
    if not databases or "default" not in databases:
        return []
    try:
        active = Space.objects.filter(active=True).first()
    except DatabaseError:
        return []  # No database or no tables yet: reported by whoever needs them.
    if active is None:
        return []
    # Here, because Django loads this file for every command, and the engine is large.
    from recognition.engine import SPACE

    if active.name == SPACE:
        return []
    return [
        checks.Warning(
            f"The school's templates ({active.name}) are not of this engine's kind ({SPACE}): nobody is recognised.",
            hint="Run `manage.py rebuild_templates`: it makes them anew out of the photographs that are kept.",
            id="attendance.W001",
        )
    ]
