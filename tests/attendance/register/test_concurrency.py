"""Two cameras and a teacher at once: real connections, real locks."""

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
from attendance.register import ARRIVED, Outcome
from tests.world import World, open_session, photograph, vector

pytestmark = pytest.mark.django_db(transaction=True)

Answer = object


def at_once(*calls: Callable[[], Any]) -> list[Any]:
    """Run all calls at the same moment, each on its own connection; answers, or the refusals' codes, in order."""
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
    world: World, letter: str = ARRIVED, source: Source = Source.CAMERA, **given: Any
) -> Callable[[], Any]:
    wanted: dict[str, Any] = {
        "session_id": world.session.pk,
        "student_id": world.ann.pk,
        "actor": None,
        "now": world.now,
    } | given
    return lambda: register.mark(register.MarkRequest(code=letter, source=source, **wanted))


def test_two_cameras_and_a_teacher_mark_one_student_at_once(world: World) -> None:
    teacher = marking(world, "I", Source.TEACHER, actor=world.teacher)
    answers = at_once(*[marking(world)] * 4, teacher, *[marking(world)] * 4)
    assert Mark.objects.get().letter == "I"
    written = [answer for answer in answers if answer.written]
    assert len(written) == MarkEvent.objects.count() <= 2
    counted = sum(Attempt.objects.values_list("count", flat=True))
    assert counted == len(answers) - len(written)
    assert Session.objects.get(pk=world.session.pk).version == len(written)
    revisions = sorted(MarkEvent.objects.values_list("revision", flat=True))
    assert revisions == list(range(1, len(written) + 1))


def test_versions_rise_by_one_whoever_writes(world: World) -> None:
    calls = [
        marking(world, student_id=student.pk, source=Source.TEACHER, actor=world.teacher)
        for student in world.students
    ]
    answers = at_once(*calls)
    assert sorted(answer.version for answer in answers) == [1, 2, 3, 4]


def test_a_nonce_sent_twice_at_once_is_stored_once(world: World) -> None:
    call = marking(world, "/", Source.TEACHER, actor=world.teacher, nonce="n1")
    outcomes = [answer.outcome for answer in at_once(*[call] * 6)]
    assert outcomes.count(Outcome.CREATED) == 1
    assert outcomes.count(Outcome.ALREADY) == 5
    assert MarkEvent.objects.count() == 1


def test_a_nonce_used_for_two_sessions_at_once_serves_one(world: World) -> None:
    other = open_session(world.school_class, world.now, minutes_ago=7)
    calls = [
        marking(world, "/", Source.TEACHER, actor=world.teacher, nonce="n1", session_id=session.pk)
        for session in (world.session, other)
    ]
    answers = at_once(*calls)
    assert answers.count("nonce_reused") == 1
    assert MarkEvent.objects.count() == 1


def test_marks_and_closing_at_once_leave_one_truth(world: World) -> None:
    def close() -> Session:
        return register.sign(session_id=world.session.pk, actor=world.teacher, now=world.now, unmarked="N")

    cameras = [marking(world, student_id=student.pk) for student in (world.ann, world.bea, world.cem)]
    at_once(*cameras, close, close, *cameras)
    assert Mark.objects.count() == len(world.students)
    assert set(Mark.objects.values_list("code__letter", flat=True)) <= {"/", "N"}
    assert MarkEvent.objects.count() == Mark.objects.count()


def test_two_teachers_who_start_at_once_get_one_session(world: World) -> None:
    Session.objects.all().delete()

    def start() -> Session:
        return register.start_now(class_id=world.school_class.pk, actor=world.administrator, now=world.now)

    found: Sequence[Session] = at_once(*[start] * 5)
    assert len({session.pk for session in found}) == 1
    assert Session.objects.get().is_open


def test_a_camera_waits_for_a_withdrawal_and_then_marks_nobody(world: World) -> None:
    """The camera asked before COMMIT and is answered after it: it must not go by the consent that stood before."""

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


def test_memberships_added_at_once_do_not_overlap(world: World) -> None:
    start = world.now.date()
    calls = [
        lambda: memberships.add(
            student_id=world.eve.pk, class_id=world.school_class.pk, starts_on=start, actor=world.registrar
        )
    ] * 4
    answers = at_once(*calls)
    assert answers.count("already") == 3
    assert Membership.objects.filter(student=world.eve, school_class=world.school_class).count() == 1


def test_gallery_versions_count_every_change(world: World) -> None:
    before = SchoolClass.objects.get(pk=world.school_class.pk).gallery_version
    calls = [
        lambda each=student: gallery_versions.raise_versions([each.pk]) for student in world.students * 2
    ]
    at_once(*calls)
    assert SchoolClass.objects.get(pk=world.school_class.pk).gallery_version == before + len(calls)


def test_pairs_are_found_once_from_both_sides(world: World) -> None:
    photograph(world.ann, vector(1))
    photograph(world.bea, vector(1))

    def renew(student: Any) -> Callable[[], int]:
        def locked() -> int:
            with transaction.atomic():
                gallery_versions.lock_school()
                return confusable_pairs.update_pairs(student.pk)

        return locked

    assert at_once(renew(world.ann), renew(world.bea), renew(world.ann)) == [1, 1, 1]


def test_failed_logins_at_once_are_all_counted(world: World) -> None:
    from attendance.access import lockout

    at_once(*[lambda: lockout.record_failure("teacher", "10.0.0.1", now=world.now)] * 6)
    assert LoginFailure.objects.get().count == 6
