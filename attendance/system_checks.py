"""Django system checks: whether the keys and the engine fit the data in the database."""

from collections.abc import Sequence
from typing import Any

from django.core.checks import CheckMessage, Error, Tags, Warning, register  # noqa: A004 - Django's own name
from django.db import DatabaseError, connection

from attendance.core import key_check
from attendance.models import KeyCheck, Space
from recognition.crypto import keyring


@register(Tags.database)
def check_keys(*, databases: Sequence[str] | None = None, **_kwargs: Any) -> list[CheckMessage]:
    """Return `attendance.E001` if the keys do not fit the database; nothing before the first migration."""
    if not databases or "default" not in databases:
        return []
    try:
        if KeyCheck._meta.db_table not in connection.introspection.table_names():
            return []
        message = key_check.find_problem(keyring())
    except DatabaseError:
        return []  # A database that cannot be reached is reported by the code that connects to it.
    return [] if message is None else [Error(message, id="attendance.E001")]


@register(Tags.database)
def check_space(*, databases: Sequence[str] | None = None, **_kwargs: Any) -> list[CheckMessage]:
    """Return `attendance.W001` if templates must be rebuilt; nothing before the first migration."""
    if not databases or "default" not in databases:
        return []
    try:
        active = Space.objects.filter(active=True).first()
    except DatabaseError:
        return []  # A missing database or table is reported by the code that needs it.
    if active is None:
        return []
    # Imported here, because Django loads this file for every command, and the engine is large.
    from recognition.engine.types import SPACE

    if active.name == SPACE:
        return []
    return [
        Warning(
            f"The school's templates ({active.name}) are not of this engine's kind ({SPACE}): nobody is recognised.",
            hint="Run `manage.py rebuild_templates`: it rebuilds them from the photographs that are kept.",
            id="attendance.W001",
        )
    ]
