"""The review queue: faces that the camera may not decide, with their candidates, and what a person decides.

Crops and templates are encrypted and deleted when the register is signed. A face that a person rejects for a student
is not matched to that student again in this session, by any of its cameras.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Final, TypedDict
from uuid import UUID

import numpy as np
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from attendance import register
from attendance.calendar.sessions import lock_session
from attendance.core import audit, blob_store, policy
from attendance.core.errors import Refused
from attendance.core.json_types import Id, IdAndName, Moment
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
from attendance.register import MatchEvidence, broadcast, rejected_matches
from attendance.register.description import ReviewsMessage
from attendance.register.versions import raise_version
from recognition.engine.identification.decision import margin
from recognition.engine.identification.rejection import same_face
from recognition.engine.types import SPACE, Array, Decision
from recognition.streams.frame_results import UncertainTrack
from recognition.telemetry.monitor import MONITOR

# A session holds no more undecided faces: a camera in front of a crowd must not fill the table.
MOST_WAITING: Final = 50
# Distances to two students that differ by less do not show which of the two it is.
EQUAL_DISTANCE: Final = 0.02


class ReviewCandidate(TypedDict):
    student: IdAndName
    distance: float
    portrait: str


class ReviewState(TypedDict):
    id: Id
    seen_at: Moment
    camera: str
    looks: int
    image: str
    candidates: list[ReviewCandidate]


def offer(*, session_id: UUID, question: UncertainTrack, camera: str) -> ReviewsMessage | None:
    """Queue the undecided face of a track, once, and return the event for the sockets.

    Return None where there is nothing to ask: the session is not open, a candidate may no longer be recognised in it,
    the candidates are on the premises already, or the same face (by its template) was queued before.
    """
    with transaction.atomic():
        session = lock_session(session_id)
        best, *others = question.decision.candidates
        now = timezone.now()
        if not session.is_open or not _recognisable(session, question.decision, now):
            return None
        missing = _missing(session, question.decision)
        if missing is None or _queued_before(session, question, missing, camera):
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


def waiting(session: Session) -> list[ReviewState]:
    """Return the undecided faces of a session, oldest first; for those who may see faces."""
    rows = (
        Review.objects.filter(session=session, verdict=Review.Verdict.WAITING)
        .select_related("first", "second")
        .order_by("seen_at", "pk")
    )
    return [_review_state(row) for row in rows]


def crop(*, review_id: UUID, actor: User) -> bytes:
    """Return the crop of an undecided face, JPEG. Raises `Refused`."""
    review = Review.objects.select_related("session", "crop").filter(pk=review_id).first()
    if review is None or review.crop is None:
        raise Refused("no_such_review", _("This face is already decided, or the register is signed."))
    policy.require(actor, Action.VIEW_FACES, review.session)
    audit.record_view(actor, "review_viewed", review)
    return blob_store.read(review.crop, owner=review.session_id)


def decide(
    *, review_id: UUID, verdict: str, student_id: UUID | None = None, actor: User, now: dt.datetime
) -> register.Result | None:
    """Store what a person decides: this student, neither, or ignored. Return the mark's result where one is made.

    "student" marks, and rejects the face for the other candidate; "neither" rejects it for both. Raises `Refused`
    where the register does not take the mark; the face stays in the queue.
    """
    with transaction.atomic():
        review = _undecided(review_id, student_id, actor)
        result, rejected = None, [review.first_id, review.second_id]
        if verdict == Review.Verdict.STUDENT:
            if student_id is None:
                raise Refused("student_needed", _("Choose the student."))
            result = _mark(review, student_id, actor, now)
            rejected = [candidate_id for candidate_id in rejected if candidate_id != student_id]
        elif verdict == Review.Verdict.IGNORED:
            rejected = []
        elif verdict != Review.Verdict.NEITHER:
            raise Refused("bad_verdict", _("Use “student”, “neither” or “ignored”."))
        if result is None or not result.refused:
            _close(review, verdict, student_id, actor, now, rejected=rejected)
            return result
    # After the transaction, in which the attempt was counted.
    raise result.refusal()


def _recognisable(session: Session, decision: Decision, now: dt.datetime) -> bool:
    """Return whether all candidates may be recognised in this session now. Waits for withdrawals that are under way."""
    student_ids = {UUID(candidate.id) for candidate in decision.candidates}
    gallery_versions.lock_students(student_ids)
    members = Student.objects.recognisable(now).in_class(session.school_class, session.date)
    return members.filter(pk__in=student_ids).count() == len(student_ids)


def _missing(session: Session, decision: Decision) -> UUID | None:
    """Return the candidate who is not yet on the premises, None where there is none.

    The second candidate counts only where the two are hard to tell apart: of twins, a mark of one says nothing about
    the other.
    """
    student_ids = [UUID(candidate.id) for candidate in decision.candidates]
    marks = Mark.objects.filter(session=session, student__in=student_ids, code__on_premises=OnPremises.YES)
    present = set(marks.values_list("student", flat=True))
    if student_ids[0] not in present:
        return student_ids[0]
    if len(student_ids) == 1 or student_ids[1] in present or decision.margin is None:
        return None
    first, second = sorted(student_ids)
    confusable = ConfusablePair.objects.filter(first=first, second=second).exists()
    return (
        student_ids[1] if confusable and decision.margin < margin(decision.samples, confusable=True) else None
    )


def _queued_before(session: Session, question: UncertainTrack, missing: UUID, camera: str) -> bool:
    """Return whether the queue is full, or held this track or this face before."""
    rows = list(Review.objects.filter(session=session).exclude(sealed_template=None))
    if sum(row.verdict == Review.Verdict.WAITING for row in rows) >= MOST_WAITING:
        return True
    if any((row.camera, row.track) == (camera, question.track) for row in rows):
        return True
    same = [row for row in rows if same_face(_template(row), question.template)]
    return not all(_was_other_twin(row, question.decision, missing) for row in same)


def _template(row: Review) -> Array:
    return rejected_matches.unseal(row.sealed_template, "review", row.pk, row.session_id)


def _was_other_twin(row: Review, decision: Decision, missing: UUID) -> bool:
    """Return whether that face was decided to be another student, and this one is as near to the missing student."""
    distances = {UUID(candidate.id): candidate.distance for candidate in decision.candidates}
    other = row.decided_for_id
    if other is None or other == missing:
        return False
    return distances[missing] <= distances.get(other, np.inf) + EQUAL_DISTANCE


def _undecided(review_id: UUID, student_id: UUID | None, actor: User) -> Review:
    """Return the review, with session and students locked: nothing is erased or decided meanwhile."""
    gone = Refused("no_such_review", _("This face is already decided, or the register is signed."))
    ids = Review.objects.filter(pk=review_id).values_list("session", "first", "second").first()
    if ids is None:
        raise gone
    session_id, *candidate_ids = ids
    session = lock_session(session_id)
    policy.require(actor, Action.MARK, session)
    gallery_versions.lock_students(
        {locked_id for locked_id in (*candidate_ids, student_id) if locked_id is not None}
    )
    review = Review.objects.select_related("session", "crop").filter(pk=review_id).first()
    if review is None:
        raise gone
    if review.verdict != Review.Verdict.WAITING:
        raise Refused("already", _("Somebody has already decided this."), {"verdict": review.verdict})
    return review


def _mark(review: Review, student_id: UUID, actor: User, now: dt.datetime) -> register.Result:
    candidates = {review.first_id: review.first_distance, review.second_id: review.second_distance}
    distance = candidates.get(student_id)
    jpeg = None if review.crop is None else blob_store.read(review.crop, owner=review.session_id)
    evidence = None
    if distance is not None and Consent.objects.valid(now).filter(student=student_id).exists():
        evidence = MatchEvidence(distance, None, None, review.samples, 0, SPACE, review.camera, jpeg)
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
    rejected: Iterable[UUID | None],
) -> None:
    """Store the verdict; it stays with the template until the register is signed, so that nobody is asked twice."""
    session = lock_session(review.session_id)
    template = _template(review)
    for candidate_id in rejected:
        if candidate_id is not None:
            rejected_matches.reject(
                session=session, student_id=candidate_id, template=template, actor=actor, now=now
            )
    blob, review.crop = review.crop, None
    review.verdict, review.decided_by, review.decided_at = Review.Verdict(verdict), actor, now
    review.decided_for_id = student_id if verdict == Review.Verdict.STUDENT else None
    review.save()
    if blob is not None:
        blob.delete()
    announce_waiting(session)


def announce_waiting(session: Session) -> ReviewsMessage:
    """Publish how many faces wait, without face or name, in the caller's transaction. Return the event."""
    count = Review.objects.filter(session=session, verdict=Review.Verdict.WAITING).count()
    message: ReviewsMessage = {"type": "reviews", "waiting": count, "version": raise_version(session)}
    broadcast.publish_on_commit(session.pk, message)
    return message


def _review_state(row: Review) -> ReviewState:
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
            if student is not None and distance is not None
        ],
    }
