"""Which student, and which class, a line of a list means: by number, else by the exact name, and never by guess."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from django.utils.translation import gettext as _

from attendance.core.errors import Refused
from attendance.models import Membership, SchoolClass, Student, cleaned, folded, identity, number_key


@dataclass(frozen=True, slots=True, eq=False)
class Known:
    """What the school holds already, read once for a whole list. `memberships` are those of the day, by student."""

    by_number: Mapping[str, Student]
    by_name: Mapping[str, Sequence[Student]]
    by_folded: Mapping[str, Sequence[Student]]
    classes_by_number: Mapping[str, SchoolClass]
    classes_by_name: Mapping[str, Sequence[SchoolClass]]
    classes_by_folded: Mapping[str, Sequence[SchoolClass]]
    memberships: Mapping[UUID, Sequence[Membership]]


def read(on: dt.date) -> Known:
    """Read every student, every class that is not archived, and the memberships of a day."""
    by_number: dict[str, Student] = {}
    by_name: dict[str, list[Student]] = {}
    by_folded: dict[str, list[Student]] = {}
    for student in Student.objects.all():
        by_name.setdefault(identity(student.name), []).append(student)
        by_folded.setdefault(folded(student.name), []).append(student)
        if student.external_id:
            by_number[cleaned(student.external_id)] = student
    classes = list(SchoolClass.objects.filter(archived_at=None))
    names: dict[str, list[SchoolClass]] = {}
    foldings: dict[str, list[SchoolClass]] = {}
    for row in classes:
        names.setdefault(identity(row.name), []).append(row)
        foldings.setdefault(folded(row.name), []).append(row)
    numbers = {cleaned(row.external_id): row for row in classes if row.external_id}
    memberships: dict[UUID, list[Membership]] = {}
    standing = Membership.objects.on(on).filter(school_class__archived_at=None).select_related("school_class")
    for membership in standing.order_by("school_class__name"):
        memberships.setdefault(membership.student_id, []).append(membership)
    return Known(by_number, by_name, by_folded, numbers, names, foldings, memberships)


def student_of(name: str, number: str, known: Known) -> Student | None:
    """Return the student of a line, or None for one whom the school does not have. Raises `Refused` for a question."""
    same = known.by_name.get(identity(name), [])
    alike = known.by_folded.get(folded(name), [])
    if not number:
        return _by_name(same, alike)
    numbered = known.by_number.get(cleaned(number))
    if numbered is None:
        return _unnumbered(number, same, alike)
    if alike and not folded(numbered.name).startswith(folded(name)):
        sentence = _("%(number)s belongs to %(student)s, but the name to %(other)s. Which student is it?")
        words = {"number": number, "student": numbered.name, "other": shown(alike[0])}
        raise Refused("contradiction", sentence % words)
    return numbered


def _by_name(same: Sequence[Student], alike: Sequence[Student]) -> Student | None:
    if len(same) > 1:
        numbers = ", ".join(sorted(student.external_id or "–" for student in same))
        sentence = _("Several students have this name. Add the number (%(numbers)s).")
        raise Refused("ambiguous", sentence % {"numbers": numbers})
    if same:
        return same[0]
    if alike:
        raise _alike(alike)
    return None


def _unnumbered(number: str, same: Sequence[Student], alike: Sequence[Student]) -> Student | None:
    """Return who has the exact name and no number yet; a number of a new student may make a likely double."""
    for student in alike:
        if student.external_id and number_key(student.external_id) == number_key(number):
            sentence = _(
                "A student of this name has the number %(number)s. If it is the same student, use that number."
            )
            raise Refused("likely_double", sentence % {"number": student.external_id})
    free = [student for student in same if student.external_id is None]
    if len(free) > 1:
        sentence = _("Several students have this name and no number. Add their numbers first.")
        raise Refused("ambiguous", sentence)
    if free:
        return free[0]
    others = [student for student in alike if student.external_id is None]
    if others:
        raise _alike(others)
    return None


def _alike(students: Sequence[Student]) -> Refused:
    """Return the question whether a student is meant whose name is only written alike."""
    named = ", ".join(shown(student) for student in students)
    if any(student.external_id for student in students):
        sentence = _("Is this %(students)s? Then add the number. A new student needs a number, too.")
    else:
        sentence = _("Is this %(students)s? Then use the same spelling, or give that student a number.")
    return Refused("alike", sentence % {"students": named})


def shown(student: Student) -> str:
    """Return the name, with the number where there is one."""
    return f"{student.name} ({student.external_id})" if student.external_id else student.name


def class_of(text: str, known: Known) -> SchoolClass:
    """Return the class by its number, else by its exact name. Raises `Refused`: none, several, only alike."""
    numbered = known.classes_by_number.get(cleaned(text))
    if numbered is not None:
        return numbered
    same = known.classes_by_name.get(identity(text), [])
    if len(same) == 1:
        return same[0]
    alike = same or known.classes_by_folded.get(folded(text), [])
    if alike:
        names = ", ".join(row.name for row in alike)
        sentence = _("“%(name)s” may be %(classes)s. Use the exact name, or the number of the class.")
        raise Refused("ambiguous_class", sentence % {"name": text, "classes": names})
    raise Refused("no_such_class", _("There is no class “%(name)s”. Add it first.") % {"name": text})
