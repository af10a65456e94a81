"""Versions of galleries, and the locks under which their contents change.

A version rises in the transaction that changes a template, membership or consent. The version that is read also
contains the school's date, because a membership that starts today or a consent that ended yesterday changes a gallery
without a change of a row.
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

# The lower bits of a version hold the date's ordinal (about 740,000), the upper bits count changes.
DATE_BITS = 20
# Run for each batch of frames; the ORM would need as long to build the query as PostgreSQL to answer it.
_VERSIONS: Final = """
    SELECT id::text, gallery_version FROM attendance_schoolclass WHERE id = ANY(%s::uuid[])
    UNION ALL
    SELECT %s, school_gallery_version FROM attendance_schoolsettings WHERE id = 1 AND visitors_shown AND %s
"""


def read_versions(class_ids: Collection[str]) -> dict[str, int]:
    """Return the current version of each class's gallery, and of the school's if `SCHOOL` is given. One query.

    The school has a gallery only while the setting to ask about students of other classes is on.
    """
    today = timezone.localdate().toordinal()
    with connection.cursor() as cursor:
        cursor.execute(_VERSIONS, [sorted({*class_ids} - {SCHOOL}), SCHOOL, SCHOOL in class_ids])
        return {key: (count << DATE_BITS) | today for key, count in cursor}


def lock_school() -> SchoolSettings:
    """Lock the school's row until the transaction ends, and return it. Call it before changing data of a gallery.

    Such changes are rare and short. Because they wait for each other, there is no deadlock, and no two students are
    enrolled with the same face at the same time.
    """
    SchoolSettings.load()
    return SchoolSettings.objects.select_for_update().get(pk=1)


def lock_student(student_id: UUID) -> Student | None:
    """Lock the student's row, without blocking marks, and return it or None. Call it after `lock_school`."""
    return Student.objects.select_for_update(no_key=True).filter(pk=student_id).first()


def lock_students(student_ids: Collection[UUID]) -> None:
    """Lock several students as `lock_student` does, in the order of their keys, which prevents deadlocks."""
    rows = Student.objects.select_for_update(no_key=True).filter(pk__in=student_ids).order_by("pk")
    list(rows.values_list("pk"))


def raise_versions(student_ids: Sequence[UUID], class_ids: Sequence[UUID] = ()) -> None:
    """Raise the versions of all classes of these students at any time, of `class_ids`, and of the school.

    Call it in the transaction that makes the change, after `lock_school`. Outdated galleries in the cache are deleted
    after the commit, so that erased data are not left there.
    """
    with transaction.atomic():
        school = lock_school()
        classes = Membership.objects.filter(student__in=student_ids).values_list("school_class", flat=True)
        changed = {*classes, *class_ids}
        SchoolClass.objects.filter(pk__in=changed).raise_gallery_version()
        school.school_gallery_version += 1
        school.save(update_fields=["school_gallery_version"])
        keys = [key_of(name, SPACE) for name in (*map(str, changed), SCHOOL)]
        transaction.on_commit(lambda: cache.delete_many(keys), robust=True)
