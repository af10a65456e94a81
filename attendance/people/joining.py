"""Add many students to a class at once."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from django.db import transaction
from django.utils.translation import gettext as _

from attendance.core.errors import Refused
from attendance.models import Membership, SchoolClass, Student, User
from attendance.people import memberships


@dataclass(frozen=True, slots=True, eq=False)
class Joined:
    """The number of students who were added, and sentences about those who were not or are in other classes too."""

    count: int
    notes: tuple[str, ...]


def join_class(
    students: Sequence[Student],
    school_class: SchoolClass,
    starts_on: dt.date,
    *,
    actor: User,
    end_others: bool,
) -> Joined:
    """Add each student to the class, in a transaction of its own. A refusal of one student becomes a note."""
    count, notes = 0, []
    for student in students:
        try:
            with transaction.atomic():
                _join(student, school_class, starts_on, actor, end_others=end_others)
            count += 1
        except Refused as refused:
            notes.append(f"{student}: {refused.message}")
        others = memberships.others(student.pk, keep=[school_class.pk], starts_on=starts_on)
        if not end_others and others:
            classes = ", ".join(str(row.school_class) for row in others)
            notes.append(_("%(student)s is also in %(classes)s.") % {"student": student, "classes": classes})
    return Joined(count, tuple(notes))


def _join(
    student: Student, school_class: SchoolClass, starts_on: dt.date, actor: User, *, end_others: bool
) -> None:
    ended = []
    if end_others:
        keep = [school_class.pk]
        ended = memberships.end_others(student_id=student.pk, keep=keep, starts_on=starts_on, actor=actor)
    current = Membership.objects.on(starts_on).filter(student=student, school_class=school_class)
    if not (ended and current.exists()):
        memberships.add(student_id=student.pk, class_id=school_class.pk, starts_on=starts_on, actor=actor)
