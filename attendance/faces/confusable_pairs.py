"""Pairs of students with similar faces, found at enrolment, so that the camera asks a person instead of guessing.

Distances are L2 between unit templates. A student is represented by the unit mean of their templates.
"""

from dataclasses import dataclass
from uuid import UUID

import numpy as np
from django.db.models import Q, QuerySet
from django.utils import timezone

from attendance.faces import similarity, templates
from attendance.models import ConfusablePair, Membership, Photograph, Student, User
from recognition.engine.types import Array

# Classmates whose means are nearer than this are a confusable pair. Of 4,950 pairs of a hundred people of LFW (three
# photographs each) 0.18 % are, which is not quite one pair in a class of 30; at 0.40 it would be fifteen.
CONFUSABLE = 0.32


@dataclass(frozen=True, slots=True, eq=False)
class Similar:
    """A student with a similar face: the L2 distance, and the nearest photograph where one was compared."""

    student: Student
    distance: float
    photograph: Photograph | None = None


def nearest(template: Array, students: QuerySet[Student], *, within: float) -> tuple[Similar, ...]:
    """Return those of `students` whose mean is within a distance of a unit template (128,), nearest first."""
    centres, ids = similarity.means(*templates.templates_of(students))
    distances = np.linalg.norm(centres - template, axis=1)
    distance_of = {ids[row]: float(distances[row]) for row in np.flatnonzero(distances <= within)}
    students_found = Student.objects.filter(pk__in=distance_of)
    similar_students = [Similar(student, distance_of[str(student.pk)]) for student in students_found]
    return tuple(sorted(similar_students, key=lambda similar: similar.distance))


def update_pairs(student_id: UUID) -> int:
    """Find the confusable pairs of a student and their classmates again; return how many pairs there are.

    Call it in the transaction that changes templates or memberships. Pairs that a person overrode stay, with the
    reason.
    """
    pairs = ConfusablePair.objects.filter(Q(first=student_id) | Q(second=student_id))
    pairs.filter(overridden_by=None).delete()
    students = Student.objects.recognisable(timezone.now())
    own_templates, _owners = templates.templates_of(students.filter(pk=student_id))
    if len(own_templates):
        centre = similarity.means(own_templates, [str(student_id)] * len(own_templates))[0][0]
        for similar in nearest(centre, students.filter(pk__in=_classmates(student_id)), within=CONFUSABLE):
            record_pair(student_id, similar)
    return pairs.count()


def _classmates(student_id: UUID) -> QuerySet[Student]:
    """Return the students who share a class with the student at any time; a needless pair only asks once more."""
    classes = Membership.objects.filter(student=student_id).values("school_class")
    return Student.objects.filter(memberships__school_class__in=classes).exclude(pk=student_id)


def record_pair(student_id: UUID, similar: Similar, *, actor: User | None = None, reason: str = "") -> None:
    """Store a pair, the smaller key first. With actor or reason it is overridden; an earlier override stays."""
    first, second = sorted((student_id, similar.student.pk))
    values: dict[str, object] = {"distance": similar.distance}
    if actor is not None or reason:
        values |= {"overridden_by": actor, "reason": reason}
    ConfusablePair.objects.update_or_create(first_id=first, second_id=second, defaults=values)
