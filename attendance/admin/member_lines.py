"""Lines that an office pastes, turned into students: by number first, else by the whole name."""

from django.db.models import Q
from django.utils.translation import gettext as _

from attendance.models import Student, folded

MOST_LINES = 1000


def find(text: str) -> tuple[list[Student], list[str]]:
    """The students of the lines, each once, and a sentence for each line that is nobody or several."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if len(lines) > MOST_LINES:
        return [], [_("At most %(most)d lines at a time.") % {"most": MOST_LINES}]
    active = Student.objects.active()
    by_number = {student.external_id: student for student in active.filter(external_id__in=lines)}
    by_name = _by_name([line for line in lines if line not in by_number])
    found: dict[str, Student] = {}
    faults = []
    for line in lines:
        matches = [by_number[line]] if line in by_number else by_name.get(key_of(line), [])
        if len(matches) == 1:
            found.setdefault(str(matches[0].pk), matches[0])
        elif matches:
            faults.append(_("“%(line)s”: there are several. Write the number.") % {"line": line})
        else:
            faults.append(_("“%(line)s”: nobody here has this number or name.") % {"line": line})
    return list(found.values()), faults


def key_of(line: str) -> str:
    """The name as `sort_key` folds it, whichever way round it was written."""
    family, comma, given = line.partition(",")
    return folded(f"{given} {family}" if comma else line)


def _by_name(lines: list[str]) -> dict[str, list[Student]]:
    """Active students by the key of their name, of those whose names may be among the lines."""
    keys = {key_of(line) for line in lines}
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
