"""Whose face a new photograph shows: held back where it is rather another student's, or unlike the student's own."""

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
    """Why a photograph is held back until a person says why it is kept.

    `codes` are looks_like_another, unlike_own or both, the graver first. `similar` are the other students, the
    likeliest first, `own` the student's nearest photograph where even that is far away.
    """

    codes: tuple[str, ...]
    message: str
    similar: tuple[Similar, ...]
    own: Photograph | None


@dataclass(frozen=True, slots=True, eq=False)
class Compared:
    """A face against some students: how close each is, by key, and which photograph each row was."""

    close: dict[str, Closeness]
    photographs: list[UUID]


def doubt_about(student_id: UUID, template: Array, now: dt.datetime) -> Doubt | None:
    """Compare a unit template (128,) with all students who may be recognised, and with the student's own.

    To be called under `gallery_source.lock_school`, so that nobody else is enrolled at the same moment.
    """
    others = _compared(template, Student.objects.recognisable(now).exclude(pk=student_id))
    mine = _compared(template, Student.objects.filter(pk=student_id))
    own = mine.close.get(str(student_id))
    suspects = [key for key, theirs in others.close.items() if similarity.is_anothers(theirs, own)]
    similar = _similar(others, suspects)
    unlike = None
    if own is not None and similarity.is_unlike(own):
        unlike = Photograph.objects.get(pk=mine.photographs[own.row])
    codes = ("looks_like_another",) * bool(similar) + ("unlike_own",) * (unlike is not None)
    return Doubt(codes, _sentence(similar, unlike), similar, unlike) if codes else None


def override(doubt: Doubt, photograph: Photograph, *, actor: User | None, reason: str) -> None:
    """Note that a person kept it: one reason for all codes, and a confusable pair with each similar student."""
    for similar in doubt.similar:
        confusable_pairs.note(photograph.student_id, similar, actor=actor, reason=reason)
    audit.record(
        actor,
        "photograph_kept_in_doubt",
        photograph,
        student=str(photograph.student_id),
        codes=", ".join(doubt.codes),
        reason=reason,
    )


def _compared(template: Array, students: QuerySet[Student]) -> Compared:
    vectors, owners, photographs = templates.entries_of(students)
    return Compared(similarity.of_each(template, vectors, owners), photographs)


def _similar(compared: Compared, keys: list[str]) -> tuple[Similar, ...]:
    """The students of these keys, the closest first, each with the photograph that comes nearest."""
    chosen = {compared.photographs[compared.close[key].row]: compared.close[key].least for key in keys}
    found = Photograph.objects.select_related("student").filter(pk__in=chosen)
    similar = [Similar(photograph.student, chosen[photograph.pk], photograph) for photograph in found]
    return tuple(sorted(similar, key=lambda one: one.distance))


def _sentence(similar: tuple[Similar, ...], own: Photograph | None) -> str:
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
