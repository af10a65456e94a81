"""System checks of the settings, run by `manage.py check`; `--database default` adds those that query PostgreSQL."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register  # noqa: A004 (Django's name)
from django.db import DatabaseError, connection

# Connections that the worker, the timer and a person at `manage.py` need beside the pool of one web process.
OTHER_CONNECTIONS = 10


@register()
def check_unknown_names(**_kwargs: Any) -> list[CheckMessage]:
    """Return `config.W001` for each environment variable that looks like a setting and is none."""
    return [Warning(text, id="config.W001") for text in settings.SETTINGS_WARNINGS]


@register()
def check_var_dir(**_kwargs: Any) -> list[CheckMessage]:
    """Return `config.E002` if VAR_DIR exists and cannot be written."""
    folder = settings.VAR_DIR
    if folder.exists() and not os.access(folder, os.W_OK | os.X_OK):
        hint = "Give the folder to the user who runs Rollcall, or set VAR_DIR to another one."
        return [Error(f"VAR_DIR={folder} cannot be written", hint=hint, id="config.E002")]
    return []


@register(Tags.database)
def check_pool(*, databases: Sequence[str] | None = None, **_kwargs: Any) -> list[CheckMessage]:
    """Return `config.E003` if the connection pool of one web process is larger than PostgreSQL allows."""
    if not databases or "default" not in databases:
        return []
    try:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT current_setting('max_connections')::int, current_setting('superuser_reserved_connections')::int"
            )
            maximum, reserved = cursor.fetchone()
    except DatabaseError:
        return []  # the command that needs the database reports that it cannot be reached
    return check_pool_size(settings.DB_POOL_SIZE + settings.DB_MAX_OVERFLOW, maximum - reserved)


def check_pool_size(pool: int, available: int) -> list[CheckMessage]:
    """Return `config.E003` if `pool` and OTHER_CONNECTIONS together exceed the `available` connections."""
    if pool + OTHER_CONNECTIONS <= available:
        return []
    message = (
        f"DB_POOL_SIZE + DB_MAX_OVERFLOW is {pool}, and {OTHER_CONNECTIONS} more connections are needed beside it, "
        f"but PostgreSQL allows {available}"
    )
    hint = f"Lower the two to {max(available - OTHER_CONNECTIONS, 1)} together, or raise max_connections."
    return [Error(message, hint=hint, id="config.E003")]
