"""Reviews during withdrawals, other decisions, and refusals of the register."""

import datetime as dt
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection, transaction
from django.utils import timezone

from attendance import register
from attendance.access.socket_auth import Principal
from attendance.core.errors import Refused
from attendance.live import camera_marks, not_this_student, review_queue
from attendance.models import (
    Attempt,
    Blob,
    Evidence,
    Mark,
    MarkEvent,
    Membership,
    RejectedMatch,
    Review,
    Source,
)
from attendance.people import consents, memberships
from attendance.register import rejected_matches
from recognition.engine.types import SPACE, Decision, State
from recognition.streams.frame_results import RecognisedTrack
from tests.attendance.register.test_concurrency import run_concurrently
from tests.sockets.test_reviews import offered, question
from tests.world import World, vector

pytestmark = pytest.mark.django_db(transaction=True)


def beside(call: Callable[[], Any], act: Callable[[], object]) -> Any:
    """Run `call` on its own connection while `act` is done but not committed, and check that it waits."""

    def run() -> Any:
        try:
            return call()
        except Refused as refusal:
            return refusal.code
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            act()
            answer: Future[Any] = pool.submit(run)
            with pytest.raises(TimeoutError):
                answer.result(timeout=0.5)
        return answer.result(timeout=20)


def withdraw(world: World, who: str) -> Callable[[], object]:
    return lambda: consents.withdraw(
        student_id=getattr(world, who).pk, actor=world.registrar, now=timezone.now()
    )


def deciding(world: World, verdict: str, who: str | None = None) -> Callable[[], Any]:
    review = Review.objects.get().pk
    return lambda: review_queue.decide(
        review_id=review,
        verdict=verdict,
        student_id=getattr(world, who).pk if who else None,
        actor=world.teacher,
        now=timezone.now(),
    )


@pytest.mark.parametrize("candidate", ["ann", "bea"])
def test_review_is_not_kept_after_a_candidates_withdrawal(world: World, candidate: str) -> None:
    withdraw(world, candidate)()
    assert offered(world) is None
    assert not Review.objects.exists()
    assert not Blob.objects.exists()


@pytest.mark.parametrize("candidate", ["ann", "bea"])
def test_review_waits_for_a_withdrawal_and_keeps_nothing(world: World, candidate: str) -> None:
    asked = question(world.ann, world.bea, vector(1))
    offer = lambda: review_queue.offer(session_id=world.session.pk, question=asked, camera="front")  # noqa: E731
    assert beside(offer, withdraw(world, candidate)) is None
    assert not Review.objects.exists()
    assert not Blob.objects.exists()


def test_review_is_not_kept_for_a_student_who_left_the_class(world: World) -> None:
    membership = Membership.objects.get(student=world.bea)
    yesterday = world.session.date - dt.timedelta(days=1)
    memberships.end(membership_id=membership.pk, ends_on=yesterday, actor=world.registrar)
    assert offered(world) is None
    assert not Blob.objects.exists()


@pytest.mark.parametrize("candidate", ["ann", "bea"])
@pytest.mark.parametrize("verdict", ["student", "neither"])
def test_decision_waits_for_a_withdrawal_and_finds_no_review(
    world: World, verdict: str, candidate: str
) -> None:
    offered(world)
    decide = deciding(world, verdict, "ann" if verdict == "student" else None)
    assert beside(decide, withdraw(world, candidate)) == "no_such_review"
    for kept in (Review, RejectedMatch, Blob, Mark, Evidence):
        assert not kept.objects.exists()


def test_decision_after_expired_consent_marks_without_crop(world: World) -> None:
    offered(world)
    yesterday = world.session.date - dt.timedelta(days=1)
    world.ann.consents.update(expires_on=yesterday)
    assert deciding(world, "student", "ann")().written
    assert Mark.objects.get().student == world.ann
    assert not Evidence.objects.exists()
    assert not Blob.objects.exists()


@pytest.mark.parametrize("verdicts", [("student", "student"), ("student", "neither"), ("neither", "ignored")])
def test_simultaneous_decisions_give_one_decision(world: World, verdicts: tuple[str, str]) -> None:
    offered(world)
    calls = [
        deciding(world, verdict, who if verdict == "student" else None)
        for verdict, who in zip(verdicts, ("ann", "bea"), strict=True)
    ]
    answers = run_concurrently(*calls)
    assert answers.count("already") == 1
    review = Review.objects.get()
    won = review.verdict
    assert won == verdicts[answers.index("already") - 1]
    assert Mark.objects.count() == (won == "student")
    assert RejectedMatch.objects.count() == {"student": 1, "neither": 2, "ignored": 0}[won]
    if won == "student":
        assert (
            Mark.objects.get().student_id == review.decided_for_id != RejectedMatch.objects.get().student_id
        )


def test_decision_refused_by_the_register_leaves_the_review(world: World) -> None:
    offered(world)
    version = world.session.version + 1
    with pytest.raises(Refused) as refused:
        deciding(world, "student", "eve")()
    assert (refused.value.code, refused.value.message) == (
        "not_a_member",
        "The student is not in this class on that day.",
    )
    review = Review.objects.get()
    assert (review.verdict, review.decided_by) == (Review.Verdict.WAITING, None)
    assert review.crop is not None
    assert not RejectedMatch.objects.exists()
    assert not Mark.objects.exists()
    world.session.refresh_from_db()
    assert world.session.version == version
    # What was tried is counted all the same.
    assert Attempt.objects.get().reason == Attempt.Reason.NOT_A_MEMBER
    assert deciding(world, "student", "ann")().written


def test_decision_with_a_wrong_clock_leaves_the_review(world: World) -> None:
    offered(world)
    with pytest.raises(Refused, match="clock") as refused:
        review_queue.decide(
            review_id=Review.objects.get().pk,
            verdict="student",
            student_id=world.ann.pk,
            actor=world.teacher,
            now=timezone.now() - dt.timedelta(minutes=5),
        )
    assert refused.value.code == "doubtful_clock"
    assert Review.objects.get().verdict == Review.Verdict.WAITING
    assert not RejectedMatch.objects.exists()


def seen_by_camera(world: World) -> Mark:
    result = register.mark(
        register.MarkRequest(
            session_id=world.session.pk,
            student_id=world.cem.pk,
            code=register.ARRIVED,
            source=Source.CAMERA,
            actor=None,
            now=timezone.now(),
        )
    )
    assert result.mark is not None
    return result.mark


def test_rejection_leaves_a_mark_changed_meanwhile(world: World) -> None:
    shown = seen_by_camera(world)
    register.mark(
        register.MarkRequest(
            session_id=world.session.pk,
            student_id=world.cem.pk,
            code="L",
            source=Source.TEACHER,
            actor=world.administrator,
            now=timezone.now(),
        )
    )
    with pytest.raises(Refused) as refused:
        not_this_student.reject(mark=shown, template=vector(4), actor=world.teacher, now=timezone.now())
    assert refused.value.code == "conflict"
    assert Mark.objects.get().letter == "L"
    assert not RejectedMatch.objects.exists()


def test_rejection_for_a_student_who_left_keeps_no_face(world: World) -> None:
    shown = seen_by_camera(world)
    Membership.objects.filter(student=world.cem).update(ends_on=world.session.date - dt.timedelta(days=1))
    with pytest.raises(Refused) as refused:
        not_this_student.reject(mark=shown, template=vector(4), actor=world.teacher, now=timezone.now())
    assert refused.value.code == "not_a_member"
    assert Mark.objects.get().letter == "/"
    assert not RejectedMatch.objects.exists()


def test_match_in_flight_is_not_marked_after_a_rejection(world: World) -> None:
    offered(world)
    deciding(world, "neither")()
    near = vector(1) + 0.1 * vector(2)
    decision = Decision(State.RECOGNISED, str(world.ann.pk), 0.2, 0.3, 0.99, 5, ())
    guest = Principal(world.session, world.teacher, None)

    def seen(template: Any) -> RecognisedTrack:
        return RecognisedTrack(1, str(world.ann.pk), decision, 3, template, b"a crop")

    assert camera_marks.mark(guest, seen(near), camera="front", space=SPACE).event is None
    assert not MarkEvent.objects.exists()
    assert Attempt.objects.get().reason == Attempt.Reason.REJECTED
    # Another face is Ann's own, and a person's word needs no face at all.
    assert camera_marks.mark(guest, seen(vector(9)), camera="front", space=SPACE).event is not None
    assert rejected_matches.is_rejected(world.session, world.ann.pk, near)
    assert not rejected_matches.is_rejected(world.session, world.cem.pk, near)
