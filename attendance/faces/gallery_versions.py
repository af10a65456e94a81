"""Versions of galleries, and the locks under which their contents change.

A version rises in the transaction that changes a template, membership or consent. What is read also carries the
school's date, because a membership that starts today, or a consent that ended yesterday, changes a gallery without any
row changing.
"""

from collections.abc import Collection, Sequence
from typing import Final
from uuid import UUID

from django.core.cache import cache
from django.db import connection, transaction
from django.utils import timezone

from attendance.models import Membership, SchoolClass, SchoolSettings, Student
from recognition.engine.types import SPACE
from recognition.galleries import SCHOOL, key_of

# A date's ordinal (about 740,000) in the lower bits, the count of changes above.
DATE_BITS = 20
# Asked for every batch of frames, and the ORM would take as long to write it as PostgreSQL to answer it.
_VERSIONS: Final = """
    SELECT id::text, gallery_version FROM attendance_schoolclass WHERE id = ANY(%s::uuid[])
    UNION ALL
    SELECT %s, school_gallery_version FROM attendance_schoolsettings WHERE id = 1 AND visitors_shown AND %s
"""


def read_versions(class_ids: Collection[str]) -> dict[str, int]:
    """Return the present version of each class's gallery, and of `SCHOOL` if asked for, in one query.

    The school has a gallery only while it lets visitors of other classes be asked about.
    """
    today = timezone.localdate().toordinal()
    with connection.cursor() as cursor:
        cursor.execute(_VERSIONS, [sorted({*class_ids} - {SCHOOL}), SCHOOL, SCHOOL in class_ids])
        return {key: (count << DATE_BITS) | today for key, count in cursor}


def lock_school() -> SchoolSettings:
    """Return the school's row under lock: it comes first, before anything that a gallery holds is changed.

    Such changes are rare and short, so they wait for each other: no deadlock, and no two students are enrolled with one
    face at the same moment.
    """
    SchoolSettings.load()
    return SchoolSettings.objects.select_for_update().get(pk=1)


def lock_student(student_id: UUID) -> Student | None:
    """Return the student under a row lock that lets marks be written beside it; after `lock_school`."""
    return Student.objects.select_for_update(no_key=True).filter(pk=student_id).first()


def lock_students(student_ids: Collection[UUID]) -> None:
    """Take the same lock on several students in the order of their keys, so that two never wait for each other."""
    rows = Student.objects.select_for_update(no_key=True).filter(pk__in=student_ids).order_by("pk")
    list(rows.values_list("pk"))


def raise_versions(student_ids: Sequence[UUID], class_ids: Sequence[UUID] = ()) -> None:
    """Raise the versions of every class these students are or will be in, of `class_ids`, and of the school.

    Call in the transaction that makes the change, after `lock_school`. The galleries in the cache, which no search
    would take any more, are deleted once it has committed: erased means gone from there, too.
    """
    with transaction.atomic():
        school = lock_school()
        theirs = Membership.objects.filter(student__in=student_ids).values_list("school_class", flat=True)
        changed = {*theirs, *class_ids}
        SchoolClass.objects.filter(pk__in=changed).raise_gallery_version()
        school.school_gallery_version += 1
        school.save(update_fields=["school_gallery_version"])
        keys = [key_of(name, SPACE) for name in (*map(str, changed), SCHOOL)]
        transaction.on_commit(lambda: cache.delete_many(keys), robust=True)
