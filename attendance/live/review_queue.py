"""Faces that the camera may not decide: put before a person with both candidates, and what the person said.

Crops and templates are encrypted and gone when the session closes. Who is said not to be a student is not taken for
that student again in this session, by any camera of it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Any, Final
from uuid import UUID

import numpy as np
from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from attendance import register
from attendance.calendar.sessions import lock_session
from attendance.core import audit, blob_store, policy
from attendance.core.errors import Refused
from attendance.core.policy import Action
from attendance.faces import gallery_versions
from attendance.models import (
    Blob,
    ConfusablePair,
    Consent,
    Mark,
    OnPremises,
    Review,
    Session,
    Source,
    Student,
    User,
)
from attendance.register import broadcast, rejected_matches
from attendance.register.evidence import MatchEvidence
from attendance.register.feed import raise_version
from recognition.engine.identification.decision import margin
from recognition.engine.identification.rejection import same_face
from recognition.engine.types import SPACE, Decision
from recognition.streams.frame_results import UncertainTrack
from recognition.telemetry.monitor import MONITOR

MOST_WAITING: Final = 50
"""A session holds no more undecided faces: a camera that looks at a crowd must not fill the table."""
AS_NEAR: Final = 0.02
"""Distances to two students that differ by less say nothing of which of the two it is."""


def offer(*, session_id: UUID, question: UncertainTrack, camera: str) -> dict[str, Any] | None:
    """Ask about a track, once; the event for the sockets. None where there is nothing to ask.

    Nothing to ask is: the session is not open, a candidate may not be recognised in it any more, whoever it may be is
    here already, or the same face (by its template) was asked about before.
    """
    with transaction.atomic():
        session = lock_session(session_id)
        best, *others = question.decision.candidates
        now = timezone.now()
        if not session.is_open or not _recognisable(session, question.decision, now):
            return None
        missing = _missing(session, question.decision)
        if missing is None or _asked_before(session, question, missing, camera):
            return None
        review = Review(
            session=session,
            first_id=UUID(best.id),
            first_distance=best.distance,
            second_id=UUID(others[0].id) if others else None,
            second_distance=others[0].distance if others else None,
            samples=question.decision.samples,
            camera=camera,
            track=question.track,
            seen_at=now,
        )
        review.crop = blob_store.store(Blob.Kind.REVIEW, question.crop, owner=session.pk)
        review.sealed_template = rejected_matches.seal(question.template, "review", review.pk, session.pk)
        review.save(force_insert=True)
        MONITOR.count("reviews")
        return announce_waiting(session)


def waiting(session: Session) -> list[dict[str, Any]]:
    """The undecided faces of a session, oldest first, with the candidates; for those who may see faces."""
    rows = (
        Review.objects.filter(session=session, verdict=Review.Verdict.WAITING)
        .select_related("first", "second")
        .order_by("seen_at", "pk")
    )
    return [_shown(row) for row in rows]


def picture(*, review_id: UUID, actor: User) -> bytes:
    """The crop of an undecided face, JPEG. Raises `Refused`."""
    review = Review.objects.select_related("session", "crop").filter(pk=review_id).first()
    if review is None or review.crop is None:
        raise Refused("no_such_review", _("This face is already decided, or the register is signed."))
    policy.require(actor, Action.VIEW_FACES, review.session)
    audit.record_view(actor, "review_viewed", review)
    return blob_store.read(review.crop, owner=review.session_id)


def decide(
    *, review_id: UUID, verdict: str, student_id: UUID | None = None, actor: User, now: dt.datetime
) -> register.Result | None:
    """What a person says of a face: this student, neither, or ignored. The mark's result where one is made.

    "This student" marks and keeps the other candidate from this face; "neither" keeps both. Where the register does
    not take the mark, `Refused` is raised and the face waits on.
    """
    with transaction.atomic():
        review = _undecided(review_id, student_id, actor)
        result, not_these = None, [review.first_id, review.second_id]
        if verdict == Review.Verdict.STUDENT:
            if student_id is None:
                raise Refused("student_needed", _("Say which student this is."))
            result = _mark(review, student_id, actor, now)
            not_these = [each for each in not_these if each != student_id]
        elif verdict == Review.Verdict.IGNORED:
            not_these = []
        elif verdict != Review.Verdict.NEITHER:
            raise Refused("bad_verdict", _("Say “student”, “neither” or “ignored”."))
        if result is None or not result.refused:
            _close(review, verdict, student_id, actor, now, keep_from=not_these)
            return result
    # After the transaction, in which the attempt was counted.
    raise result.refusal()


def _recognisable(session: Session, decision: Decision, now: dt.datetime) -> bool:
    """Whether all candidates may be recognised in this session now; a withdrawal under way is waited for."""
    keys = {UUID(match.id) for match in decision.candidates}
    gallery_versions.lock_students(keys)
    members = Student.objects.recognisable(now).in_class(session.school_class, session.date)
    return members.filter(pk__in=keys).count() == len(keys)


def _missing(session: Session, decision: Decision) -> UUID | None:
    """The candidate who may be standing there and is not here yet.

    The second one only where the two are hard to tell apart: of twins, one being here says nothing of the other.
    """
    keys = [UUID(match.id) for match in decision.candidates]
    marks = Mark.objects.filter(session=session, student__in=keys, code__on_premises=OnPremises.YES)
    here = set(marks.values_list("student", flat=True))
    if keys[0] not in here:
        return keys[0]
    if len(keys) == 1 or keys[1] in here or decision.margin is None:
        return None
    first, second = sorted(keys)
    twins = ConfusablePair.objects.filter(first=first, second=second).exists()
    return keys[1] if twins and decision.margin < margin(decision.samples, confusable=True) else None


def _asked_before(session: Session, question: UncertainTrack, missing: UUID, camera: str) -> bool:
    rows = list(Review.objects.filter(session=session).exclude(sealed_template=None))
    if sum(row.verdict == Review.Verdict.WAITING for row in rows) >= MOST_WAITING:
        return True
    if any((row.camera, row.track) == (camera, question.track) for row in rows):
        return True
    known = [
        (row, rejected_matches.unseal(row.sealed_template, "review", row.pk, session.pk)) for row in rows
    ]
    near = [row for row, face in known if same_face(face, question.template)]
    return not all(_was_the_other(row, question.decision, missing) for row in near)


def _was_the_other(row: Review, decision: Decision, missing: UUID) -> bool:
    """Whether that face was said to be another, and this one is as near to who is missing: it may be the other twin."""
    distances = {UUID(match.id): match.distance for match in decision.candidates}
    other = row.decided_for_id
    if other is None or other == missing:
        return False
    return distances[missing] <= distances.get(other, np.inf) + AS_NEAR


def _undecided(review_id: UUID, student_id: UUID | None, actor: User) -> Review:
    """The review, with session and students locked: no candidate is forgotten, nothing decided, beside this."""
    gone = Refused("no_such_review", _("This face is already decided, or the register is signed."))
    found = Review.objects.filter(pk=review_id).values_list("session", "first", "second").first()
    if found is None:
        raise gone
    session = lock_session(found[0])
    policy.require(actor, Action.MARK, session)
    gallery_versions.lock_students({key for key in (*found[1:], student_id) if key is not None})
    review = Review.objects.select_related("session", "crop").filter(pk=review_id).first()
    if review is None:
        raise gone
    if review.verdict != Review.Verdict.WAITING:
        raise Refused("already", _("Somebody has already decided this."), {"verdict": review.verdict})
    return review


def _mark(review: Review, student_id: UUID, actor: User, now: dt.datetime) -> register.Result:
    candidates = {review.first_id: review.first_distance, review.second_id: review.second_distance}
    distance = candidates.get(student_id)
    crop = None if review.crop is None else blob_store.read(review.crop, owner=review.session_id)
    evidence = None
    if distance is not None and Consent.objects.valid(now).filter(student=student_id).exists():
        evidence = MatchEvidence(distance, None, None, review.samples, 0, SPACE, review.camera, crop)
    return register.mark(
        register.MarkRequest(
            session_id=review.session_id,
            student_id=student_id,
            code=register.ARRIVED,
            source=Source.REVIEW,
            actor=actor,
            now=now,
            seen_at=review.seen_at,
            reason=_("decided by a person") if review.session.was_signed else "",
            evidence=evidence,
        )
    )


def _close(
    review: Review,
    verdict: str,
    student_id: UUID | None,
    actor: User,
    now: dt.datetime,
    *,
    keep_from: Iterable[UUID | None],
) -> None:
    """The verdict stays until the session closes, and the template with it, so that nobody is asked twice."""
    session = lock_session(review.session_id)
    template = rejected_matches.unseal(review.sealed_template, "review", review.pk, session.pk)
    for each in keep_from:
        if each is not None:
            rejected_matches.reject(session=session, student_id=each, template=template, actor=actor, now=now)
    crop, review.crop = review.crop, None
    review.verdict, review.decided_by, review.decided_at = Review.Verdict(verdict), actor, now
    review.decided_for_id = student_id if verdict == Review.Verdict.STUDENT else None
    review.save()
    if crop is not None:
        crop.delete()
    announce_waiting(session)


def announce_waiting(session: Session) -> dict[str, Any]:
    """Publish the `reviews` event, in the caller's transaction: how many wait, without a face or a name."""
    count = Review.objects.filter(Q(session=session), Q(verdict=Review.Verdict.WAITING)).count()
    message = {"type": "reviews", "waiting": count, "version": raise_version(session)}
    broadcast.publish_on_commit(session.pk, message)
    return message


def _shown(row: Review) -> dict[str, Any]:
    pairs = ((row.first, row.first_distance), (row.second, row.second_distance))
    return {
        "id": str(row.pk),
        "seen_at": row.seen_at.isoformat(),
        "camera": row.camera,
        "looks": row.samples,
        "image": f"/api/v1/reviews/{row.pk}/image/",
        "candidates": [
            {
                "student": {"id": str(student.pk), "name": student.name},
                "distance": distance,
                "portrait": f"/api/v1/students/{student.pk}/portrait/",
            }
            for student, distance in pairs
            if student is not None
        ],
    }
