"""The rules of `register.mark`, the only function that writes marks, and of signing."""

from __future__ import annotations

import datetime as dt
from typing import Any
from uuid import uuid4

import pytest
from django.utils import timezone

from attendance import register
from attendance.core.errors import Refused
from attendance.models import (
    Attempt,
    AttendanceCode,
    Blob,
    Category,
    Evidence,
    Mark,
    MarkEvent,
    RejectedMatch,
    Review,
    Session,
    Signature,
    Source,
    Student,
)
from attendance.register import ARRIVED, MatchEvidence, Outcome, Result, signing
from tests.world import World, consent

pytestmark = pytest.mark.django_db


def mark(world: World, student: Student, letter: str | None = "/", **changes: Any) -> Result:
    arguments: dict[str, Any] = {"source": Source.TEACHER, "actor": world.teacher, "now": world.now}
    arguments |= changes
    return register.mark(
        register.MarkRequest(session_id=world.session.pk, student_id=student.pk, code=letter, **arguments)
    )


def by_camera(world: World, student: Student, **changes: Any) -> Result:
    return mark(world, student, ARRIVED, source=Source.CAMERA, **changes)


def version(world: World) -> int:
    return Session.objects.get(pk=world.session.pk).version


def test_camera_marks_a_student_present_with_evidence(world: World) -> None:
    seen = MatchEvidence(0.29, 0.2, 0.99, 4, 3, "space", "back", b"jpeg")
    result = by_camera(world, world.ann, evidence=seen)
    assert result.outcome is Outcome.CREATED
    assert result.mark is not None
    assert (result.mark.letter, result.mark.revision) == ("/", 1)
    evidence = Evidence.objects.get(event=result.event)
    assert (evidence.distance, evidence.samples, evidence.camera) == (0.29, 4, "back")
    assert evidence.expires_at - world.now == dt.timedelta(days=30)
    assert evidence.crop is not None
    assert version(world) == result.version == 1


def test_student_seen_again_is_counted_and_not_marked_again(world: World) -> None:
    first = by_camera(world, world.ann)
    later = world.now + dt.timedelta(minutes=3)
    again = [by_camera(world, world.ann, now=later) for _ in range(3)]
    assert {result.outcome for result in again} == {Outcome.ALREADY}
    attempt = Attempt.objects.get()
    assert (attempt.reason, attempt.count, attempt.last_at) == ("already_marked", 3, later)
    assert version(world) == first.version
    assert MarkEvent.objects.count() == 1


@pytest.mark.parametrize("letter", ["I", "N", None])
def test_camera_does_not_overwrite_a_person(world: World, letter: str | None) -> None:
    mark(world, world.ann, "/")
    mark(world, world.ann, letter)
    result = by_camera(world, world.ann)
    assert (result.outcome, result.reason) == (Outcome.REFUSED, "contradicts")
    assert Mark.objects.get().letter == letter
    assert Attempt.objects.get().reason == "contradicts"


def test_person_overwrites_the_camera(world: World) -> None:
    by_camera(world, world.ann)
    result = mark(world, world.ann, "N")
    assert (result.outcome, Mark.objects.get().letter) == (Outcome.CHANGED, "N")
    event = MarkEvent.objects.get(revision=2)
    assert (event.from_letter, event.to_letter, event.actor) == ("/", "N", world.teacher)
    categories = (event.from_category, event.to_category)
    assert categories == (Category.PRESENT, Category.UNAUTHORISED)


@pytest.mark.parametrize(
    ("minutes", "letter", "late"),
    [(0, "/", None), (10, "/", None), (11, "L", 11), (40, "L", 40)],
)
def test_arrival_is_late_after_the_schools_minutes(
    world: World, minutes: int, letter: str, late: int | None
) -> None:
    seen_at = world.session.starts_at + dt.timedelta(minutes=minutes)
    result = by_camera(world, world.ann, seen_at=seen_at, now=seen_at)
    assert result.mark is not None
    assert (result.mark.letter, result.mark.minutes_late) == (letter, late)


def test_punctual_student_stays_punctual_when_marked_arrived_later(world: World) -> None:
    by_camera(world, world.ann)
    result = mark(world, world.ann, ARRIVED, now=world.now + dt.timedelta(minutes=40))
    assert result.outcome is Outcome.ALREADY
    assert Mark.objects.get().letter == "/"


def test_amendment_weeks_later_has_no_minutes_late(world: World) -> None:
    signing.sign(session_id=world.session.pk, actor=world.teacher, now=world.now)
    later = world.now + dt.timedelta(days=40)
    result = mark(world, world.ann, "L", now=later, reason="Was at the dentist's, came late")
    assert result.mark is not None
    assert (result.mark.letter, result.mark.minutes_late, result.mark.first_seen_at) == ("L", None, None)


@pytest.mark.parametrize(
    ("who", "reason"), [("eve", Attempt.Reason.NOT_A_MEMBER), ("dan", Attempt.Reason.NO_CONSENT)]
)
def test_camera_mark_without_membership_or_consent_is_refused(world: World, who: str, reason: str) -> None:
    result = by_camera(world, getattr(world, who))
    assert (result.outcome, result.reason) == (Outcome.REFUSED, reason)
    assert Mark.objects.count() == 0
    assert Attempt.objects.get().reason == reason


def test_student_without_consent_is_marked_by_hand(world: World) -> None:
    assert mark(world, world.dan).written


def test_camera_mark_with_expired_consent_is_refused(world: World) -> None:
    yesterday = timezone.localdate() - dt.timedelta(days=1)
    consent(world.dan, expires_on=yesterday)
    assert by_camera(world, world.dan).reason == "no_consent"


def test_camera_mark_in_a_signed_session_is_refused(world: World) -> None:
    signing.sign(session_id=world.session.pk, actor=world.teacher, now=world.now)
    assert by_camera(world, world.ann).reason == "session_closed"


def test_amendment_of_a_signed_register_needs_a_reason(world: World) -> None:
    signing.sign(session_id=world.session.pk, actor=world.teacher, now=world.now)
    with pytest.raises(Refused) as refusal:
        mark(world, world.ann)
    assert refusal.value.code == "reason_needed"
    assert mark(world, world.ann, reason="Came in by the back door").written


@pytest.mark.parametrize("source", [Source.CAMERA, Source.TEACHER])
@pytest.mark.parametrize("wrong", [dt.timedelta(minutes=3), dt.timedelta(days=-1)])
def test_mark_with_a_wrong_clock_is_refused(world: World, source: Source, wrong: dt.timedelta) -> None:
    result = mark(world, world.ann, ARRIVED, source=source, seen_at=world.now + wrong)
    assert (result.outcome, result.reason) == (Outcome.REFUSED, "doubtful_clock")
    assert Mark.objects.count() == 0


@pytest.mark.parametrize("wrong", [dt.timedelta(hours=1), dt.timedelta(hours=-1)])
def test_mark_sent_later_with_a_wrong_clock_is_refused(world: World, wrong: dt.timedelta) -> None:
    ago = world.now - dt.timedelta(minutes=90)
    result = mark(world, world.ann, ARRIVED, seen_at=ago + wrong, sent_at=world.now + wrong)
    assert (result.outcome, result.reason) == (Outcome.REFUSED, "doubtful_clock")
    assert mark(world, world.ann, ARRIVED, seen_at=ago, sent_at=world.now).written


def test_repeated_nonce_changes_nothing(world: World) -> None:
    first = mark(world, world.ann, "N", nonce="n1")
    mark(world, world.ann, "/")
    again = mark(world, world.ann, "N", nonce="n1")
    assert (again.outcome, again.reason, again.event) == (Outcome.ALREADY, "repeated", first.event)
    assert Mark.objects.get().letter == "/"


def test_nonce_of_another_mark_or_too_long_is_refused(world: World) -> None:
    mark(world, world.ann, nonce="n1")
    with pytest.raises(Refused) as refusal:
        mark(world, world.bea, nonce="n1")
    assert refusal.value.code == "nonce_reused"
    with pytest.raises(Refused) as refusal:
        mark(world, world.bea, nonce="x" * 65)
    assert refusal.value.code == "bad_nonce"


def test_mark_with_an_old_revision_is_a_conflict(world: World) -> None:
    mark(world, world.ann, "/", revision=0)
    late = mark(world, world.ann, "N", revision=0)
    assert (late.outcome, late.reason) == (Outcome.REFUSED, "conflict")
    assert late.mark is not None
    assert late.mark.letter == "/"
    assert mark(world, world.ann, "N", revision=1).written


def test_undone_mark_keeps_its_row_without_first_seen(world: World) -> None:
    by_camera(world, world.ann)
    mark(world, world.ann, None)
    row = Mark.objects.get()
    assert (row.letter, row.first_seen_at, row.revision) == (None, None, 2)
    assert mark(world, world.ann, None).outcome is Outcome.ALREADY
    assert mark(world, world.bea, None).outcome is Outcome.ALREADY
    assert Mark.objects.count() == 1


def test_note_alone_is_a_change(world: World) -> None:
    mark(world, world.ann, "I")
    assert mark(world, world.ann, "I", note=" rang at eight ").outcome is Outcome.CHANGED
    assert Mark.objects.get().note == "rang at eight"
    assert mark(world, world.ann, "I", note="rang at eight").outcome is Outcome.ALREADY


def test_code_of_the_office_is_refused_for_teachers(world: World) -> None:
    with pytest.raises(Refused) as refusal:
        mark(world, world.ann, "C")
    assert refusal.value.code == "code_of_the_office"
    assert mark(world, world.ann, "C", actor=world.registrar, source=Source.ADMIN).written


def test_mark_of_unknown_student_session_or_code_is_refused(world: World) -> None:
    for change, code in (
        ({"student_id": uuid4()}, "no_such_student"),
        ({"session_id": uuid4()}, "no_such_session"),
        ({"code": "Q"}, "no_such_code"),
    ):
        arguments: dict[str, Any] = {
            "session_id": world.session.pk,
            "student_id": world.ann.pk,
            "code": "/",
        } | change
        with pytest.raises(Refused) as refusal:
            register.mark(
                register.MarkRequest(source=Source.TEACHER, actor=world.teacher, now=world.now, **arguments)
            )
        assert refusal.value.code == code


@pytest.mark.parametrize("who", ["other_teacher", "viewer"])
def test_mark_without_right_is_refused(world: World, who: str) -> None:
    with pytest.raises(Refused) as refusal:
        mark(world, world.ann, actor=getattr(world, who))
    assert refusal.value.code == "not_allowed"


def test_signing_marks_unmarked_students_absent(world: World) -> None:
    by_camera(world, world.ann)
    signing.sign(session_id=world.session.pk, actor=world.teacher, now=world.now, unmarked="N")
    letters = {row.student_id: (row.letter, row.source) for row in Mark.objects.all()}
    assert letters[world.ann.pk] == ("/", "camera")
    assert {letters[student.pk] for student in (world.bea, world.cem, world.dan)} == {("N", "signing")}
    assert Session.objects.get(pk=world.session.pk).state == "signed"


def test_signing_twice_changes_nothing(world: World) -> None:
    signing.sign(session_id=world.session.pk, actor=world.teacher, now=world.now)
    before = version(world)
    signing.sign(session_id=world.session.pk, actor=world.teacher, now=world.now, unmarked="N")
    assert (version(world), Mark.objects.count()) == (before, 0)


def test_signing_that_fails_leaves_the_session_open(world: World) -> None:
    with pytest.raises(Refused):
        signing.sign(session_id=world.session.pk, actor=world.teacher, now=world.now, unmarked="C")
    assert Session.objects.get(pk=world.session.pk).is_open
    assert Mark.objects.count() == 0


def test_signing_deletes_undecided_faces(world: World) -> None:
    crop = Blob.objects.create(kind=Blob.Kind.REVIEW, sealed=b"x")
    Review.objects.create(
        session=world.session,
        crop=crop,
        first=world.ann,
        first_distance=0.3,
        samples=2,
        track=1,
        seen_at=world.now,
    )
    RejectedMatch.objects.create(
        session=world.session, student=world.ann, sealed_template=b"x", rejected_at=world.now
    )
    signing.sign(session_id=world.session.pk, actor=world.teacher, now=world.now)
    assert (Review.objects.count(), RejectedMatch.objects.count(), Blob.objects.count()) == (0, 0, 0)


def test_signed_register_is_reopened_with_a_reason_and_keeps_its_signature(world: World) -> None:
    mark(world, world.ann)
    signing.sign(session_id=world.session.pk, actor=world.teacher, now=world.now)
    arguments: dict[str, Any] = {"session_id": world.session.pk, "actor": world.teacher}
    later = world.now + dt.timedelta(minutes=1)
    with pytest.raises(Refused) as refusal:
        signing.reopen(reason=" ", now=later, **arguments)
    assert refusal.value.code == "reason_needed"
    again = signing.reopen(reason="signed too early", now=later, **arguments)
    assert (again.is_open, again.was_signed) == (True, True)
    assert again.opened_at == world.session.opened_at
    first, second = Signature.objects.all()
    assert (first.act, second.act, second.reason) == ("signed", "reopened", "signed too early")
    marks = {row["name"]: row["mark"] for row in first.snapshot["students"]}
    assert (marks["Ann Ash"]["code"], marks["Bea Birch"]) == ("/", None)
    assert all(row.hmac == signing.digest_of(row) for row in (first, second))


def test_change_after_the_first_signature_needs_a_reason(world: World) -> None:
    signing.sign(session_id=world.session.pk, actor=world.teacher, now=world.now)
    signing.reopen(session_id=world.session.pk, actor=world.teacher, now=world.now, reason="too early")
    with pytest.raises(Refused) as refusal:
        mark(world, world.ann)
    assert refusal.value.code == "reason_needed"
    assert mark(world, world.ann, reason="came in").written


def test_changed_signature_does_not_fit_its_digest(world: World) -> None:
    signing.sign(session_id=world.session.pk, actor=world.teacher, now=world.now, unmarked="N")
    signature = Signature.objects.get()
    signature.snapshot["students"][0]["mark"]["code"] = "/"
    assert signature.hmac != signing.digest_of(signature)


def test_remaining_students_are_marked_if_their_number_is_as_expected(world: World) -> None:
    mark(world, world.ann)
    arguments: dict[str, Any] = {"session_id": world.session.pk, "code": "/", "actor": world.teacher}
    with pytest.raises(Refused) as refusal:
        signing.mark_remaining(expected=4, now=world.now, **arguments)
    assert (refusal.value.code, refusal.value.extra) == ("conflict", {"unmarked": 3})
    assert len(signing.mark_remaining(expected=3, now=world.now, **arguments)) == 3
    assert signing.unmarked_students(world.session) == []


def test_codes_of_a_new_school_have_their_statuses(world: World) -> None:
    letters = {code.letter: code.status for code in AttendanceCode.objects.active()}
    assert (letters["/"], letters["L"], letters["N"]) == ("present", "late", "absent")
