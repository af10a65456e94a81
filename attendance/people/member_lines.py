"""Find the students of pasted lines: by number, else by the exact name, else by a similarly written name.

A student who is found by a similar name only is reported, so that the office can check who was taken.
"""

from dataclasses import dataclass

from django.db.models import Q
from django.utils.translation import gettext as _

from attendance.models import Student, cleaned, folded, identity
from attendance.people.matching import shown

MOST_LINES = 1000


@dataclass(frozen=True, slots=True, eq=False)
class MatchedLines:
    """The students of the lines, each once.

    `errors` has a sentence for each line that fits no student or several, `notes` one for each similar name.
    """

    students: list[Student]
    errors: list[str]
    notes: list[str]


def match_lines(text: str) -> MatchedLines:
    """Return the students of the lines, which hold a number or a name each."""
    lines = list(filter(None, map(cleaned, text.splitlines())))
    if len(lines) > MOST_LINES:
        return MatchedLines([], [_("At most %(most)d lines at a time.") % {"most": MOST_LINES}], [])
    active = Student.objects.active()
    by_number = {student.external_id: student for student in active.filter(external_id__in=lines)}
    by_folded_name = _students_by_folded_name([line for line in lines if line not in by_number])
    students: dict[str, Student] = {}
    errors, notes = [], []
    for line in lines:
        similar = by_folded_name.get(folded(_in_order(line)), [])
        exact = [student for student in similar if identity(student.name) == identity(_in_order(line))]
        matches = [by_number[line]] if line in by_number else exact or similar
        if len(matches) == 1:
            students.setdefault(str(matches[0].pk), matches[0])
            if matches[0] in similar and not exact:
                notes.append(
                    _("“%(line)s” was matched to %(student)s.") % {"line": line, "student": shown(matches[0])}
                )
        elif matches:
            errors.append(_("“%(line)s”: several students match. Use the number.") % {"line": line})
        else:
            errors.append(_("“%(line)s”: no student has this number or name.") % {"line": line})
    return MatchedLines(list(students.values()), errors, notes)


def _in_order(line: str) -> str:
    """Return the name with the given name first; “Ash, Ann” has the family name first."""
    family, comma, given = line.partition(",")
    return f"{given} {family}" if comma else line


def _students_by_folded_name(lines: list[str]) -> dict[str, list[Student]]:
    """Return the active students whose folded name is that of one of the lines, by that name."""
    keys = {folded(_in_order(line)) for line in lines}
    if not keys:
        return {}
    begins_like_a_key = Q()
    for key in keys:
        begins_like_a_key |= Q(search_key__startswith=key)
    students: dict[str, list[Student]] = {}
    for student in Student.objects.active().filter(begins_like_a_key):
        key = folded(student.name)
        if key in keys:
            students.setdefault(key, []).append(student)
    return students
