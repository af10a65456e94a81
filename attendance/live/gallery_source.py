"""Where the galleries of this process get their versions and templates."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import CancelledError
from typing import Final, TypeVar

from django.db import connection, transaction
from django.utils import timezone

from attendance.core.db_threads import NOT_ANSWERING, submit
from attendance.faces import templates
from attendance.faces.gallery_versions import read_versions
from recognition.engine.types import Array
from recognition.galleries import SourceUnavailable

Result = TypeVar("Result")

# Seconds that a frame waits for the versions of its galleries.
VERSION_SECONDS: Final = 0.5
BUILD_SECONDS: Final = 30.0


class DatabaseSource:
    """The database behind the galleries. Thread-safe; recognition threads never touch the database themselves.

    All methods raise `SourceUnavailable` while PostgreSQL does not answer in time.
    """

    def versions(self, class_ids: Sequence[str]) -> Mapping[str, int]:
        """Return the present version of each class's gallery, in one query."""
        return ask(lambda: read_versions(class_ids), VERSION_SECONDS)

    def templates(self, class_id: str) -> tuple[Array, list[str]]:
        """Return the unit templates (N, 128) float32 and their N owners; called inside `run_locked`, in its thread."""
        try:
            return templates.templates_of(templates.members(class_id, timezone.now()))
        except NOT_ANSWERING as error:
            message = f"PostgreSQL does not answer: {error}"
            raise SourceUnavailable(message) from error

    def run_locked(self, class_id: str, build: Callable[[], None]) -> None:
        """Run `build` in a database thread under the advisory lock of the class, which ends with the transaction."""

        def locked() -> None:
            with transaction.atomic():
                with connection.cursor() as cursor:
                    cursor.execute("SELECT pg_advisory_xact_lock(%s)", [lock_key(class_id)])
                build()

        ask(locked, BUILD_SECONDS)


def lock_key(class_id: str) -> int:
    """Return the signed 64-bit number for the lock of a class's gallery."""
    digest = hashlib.blake2b(class_id.encode(), digest_size=8, person=b"gallery lock").digest()
    return int.from_bytes(digest, "big", signed=True)


def ask(call: Callable[[], Result], seconds: float) -> Result:
    """Return the result of `call` in a database thread. Raises `SourceUnavailable` where it fails or takes longer."""
    try:
        return submit(call).result(seconds)
    except (*NOT_ANSWERING, TimeoutError, CancelledError, RuntimeError) as error:
        message = f"the database could not be asked: {type(error).__name__}"
        raise SourceUnavailable(message) from error
