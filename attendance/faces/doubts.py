"""Whether a new photograph may show another student, or does not resemble the student's own photographs.

Such a photograph is held back until a person gives a reason for keeping it.
"""

import datetime as dt
from dataclasses import dataclass
from uuid import UUID

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from attendance.core import audit
from attendance.faces import confusable_pairs, similarity, templates
from attendance.faces.confusable_pairs import Similar
from attendance.faces.similarity import Closeness
from attendance.models import Photograph, Student, User
from recognition.engine.types import Array


@dataclass(frozen=True, slots=True, eq=False)
class Doubt:
    """Why a photograph is held back.

    `codes` are looks_like_another, unlike_own or both in this order. `similar` are the other students, nearest first.
    `own` is the student's nearest photograph if even that is too far away.
    """

    codes: tuple[str, ...]
    message: str
    similar: tuple[Similar, ...]
    own: Photograph | None


@dataclass(frozen=True, slots=True, eq=False)
class Comparison:
    """A face compared with students: the closeness by the student's key, and the photograph of each row."""

    closeness: dict[str, Closeness]
    photographs: list[UUID]


def doubt_about(student_id: UUID, template: Array, now: dt.datetime) -> Doubt | None:
    """Compare a unit template (128,) with all recognisable students and with the student's own templates.

    Call it under `gallery_versions.lock_school`, so that no other student is enrolled at the same time.
    """
    others = _compare(template, Student.objects.recognisable(now).exclude(pk=student_id))
    student = _compare(template, Student.objects.filter(pk=student_id))
    own = student.closeness.get(str(student_id))
    suspects = [key for key, other in others.closeness.items() if similarity.is_probably_another(other, own)]
    similar = _similar_students(others, suspects)
    unlike = None
    if own is not None and similarity.is_unlike(own):
        unlike = Photograph.objects.get(pk=student.photographs[own.row])
    codes = ("looks_like_another",) * bool(similar) + ("unlike_own",) * (unlike is not None)
    return Doubt(codes, _message(similar, unlike), similar, unlike) if codes else None


def override(doubt: Doubt, photograph: Photograph, *, actor: User | None, reason: str) -> None:
    """Record why a person kept the photograph, and store a confusable pair with each similar student."""
    for similar in doubt.similar:
        confusable_pairs.record_pair(photograph.student_id, similar, actor=actor, reason=reason)
    audit.record(
        actor,
        "photograph_kept_in_doubt",
        photograph,
        student=str(photograph.student_id),
        codes=", ".join(doubt.codes),
        reason=reason,
    )


def _compare(template: Array, students: QuerySet[Student]) -> Comparison:
    vectors, owners, photographs = templates.entries_of(students)
    return Comparison(similarity.closeness_by_student(template, vectors, owners), photographs)


def _similar_students(comparison: Comparison, keys: list[str]) -> tuple[Similar, ...]:
    """Return the students with these keys, nearest first, each with the nearest photograph."""
    closeness, rows = comparison.closeness, comparison.photographs
    distances = {rows[closeness[key].row]: closeness[key].least for key in keys}
    photographs = Photograph.objects.select_related("student").filter(pk__in=distances)
    similar = [Similar(row.student, distances[row.pk], row) for row in photographs]
    return tuple(sorted(similar, key=lambda student: student.distance))


def _message(similar: tuple[Similar, ...], own: Photograph | None) -> str:
    if not similar:
        return _(
            "This face does not match this student's other photos. Compare them: choose the right student, "
            "remove a wrong photo, or give a reason for keeping it."
        )
    if own is None:
        sentence = _(
            "This face looks like %(name)s. Compare both photos. If they show two people, give a reason for keeping it."
        )
    else:
        sentence = _(
            "This face looks like %(name)s and does not match this student's other photos. Compare them: "
            "choose the right student, or give a reason for keeping it."
        )
    return sentence % {"name": similar[0].student.name}
