"""What `recognition.galleries` asks of the school: which version a class's gallery has, and whose templates are in it.

Versions rise in the transaction that changes a template, membership or consent. They also carry the school's date,
because a membership that starts today, or a consent that ended yesterday, changes a gallery without any row changing.
"""

import datetime as dt
import logging
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Final
from uuid import UUID

import numpy as np
from django.core.cache import cache
from django.db import connection, transaction
from django.db.models import QuerySet
from django.utils import timezone

from attendance.database import NOT_ANSWERING
from attendance.models import Membership, SchoolClass, SchoolSettings, Space, Student, Template
from recognition.crypto import CannotOpen, keyring
from recognition.engine.types import SPACE, Array
from recognition.galleries import SCHOOL, SourceUnavailable, key_of

logger = logging.getLogger(__name__)

DIMENSIONS = 128
DATE_BITS = 20
"""A date's ordinal (740,000 in our days) below, the count of changes above."""
ENTRY = np.dtype("<f4")


class Source:
    """The database behind the galleries. Stateless, thread-safe; keeps no connection once a call has returned.

    All raise `SourceUnavailable` while PostgreSQL does not answer.
    """

    def versions(self, class_ids: Iterable[str]) -> dict[str, int]:
        """The present version of each class's gallery, and of `SCHOOL` if asked for, in one query.

        The school has a gallery only while it lets visitors of other classes be asked about.
        """
        with _asking():
            return _versions({str(key) for key in class_ids})

    def templates(self, class_id: str) -> tuple[Array, list[str]]:
        """(N, 128) float32 unit templates and the N students' keys, one row per photograph.

        Only students who are members today, have not left and have a consent that holds.
        """
        with _asking():
            return templates_of(members(class_id, timezone.now()))


@contextmanager
def _asking() -> Iterator[None]:
    try:
        yield
    except NOT_ANSWERING as fault:
        message = f"PostgreSQL does not answer: {fault}"
        raise SourceUnavailable(message) from fault
    finally:
        if not connection.in_atomic_block:
            connection.close()


_VERSIONS: Final = """
    SELECT id::text, gallery_version FROM attendance_schoolclass WHERE id = ANY(%s::uuid[])
    UNION ALL
    SELECT %s, school_gallery_version FROM attendance_schoolsettings WHERE id = 1 AND visitors_shown AND %s
"""
"""Asked for every turn of the queue, and the ORM would take as long to write it as PostgreSQL to answer it."""


def _versions(wanted: set[str]) -> dict[str, int]:
    today = timezone.localdate().toordinal()
    with connection.cursor() as cursor:
        cursor.execute(_VERSIONS, [sorted(wanted - {SCHOOL}), SCHOOL, SCHOOL in wanted])
        return {key: (count << DATE_BITS) | today for key, count in cursor}


def searched() -> QuerySet[Space]:
    """The space that is searched: the school's active one, and none while the engine makes templates of another."""
    return Space.objects.filter(active=True, name=SPACE)


def members(class_id: str, at: dt.datetime) -> QuerySet[Student]:
    """The students who may be recognised in a class, or in the whole school, at that moment."""
    students = Student.objects.recognisable(at)
    return students if class_id == SCHOOL else students.expected(timezone.localdate(at), UUID(class_id))


def templates_of(students: QuerySet[Student]) -> tuple[Array, list[str]]:
    """Decrypt the templates of these students in the searched space; see `Source.templates`."""
    vectors, owners, _ = entries_of(students)
    return vectors, owners


def entries_of(students: QuerySet[Student]) -> tuple[Array, list[str], list[UUID]]:
    """`templates_of`, and for each row the photograph that it was made of."""
    rows = (
        Template.objects.filter(space__in=searched(), photograph__student__in=students)
        .order_by("photograph__student", "photograph")
        .values_list("photograph", "photograph__student", "space__name", "sealed")
    )
    vectors, owners, photographs = [], [], []
    for photograph, student, space, sealed_bytes in rows:
        try:
            vectors.append(unsealed(sealed_bytes, photograph, student, space))
        except CannotOpen as refusal:
            # One damaged row must not leave a whole class unrecognised.
            logger.error("the template of photograph %s is left out: %s", photograph, refusal)
            continue
        owners.append(str(student))
        photographs.append(photograph)
    return np.array(vectors, np.float32).reshape(-1, DIMENSIONS), owners, photographs


def sealed(vector: Array, photograph: UUID, student: UUID, space: str) -> bytes:
    """A template encrypted for its row."""
    return keyring().seal(vector.astype(ENTRY).tobytes(), *_context(photograph, student, space))


def unsealed(data: bytes | memoryview, photograph: UUID, student: UUID, space: str) -> Array:
    """The template of a row. Raises `recognition.crypto.CannotOpen`."""
    plain = keyring().open(data, *_context(photograph, student, space))
    return np.frombuffer(plain, ENTRY).astype(np.float32)


def _context(photograph: UUID, student: UUID, space: str) -> tuple[str, ...]:
    return ("template", str(photograph), str(student), space)


def lock_school() -> SchoolSettings:
    """The school's row under lock: whoever changes what a gallery holds takes it first.

    Such changes are rare and short, so they wait for each other: no deadlock, and no two students are enrolled with one
    face at the same moment.
    """
    SchoolSettings.load()
    return SchoolSettings.objects.select_for_update().get(pk=1)


def lock_student(student_id: UUID) -> Student | None:
    """The student under a row lock that lets marks be written beside it, taken after `lock_school`."""
    return Student.objects.select_for_update(no_key=True).filter(pk=student_id).first()


def changed(student_ids: Sequence[UUID], class_ids: Sequence[UUID] = ()) -> None:
    """Raise the versions of every class these students are or will be in, of `class_ids`, and of the school.

    To be called in the transaction that makes the change, after `lock_school`. The galleries in the cache, which no
    search would take any more, are removed once it has committed: erased means gone from there, too.
    """
    with transaction.atomic():
        school = lock_school()
        theirs = Membership.objects.filter(student__in=student_ids).values_list("school_class", flat=True)
        touched = {*theirs, *class_ids}
        SchoolClass.objects.filter(pk__in=touched).raise_gallery_version()
        school.school_gallery_version += 1
        school.save(update_fields=["school_gallery_version"])
        keys = [key_of(name, SPACE) for name in (*map(str, touched), SCHOOL)]
        transaction.on_commit(lambda: cache.delete_many(keys), robust=True)
