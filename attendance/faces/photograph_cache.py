"""The cache of encoded photographs, which is kept for a day so that a second attempt is not computed again.

Each entry has a row in the database that names the student for whom the photograph was uploaded. Without a valid row
and a valid consent no process uses the entry, even where it is still in memory or Redis. Erasure finds the entries by
these rows.
"""

import datetime as dt
from collections.abc import Collection
from typing import Final
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from attendance.models import CachedEncoding, Student
from recognition.encoding_cache import KEEP_SECONDS, EncodingCache, name_of
from recognition.engine.types import Face
from recognition.process import PROCESS
from recognition.telemetry.monitor import MONITOR

# How long an entry may be used.
KEPT = dt.timedelta(seconds=KEEP_SECONDS)


class EncodingRecords:
    """The rows in the form that `recognition.encoding_cache` needs."""

    def valid_names(self, names: Collection[str]) -> set[str]:
        """Return the names of entries younger than a day whose student may be recognised now. One query."""
        now = timezone.now()
        rows = CachedEncoding.objects.filter(
            name__in=names, created_at__gt=now - KEPT, student__in=Student.objects.recognisable(now)
        )
        return set(rows.values_list("name", flat=True))


PHOTOGRAPH_CACHE: Final = PROCESS.part(
    lambda: EncodingCache(EncodingRecords(), size=settings.FACE_ENCODING_CACHE_SIZE, monitor=MONITOR)
)


def photograph_cache() -> EncodingCache:
    """Return the cache of this process."""
    return PHOTOGRAPH_CACHE.get()


def find(content: str, space: str) -> Face | None:
    """Return the face of a photograph that was encoded within a day, by the keyed digest of the file, or None."""
    return photograph_cache().get(name_of(content, space), space)


def keep(student_id: UUID, content: str, space: str, face: Face) -> None:
    """Store the face of a photograph that was uploaded for a student with a valid consent.

    Call it in the transaction that checked the consent, under `gallery_versions.lock_student`, so that a withdrawal
    waits and then finds the row. Redis is written after the commit, because it may be slow while others wait for locks.
    """
    name = name_of(content, space)
    CachedEncoding.objects.update_or_create(
        name=name, student_id=student_id, defaults={"created_at": timezone.now()}
    )
    transaction.on_commit(lambda: photograph_cache().put(name, space, face), robust=True)


def delete_of_student(student_id: UUID) -> None:
    """Delete the entries of all photographs that were uploaded for a student, in the caller's transaction.

    An entry that was also uploaded for another student is deleted too; it is computed again when it is needed.
    """
    _delete(CachedEncoding.objects.filter(student=student_id).values_list("name", flat=True))


def delete_expired(*, now: dt.datetime) -> None:
    """Delete entries that are a day old, and those of students who may not be recognised any more."""
    valid = CachedEncoding.objects.filter(
        created_at__gt=now - KEPT, student__in=Student.objects.recognisable(now)
    )
    with transaction.atomic():
        _delete(CachedEncoding.objects.exclude(pk__in=valid).values_list("name", flat=True))


def _delete(entry_names: Collection[str]) -> None:
    names = list(entry_names)
    if names:
        CachedEncoding.objects.filter(name__in=names).delete()
        transaction.on_commit(lambda: photograph_cache().forget(names), robust=True)
