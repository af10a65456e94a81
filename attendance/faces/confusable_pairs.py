"""Students whose faces lie close together: found at enrolment, so that the camera asks instead of guessing.

Distances are L2 between unit templates; a student stands as the mean of their photographs, of length 1.
"""

from dataclasses import dataclass
from uuid import UUID

import numpy as np
from django.db.models import Q, QuerySet
from django.utils import timezone

from attendance.faces import similarity, templates
from attendance.models import ConfusablePair, Membership, Photograph, Student, User
from recognition.engine.types import Array

CONFUSABLE = 0.32
"""Classmates whose means lie this close get a wider margin, or a person is asked. Of 4,950 pairs among a hundred people
of LFW (three photographs each) 0.18 % do, which is not quite one pair in a class of 30; at 0.40 it would be fifteen."""


@dataclass(frozen=True, slots=True, eq=False)
class Similar:
    """A student and how far away: L2 between unit templates, and the photograph to be looked at, if one is meant."""

    student: Student
    distance: float
    photograph: Photograph | None = None


def nearest(template: Array, students: QuerySet[Student], *, within: float) -> tuple[Similar, ...]:
    """Those of `students` whose mean lies within a distance of a unit template, nearest first."""
    centres, ids = similarity.means(*templates.templates_of(students))
    distances = np.linalg.norm(centres - template, axis=1)
    close = {ids[row]: float(distances[row]) for row in np.flatnonzero(distances <= within)}
    found = [Similar(student, close[str(student.pk)]) for student in Student.objects.filter(pk__in=close)]
    return tuple(sorted(found, key=lambda similar: similar.distance))


def update_pairs(student_id: UUID) -> int:
    """Find again who of the student's classmates looks alike; to be called when templates or memberships change.

    Pairs that a person overrode stay, with the reason. Returns how many pairs stand.
    """
    pairs = ConfusablePair.objects.filter(Q(first=student_id) | Q(second=student_id))
    pairs.filter(overridden_by=None).delete()
    students = Student.objects.recognisable(timezone.now())
    own, _ = templates.templates_of(students.filter(pk=student_id))
    if len(own):
        centre = similarity.means(own, [str(student_id)] * len(own))[0][0]
        for similar in nearest(centre, students.filter(pk__in=_classmates(student_id)), within=CONFUSABLE):
            note(student_id, similar)
    return pairs.count()


def _classmates(student_id: UUID) -> QuerySet[Student]:
    """Who shares a class with the student, whenever: dates change, and a pair too many only asks once more."""
    classes = Membership.objects.filter(student=student_id).values("school_class")
    return Student.objects.filter(memberships__school_class__in=classes).exclude(pk=student_id)


def note(student_id: UUID, similar: Similar, *, actor: User | None = None, reason: str = "") -> None:
    """Write a pair down, the smaller key first; an override that stands keeps its reason."""
    first, second = sorted((student_id, similar.student.pk))
    found: dict[str, object] = {"distance": similar.distance}
    if actor is not None or reason:
        found |= {"overridden_by": actor, "reason": reason}
    ConfusablePair.objects.update_or_create(first_id=first, second_id=second, defaults=found)
