"""Find the student and the classes of a line of an import: by number, else by the exact name.

Where several rows fit, or one is only written similarly, `Refused` asks a person; nothing is guessed.
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from django.utils.translation import gettext as _

from attendance.core.errors import Refused
from attendance.models import Membership, SchoolClass, Student, cleaned, folded, identity, number_key


@dataclass(frozen=True, slots=True, eq=False)
class SchoolIndex:
    """The students and classes of the school, by number and name, and the memberships of a day, by student."""

    by_number: Mapping[str, Student]
    by_name: Mapping[str, Sequence[Student]]
    by_folded: Mapping[str, Sequence[Student]]
    classes_by_number: Mapping[str, SchoolClass]
    classes_by_name: Mapping[str, Sequence[SchoolClass]]
    classes_by_folded: Mapping[str, Sequence[SchoolClass]]
    memberships: Mapping[UUID, Sequence[Membership]]


def read_index(on: dt.date) -> SchoolIndex:
    """Read all students, all classes that are not archived, and the memberships of a day."""
    by_number: dict[str, Student] = {}
    by_name: dict[str, list[Student]] = {}
    by_folded: dict[str, list[Student]] = {}
    for student in Student.objects.all():
        by_name.setdefault(identity(student.name), []).append(student)
        by_folded.setdefault(folded(student.name), []).append(student)
        if student.external_id:
            by_number[cleaned(student.external_id)] = student
    classes = list(SchoolClass.objects.filter(archived_at=None))
    classes_by_name: dict[str, list[SchoolClass]] = {}
    classes_by_folded: dict[str, list[SchoolClass]] = {}
    for row in classes:
        classes_by_name.setdefault(identity(row.name), []).append(row)
        classes_by_folded.setdefault(folded(row.name), []).append(row)
    classes_by_number = {cleaned(row.external_id): row for row in classes if row.external_id}
    memberships: dict[UUID, list[Membership]] = {}
    current = Membership.objects.on(on).filter(school_class__archived_at=None).select_related("school_class")
    for membership in current.order_by("school_class__name"):
        memberships.setdefault(membership.student_id, []).append(membership)
    return SchoolIndex(
        by_number, by_name, by_folded, classes_by_number, classes_by_name, classes_by_folded, memberships
    )


def student_of(name: str, number: str, index: SchoolIndex) -> Student | None:
    """Return the student of a line, None for a new one. Raises `Refused` where a person must decide."""
    same = index.by_name.get(identity(name), [])
    similar = index.by_folded.get(folded(name), [])
    if not number:
        return _find_by_name(same, similar)
    numbered = index.by_number.get(cleaned(number))
    if numbered is None:
        return _find_without_number(number, same, similar)
    if similar and not folded(numbered.name).startswith(folded(name)):
        sentence = _("%(number)s belongs to %(student)s, but the name to %(other)s. Which student is it?")
        words = {"number": number, "student": numbered.name, "other": shown(similar[0])}
        raise Refused("contradiction", sentence % words)
    return numbered


def _find_by_name(same: Sequence[Student], similar: Sequence[Student]) -> Student | None:
    if len(same) > 1:
        numbers = ", ".join(sorted(student.external_id or "–" for student in same))
        sentence = _("Several students have this name. Add the number (%(numbers)s).")
        raise Refused("ambiguous", sentence % {"numbers": numbers})
    if same:
        return same[0]
    if similar:
        raise _question_about(similar)
    return None


def _find_without_number(number: str, same: Sequence[Student], similar: Sequence[Student]) -> Student | None:
    """Return the student of exactly this name who has no number yet, None for a new student. Raises `Refused`."""
    for student in similar:
        if student.external_id and number_key(student.external_id) == number_key(number):
            sentence = _(
                "A student of this name has the number %(number)s. If it is the same student, use that number."
            )
            raise Refused("likely_double", sentence % {"number": student.external_id})
    without_number = [student for student in same if student.external_id is None]
    if len(without_number) > 1:
        sentence = _("Several students have this name and no number. Add their numbers first.")
        raise Refused("ambiguous", sentence)
    if without_number:
        return without_number[0]
    others = [student for student in similar if student.external_id is None]
    if others:
        raise _question_about(others)
    return None


def _question_about(students: Sequence[Student]) -> Refused:
    """Return the question whether one of these students is meant, whose names are written similarly."""
    named = ", ".join(shown(student) for student in students)
    if any(student.external_id for student in students):
        sentence = _("Is this %(students)s? Then add the number. A new student needs a number, too.")
    else:
        sentence = _("Is this %(students)s? Then use the same spelling, or give that student a number.")
    return Refused("alike", sentence % {"students": named})


def shown(student: Student) -> str:
    """Return the name, with the number where there is one."""
    return f"{student.name} ({student.external_id})" if student.external_id else student.name


def class_of(text: str, index: SchoolIndex) -> SchoolClass:
    """Return the class by its number, else by its exact name. Raises `Refused`: no_such_class, ambiguous_class."""
    numbered = index.classes_by_number.get(cleaned(text))
    if numbered is not None:
        return numbered
    same = index.classes_by_name.get(identity(text), [])
    if len(same) == 1:
        return same[0]
    candidates = same or index.classes_by_folded.get(folded(text), [])
    if candidates:
        names = ", ".join(row.name for row in candidates)
        sentence = _("“%(name)s” may be %(classes)s. Use the exact name, or the number of the class.")
        raise Refused("ambiguous_class", sentence % {"name": text, "classes": names})
    raise Refused("no_such_class", _("There is no class “%(name)s”. Add it first.") % {"name": text})
