"""The review queue: faces that only a person may decide."""

import datetime as dt

import numpy as np
import pytest
from django.utils import timezone

from attendance import register
from attendance.core.errors import Refused
from attendance.live import camera_marks, not_this_student, review_queue
from attendance.models import (
    Blob,
    ConfusablePair,
    Evidence,
    Mark,
    RejectedMatch,
    Review,
    Session,
    Source,
    Student,
)
from attendance.register import rejected_matches, signing
from recognition.engine.identification.rejection import rejected_students
from recognition.engine.types import Array, Decision, Match, State
from recognition.streams.frame_results import UncertainTrack
from tests.world import World, by_hand, vector

pytestmark = pytest.mark.django_db


def question(first: Student, second: Student | None, template: Array, *, track: int = 1) -> UncertainTrack:
    candidates = [Match(str(first.pk), 0.33)]
    if second is not None:
        candidates.append(Match(str(second.pk), 0.35))
    decision = Decision(State.UNCERTAIN, None, 0.33, 0.02, 0.7, 3, tuple(candidates))
    return UncertainTrack(track, decision, template, b"a crop")


def offered(
    world: World, *, template: Array | None = None, camera: str = "front", track: int = 1
) -> Review | None:
    face = vector(1) if template is None else template
    asked = question(world.ann, world.bea, face, track=track)
    before = Review.objects.count()
    event = review_queue.offer(session_id=world.session.pk, question=asked, camera=camera)
    assert (event is not None) == (Review.objects.count() == before + 1)
    return Review.objects.order_by("pk").last() if event is not None else None


def decide(world: World, verdict: str, student: Student | None = None) -> register.Result | None:
    return review_queue.decide(
        review_id=Review.objects.get().pk,
        verdict=verdict,
        student_id=student.pk if student else None,
        actor=world.teacher,
        now=timezone.now(),
    )


def test_uncertain_face_is_queued_encrypted_with_both_candidates(world: World) -> None:
    review = offered(world)
    assert review is not None
    (shown,) = review_queue.waiting(world.session)
    assert [each["student"]["name"] for each in shown["candidates"]] == ["Ann Ash", "Bea Birch"]
    assert [each["distance"] for each in shown["candidates"]] == [0.33, 0.35]
    sealed = bytes(Blob.objects.get(review=review).sealed)
    assert b"a crop" not in sealed
    assert vector(1).tobytes() not in bytes(review.sealed_template or b"")
    assert review_queue.crop(review_id=review.pk, actor=world.teacher) == b"a crop"
    with pytest.raises(Refused, match="access"):
        review_queue.crop(review_id=review.pk, actor=world.other_teacher)


def test_same_face_is_queued_once_for_all_cameras_and_tracks(world: World) -> None:
    assert offered(world)
    near = vector(1) + 0.1 * vector(2)
    assert offered(world, template=near / np.linalg.norm(near), camera="back", track=9) is None
    assert offered(world, template=vector(3), track=2)


def test_face_is_not_queued_for_present_students_or_signed_sessions(world: World) -> None:
    by_hand(world, world.ann)
    assert offered(world) is None
    Mark.objects.update(code=None)
    Session.objects.update(state=Session.State.SIGNED)
    assert offered(world) is None


def test_review_queue_has_a_limit(world: World) -> None:
    for track in range(review_queue.MOST_WAITING):
        assert offered(world, template=vector(100 + track), track=track)
    assert offered(world, template=vector(99), track=99) is None


def test_decision_for_a_student_marks_and_rejects_the_other(world: World) -> None:
    offered(world)
    result = decide(world, "student", world.bea)
    assert result is not None
    assert result.written
    mark = Mark.objects.get()
    assert (mark.student_id, mark.source, mark.marked_by) == (world.bea.pk, Source.REVIEW, world.teacher)
    evidence = Evidence.objects.get(event__mark=mark)
    assert (evidence.distance, evidence.samples) == (0.35, 3)
    assert evidence.crop is not None
    assert [block.student_id for block in RejectedMatch.objects.all()] == [world.ann.pk]
    assert not Blob.objects.filter(kind=Blob.Kind.REVIEW).exists()
    assert review_queue.waiting(world.session) == []


def test_decision_neither_rejects_the_face_for_both(world: World) -> None:
    offered(world)
    assert decide(world, "neither") is None
    standing = rejected_matches.of_session(world.session)
    assert rejected_students(vector(1), standing) == {str(world.ann.pk), str(world.bea.pk)}
    assert rejected_students(vector(2), standing) == frozenset()
    assert not Mark.objects.exists()


def test_decision_ignored_rejects_nobody_and_is_not_repeated(world: World) -> None:
    offered(world)
    decide(world, "ignored")
    assert not RejectedMatch.objects.exists()
    assert offered(world, track=5) is None


def test_review_steps_raise_the_version_by_one(world: World) -> None:
    world.session.refresh_from_db()
    before = world.session.version
    offered(world)
    world.session.refresh_from_db()
    assert world.session.version == before + 1
    decide(world, "neither")
    world.session.refresh_from_db()
    assert world.session.version == before + 2


def test_decision_that_is_invalid_is_refused(world: World) -> None:
    offered(world)
    with pytest.raises(Refused) as refused:
        decide(world, "perhaps")
    assert refused.value.code == "bad_verdict"
    with pytest.raises(Refused) as refused:
        decide(world, "student")
    assert refused.value.code == "student_needed"
    review = Review.objects.get()
    with pytest.raises(Refused) as refused:
        review_queue.decide(
            review_id=review.pk, verdict="neither", actor=world.other_teacher, now=timezone.now()
        )
    assert refused.value.code == "not_allowed"
    assert Review.objects.get().verdict == Review.Verdict.WAITING
    decide(world, "ignored")
    with pytest.raises(Refused) as refused:
        decide(world, "neither")
    assert refused.value.code == "already"


def test_signing_deletes_reviews(world: World) -> None:
    offered(world)
    offered(world, template=vector(7), track=2)
    review_queue.decide(
        review_id=Review.objects.order_by("pk")[0].pk,
        verdict="neither",
        actor=world.teacher,
        now=timezone.now(),
    )
    signing.sign(
        session_id=world.session.pk, actor=world.teacher, now=timezone.now() + dt.timedelta(minutes=1)
    )
    assert not Review.objects.exists()
    assert not RejectedMatch.objects.exists()
    assert not Blob.objects.filter(kind=Blob.Kind.REVIEW).exists()


def test_rejection_removes_the_mark_and_rejects_the_face(world: World) -> None:
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
    not_this_student.reject(mark=result.mark, template=vector(4), actor=world.teacher, now=timezone.now())
    assert Mark.objects.get().code is None
    assert rejected_students(vector(4), rejected_matches.of_session(world.session)) == {str(world.cem.pk)}


def test_rules_contain_confusable_pairs(world: World) -> None:
    first, second = sorted((world.ann, world.cem), key=lambda student: student.pk)
    ConfusablePair.objects.create(first=first, second=second, distance=0.2)
    assert camera_marks.rules(world.session, visitors=False).confusable == {
        frozenset((str(first.pk), str(second.pk)))
    }


def twins(world: World) -> None:
    """Make Ann and Bea a confusable pair."""
    first, second = sorted((world.ann, world.bea), key=lambda student: student.pk)
    ConfusablePair.objects.create(first=first, second=second, distance=0.2)


def near(template: Array, seed: int) -> Array:
    moved = template + 0.15 * vector(seed)
    return np.asarray(moved / np.linalg.norm(moved), np.float32)


def between(world: World, distances: tuple[float, float], template: Array, *, track: int) -> UncertainTrack:
    """Return a face that may be Ann or Bea, Ann first."""
    candidates = tuple(
        Match(str(student.pk), distance)
        for student, distance in zip((world.ann, world.bea), distances, strict=True)
    )
    margin = distances[1] - distances[0]
    decision = Decision(State.UNCERTAIN, None, distances[0], margin, 0.7, 3, candidates)
    return UncertainTrack(track, decision, template, b"a crop")


def ask(world: World, asked: UncertainTrack, camera: str = "front") -> bool:
    return review_queue.offer(session_id=world.session.pk, question=asked, camera=camera) is not None


def test_face_is_queued_for_the_missing_twin(world: World) -> None:
    twins(world)
    assert ask(world, between(world, (0.20, 0.28), vector(1), track=1))
    assert decide(world, "student", world.ann)
    # Bea's face is as near to Ann's as twins are, and blocked for her since.
    assert ask(world, between(world, (0.27, 0.21), near(vector(1), 2), track=2))
    second = Review.objects.get(verdict=Review.Verdict.WAITING)
    review_queue.decide(
        review_id=second.pk,
        verdict="student",
        student_id=world.bea.pk,
        actor=world.teacher,
        now=timezone.now(),
    )
    assert set(Mark.objects.values_list("student", flat=True)) == {world.ann.pk, world.bea.pk}
    # Both are here: nothing is left to ask.
    assert not ask(world, between(world, (0.27, 0.21), near(vector(1), 3), track=3))


def test_face_is_not_queued_for_the_present_twin(world: World) -> None:
    twins(world)
    assert ask(world, between(world, (0.20, 0.28), vector(1), track=1))
    decide(world, "student", world.ann)
    assert not ask(world, between(world, (0.21, 0.29), near(vector(1), 2), track=2))
    # The very track that was asked about, however it wavers.
    assert not ask(world, between(world, (0.25, 0.24), near(vector(1), 3), track=1))


def test_face_is_not_queued_for_classmates_who_are_no_twins(world: World) -> None:
    assert ask(world, between(world, (0.20, 0.28), vector(1), track=1))
    decide(world, "student", world.ann)
    assert not ask(world, between(world, (0.27, 0.21), near(vector(1), 2), track=2))


def test_face_decided_as_neither_twin_is_not_queued_again(world: World) -> None:
    twins(world)
    assert ask(world, between(world, (0.20, 0.28), vector(1), track=1))
    decide(world, "neither")
    assert not ask(world, between(world, (0.27, 0.21), near(vector(1), 2), track=2))
