"""Concurrent writes on real connections with real locks."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection, transaction

from attendance import register
from attendance.core.errors import Refused
from attendance.faces import confusable_pairs, gallery_versions
from attendance.models import Attempt, LoginFailure, Mark, MarkEvent, Membership, SchoolClass, Session, Source
from attendance.people import consents, memberships
from attendance.register import ARRIVED, Outcome, opening, signing
from tests.world import World, open_session, photograph, vector

pytestmark = pytest.mark.django_db(transaction=True)

Answer = object


def run_concurrently(*calls: Callable[[], Any]) -> list[Any]:
    """Run all calls at the same time, each on its own connection; return the results or codes of refusals in order."""
    gate = threading.Barrier(len(calls))

    def run(call: Callable[[], Any]) -> Any:
        gate.wait(10)
        try:
            return call()
        except Refused as refusal:
            return refusal.code
        finally:
            connection.close()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(run, calls))


def marking(
    world: World, letter: str = ARRIVED, source: Source = Source.CAMERA, **changes: Any
) -> Callable[[], Any]:
    arguments: dict[str, Any] = {
        "session_id": world.session.pk,
        "student_id": world.ann.pk,
        "actor": None,
        "now": world.now,
    } | changes
    return lambda: register.mark(register.MarkRequest(code=letter, source=source, **arguments))


def test_concurrent_marks_of_one_student_leave_the_teachers(world: World) -> None:
    teacher = marking(world, "I", Source.TEACHER, actor=world.teacher)
    answers = run_concurrently(*[marking(world)] * 4, teacher, *[marking(world)] * 4)
    assert Mark.objects.get().letter == "I"
    written = [answer for answer in answers if answer.written]
    assert len(written) == MarkEvent.objects.count() <= 2
    counted = sum(Attempt.objects.values_list("count", flat=True))
    assert counted == len(answers) - len(written)
    assert Session.objects.get(pk=world.session.pk).version == len(written)
    revisions = sorted(MarkEvent.objects.values_list("revision", flat=True))
    assert revisions == list(range(1, len(written) + 1))


def test_concurrent_marks_raise_the_version_by_one_each(world: World) -> None:
    calls = [
        marking(world, student_id=student.pk, source=Source.TEACHER, actor=world.teacher)
        for student in world.students
    ]
    answers = run_concurrently(*calls)
    assert sorted(answer.version for answer in answers) == [1, 2, 3, 4]


def test_concurrent_repetition_of_a_nonce_is_stored_once(world: World) -> None:
    call = marking(world, "/", Source.TEACHER, actor=world.teacher, nonce="n1")
    outcomes = [answer.outcome for answer in run_concurrently(*[call] * 6)]
    assert outcomes.count(Outcome.CREATED) == 1
    assert outcomes.count(Outcome.ALREADY) == 5
    assert MarkEvent.objects.count() == 1


def test_concurrent_nonce_of_two_sessions_is_accepted_once(world: World) -> None:
    other = open_session(world.school_class, world.now, minutes_ago=7)
    calls = [
        marking(world, "/", Source.TEACHER, actor=world.teacher, nonce="n1", session_id=session.pk)
        for session in (world.session, other)
    ]
    answers = run_concurrently(*calls)
    assert answers.count("nonce_reused") == 1
    assert MarkEvent.objects.count() == 1


def test_concurrent_marks_and_signing_agree(world: World) -> None:
    def close() -> Session:
        return signing.sign(session_id=world.session.pk, actor=world.teacher, now=world.now, unmarked="N")

    cameras = [marking(world, student_id=student.pk) for student in (world.ann, world.bea, world.cem)]
    run_concurrently(*cameras, close, close, *cameras)
    assert Mark.objects.count() == len(world.students)
    assert set(Mark.objects.values_list("code__letter", flat=True)) <= {"/", "N"}
    assert MarkEvent.objects.count() == Mark.objects.count()


def test_concurrent_starts_get_one_session(world: World) -> None:
    Session.objects.all().delete()

    def start() -> Session:
        return opening.start_now(class_id=world.school_class.pk, actor=world.administrator, now=world.now)

    sessions: Sequence[Session] = run_concurrently(*[start] * 5)
    assert len({session.pk for session in sessions}) == 1
    assert Session.objects.get().is_open


def test_camera_waits_for_a_withdrawal_and_then_marks_nobody(world: World) -> None:
    """A camera that asks before COMMIT and is answered after it must not rely on the withdrawn consent."""

    def camera() -> Any:
        try:
            return marking(world)()
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            consents.withdraw(student_id=world.ann.pk, actor=world.registrar, now=world.now)
            answer = pool.submit(camera)
            with pytest.raises(TimeoutError):
                answer.result(timeout=0.5)
        assert answer.result(timeout=20).reason == "no_consent"
    assert Mark.objects.count() == 0


def test_concurrent_memberships_do_not_overlap(world: World) -> None:
    start = world.now.date()
    calls = [
        lambda: memberships.add(
            student_id=world.eve.pk, class_id=world.school_class.pk, starts_on=start, actor=world.registrar
        )
    ] * 4
    answers = run_concurrently(*calls)
    assert answers.count("already") == 3
    assert Membership.objects.filter(student=world.eve, school_class=world.school_class).count() == 1


def test_concurrent_changes_of_a_gallery_are_all_counted(world: World) -> None:
    before = SchoolClass.objects.get(pk=world.school_class.pk).gallery_version
    calls = [
        lambda member=student: gallery_versions.raise_versions([member.pk]) for student in world.students * 2
    ]
    run_concurrently(*calls)
    assert SchoolClass.objects.get(pk=world.school_class.pk).gallery_version == before + len(calls)


def test_concurrent_updates_store_a_confusable_pair_once(world: World) -> None:
    photograph(world.ann, vector(1))
    photograph(world.bea, vector(1))

    def renew(student: Any) -> Callable[[], int]:
        def locked() -> int:
            with transaction.atomic():
                gallery_versions.lock_school()
                return confusable_pairs.update_pairs(student.pk)

        return locked

    assert run_concurrently(renew(world.ann), renew(world.bea), renew(world.ann)) == [1, 1, 1]


def test_concurrent_failed_logins_are_all_counted(world: World) -> None:
    from attendance.access import lockout

    run_concurrently(*[lambda: lockout.record_failure("teacher", "10.0.0.1", now=world.now)] * 6)
    assert LoginFailure.objects.get().count == 6
