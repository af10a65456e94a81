"""Lines that an office pastes, turned into students: by number first, else by the exact whole name.

A name that is only written like that of one student is taken, and reported: the office sees at once whom it was.
"""

from dataclasses import dataclass

from django.db.models import Q
from django.utils.translation import gettext as _

from attendance.models import Student, cleaned, folded, identity
from attendance.people.matching import shown

MOST_LINES = 1000


@dataclass(frozen=True, slots=True, eq=False)
class Lines:
    """The students of the lines, each once; a sentence for each line that is nobody or several, or only alike."""

    students: list[Student]
    faults: list[str]
    notes: list[str]


def find(text: str) -> Lines:
    """Return the students whom the lines mean."""
    lines = list(filter(None, map(cleaned, text.splitlines())))
    if len(lines) > MOST_LINES:
        return Lines([], [_("At most %(most)d lines at a time.") % {"most": MOST_LINES}], [])
    active = Student.objects.active()
    by_number = {student.external_id: student for student in active.filter(external_id__in=lines)}
    alike = _alike([line for line in lines if line not in by_number])
    students: dict[str, Student] = {}
    faults, notes = [], []
    for line in lines:
        same_key = alike.get(folded(_in_order(line)), [])
        exact = [student for student in same_key if identity(student.name) == identity(_in_order(line))]
        matches = [by_number[line]] if line in by_number else exact or same_key
        if len(matches) == 1:
            students.setdefault(str(matches[0].pk), matches[0])
            if matches[0] in same_key and not exact:
                notes.append(_("“%(line)s” was matched to %(student)s.") % _words(line, matches))
        elif matches:
            faults.append(_("“%(line)s”: several students match. Use the number.") % {"line": line})
        else:
            faults.append(_("“%(line)s”: no student has this number or name.") % {"line": line})
    return Lines(list(students.values()), faults, notes)


def _words(line: str, matches: list[Student]) -> dict[str, str]:
    return {"line": line, "student": shown(matches[0])}


def _in_order(line: str) -> str:
    """Return the name with the given name first, whichever way round it was written."""
    family, comma, given = line.partition(",")
    return f"{given} {family}" if comma else line


def _alike(lines: list[str]) -> dict[str, list[Student]]:
    """Return active students by their folded name, of those whose names are like one of the lines."""
    keys = {folded(_in_order(line)) for line in lines}
    if not keys:
        return {}
    wanted = Q()
    for key in keys:
        wanted |= Q(search_key__startswith=key)
    found: dict[str, list[Student]] = {}
    for student in Student.objects.active().filter(wanted):
        key = folded(student.name)
        if key in keys:
            found.setdefault(key, []).append(student)
    return found
