"""System checks of the house: `manage.py check` (and with `--database default` those that ask PostgreSQL)."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register  # noqa: A004 (Django's name)
from django.db import DatabaseError, connection

OTHER_CONNECTIONS = 10
"""What the worker, beat and a person at `manage.py` need beside one web process's pool."""


@register()
def mistyped_names(**_kwargs: Any) -> list[CheckMessage]:
    """`config.W001`: a name in the environment that looks like a setting and is none."""
    return [Warning(text, id="config.W001") for text in settings.SETTINGS_WARNINGS]


@register()
def folders_are_writable(**_kwargs: Any) -> list[CheckMessage]:
    """`config.E002`: VAR_DIR exists and cannot be written."""
    folder = settings.VAR_DIR
    if folder.exists() and not os.access(folder, os.W_OK | os.X_OK):
        return [Error(f"VAR_DIR={folder} cannot be written", hint="Give it to this user.", id="config.E002")]
    return []


@register(Tags.database)
def pool_fits(*, databases: Sequence[str] | None = None, **_kwargs: Any) -> list[CheckMessage]:
    """`config.E003`: one web process's pool, with a few beside it, is more than PostgreSQL gives out."""
    if not databases or "default" not in databases:
        return []
    try:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT current_setting('max_connections')::int, current_setting('superuser_reserved_connections')::int"
            )
            most, reserved = cursor.fetchone()
    except DatabaseError:
        return []  # a database that cannot be reached is reported by whoever connects to it
    return pool_message(settings.DB_POOL_SIZE + settings.DB_MAX_OVERFLOW, most - reserved)


def pool_message(pool: int, room: int) -> list[CheckMessage]:
    """The message where a pool and the few connections beside it do not fit into the room."""
    if pool + OTHER_CONNECTIONS <= room:
        return []
    message = (
        f"DB_POOL_SIZE + DB_MAX_OVERFLOW is {pool}, and {OTHER_CONNECTIONS} more are needed beside it, "
        f"but PostgreSQL gives out {room} connections"
    )
    hint = f"Lower the two to {max(room - OTHER_CONNECTIONS, 1)} together, or raise max_connections."
    return [Error(message, hint=hint, id="config.E003")]
