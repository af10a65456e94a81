"""What students are called in a list: those of one name are told apart."""

from collections import Counter
from collections.abc import Iterable
from uuid import UUID

from attendance.models import Student


def labels(students: Iterable[Student]) -> dict[UUID, str]:
    """Return each student's name, with the number where another student of the list has the same name."""
    rows = list(students)
    counts = Counter(student.name for student in rows)
    return {
        student.pk: f"{student.name} ({student.external_id})"
        if student.external_id and counts[student.name] > 1
        else student.name
        for student in rows
    }
