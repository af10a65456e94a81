"""Encodings of photographs that were tried at the office, kept for a day: whose they are, and when they must go.

Each entry has a row here that says for which student the picture was brought. No row that holds, no consent that holds:
then the entry serves in no process, whatever lies in memory or Redis. Erasure finds the entries by these rows.
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

KEEP = dt.timedelta(seconds=KEEP_SECONDS)


class EncodingRecords:
    """The rows, as `recognition.encoding_cache` asks for them."""

    def valid_names(self, names: Collection[str]) -> set[str]:
        """Those that are younger than a day and whose student may be recognised now; one query."""
        now = timezone.now()
        rows = CachedEncoding.objects.filter(
            name__in=names, created_at__gt=now - KEEP, student__in=Student.objects.recognisable(now)
        )
        return set(rows.values_list("name", flat=True))


PHOTOGRAPH_CACHE: Final = PROCESS.part(
    lambda: EncodingCache(EncodingRecords(), size=settings.FACE_ENCODING_CACHE_SIZE, monitor=MONITOR)
)


def photograph_cache() -> EncodingCache:
    """Return the encodings that this process remembers."""
    return PHOTOGRAPH_CACHE.get()


def recall(content: str, space: str) -> Face | None:
    """The face of a picture that was encoded today, by the keyed digest of its bytes."""
    return photograph_cache().get(name_of(content, space), space)


def keep(student_id: UUID, content: str, space: str, face: Face) -> None:
    """Remember the face of a picture that was brought for a student who has a consent that holds.

    To be called in the transaction that checked it, under `gallery_source.lock_student`: a withdrawal waits, and then
    finds the row. Redis is told once that has committed: it may be slow, and many wait for these locks.
    """
    name = name_of(content, space)
    CachedEncoding.objects.update_or_create(
        name=name, student_id=student_id, defaults={"created_at": timezone.now()}
    )
    transaction.on_commit(lambda: photograph_cache().put(name, space, face), robust=True)


def forget(student_id: UUID) -> None:
    """Strike out every picture that was ever brought for a student, in the caller's transaction.

    Also where it was brought for somebody else as well: it is encoded again when it is needed again.
    """
    _strike_out(CachedEncoding.objects.filter(student=student_id).values_list("name", flat=True))


def forget_old(*, now: dt.datetime) -> None:
    """Strike out what is a day old, and what belongs to students who may not be recognised any more."""
    holding = CachedEncoding.objects.filter(
        created_at__gt=now - KEEP, student__in=Student.objects.recognisable(now)
    )
    with transaction.atomic():
        _strike_out(CachedEncoding.objects.exclude(pk__in=holding).values_list("name", flat=True))


def _strike_out(found: Collection[str]) -> None:
    names = list(found)
    if names:
        CachedEncoding.objects.filter(name__in=names).delete()
        transaction.on_commit(lambda: photograph_cache().forget(names), robust=True)
