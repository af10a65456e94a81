"""The whole state of a register, and what it costs to read."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from attendance import register
from attendance.models import AttendanceCode, Membership, Review, Source
from attendance.people import consents
from attendance.register import MatchEvidence, state
from recognition.engine.types import SPACE
from tests.world import World, consent, photograph, student, vector

pytestmark = pytest.mark.django_db


def queries(world: World, user: Any) -> int:
    with CaptureQueriesContext(
        connection,
    ) as captured:
        state.register_state(world.session, user=user)
    return len(captured)


def mark(world: World, student: Any, letter: str, source: Source = Source.TEACHER, **fields: Any) -> None:
    register.mark(
        register.MarkRequest(
            session_id=world.session.pk,
            student_id=student.pk,
            code=letter,
            source=source,
            actor=world.teacher,
            now=world.now,
            **fields,
        )
    )


def test_state_shows_marks_and_who_is_recognisable(world: World) -> None:
    photograph(world.ann, vector(1))
    photograph(world.dan, vector(2))
    mark(
        world, world.ann, register.ARRIVED, Source.CAMERA, evidence=MatchEvidence(0.3, 0.1, 0.9, 3, 1, SPACE)
    )
    mark(world, world.bea, "I", note="rang")
    shown = state.register_state(world.session, user=world.teacher)
    assert shown["type"] == "register"
    assert shown["version"] == 2
    assert shown["counts"] == {
        "expected": 4,
        "present": 1,
        "late": 0,
        "absent": 0,
        "excused": 1,
        "not_expected": 0,
        "unmarked": 2,
    }
    ann, bea, cem, dan = shown["students"]
    assert [student["name"] for student in (ann, bea, cem, dan)] == [
        student.name for student in world.students
    ]
    assert [student["recognisable"] for student in (ann, bea, cem, dan)] == [True, False, False, False]
    assert [student["photographs"] for student in (ann, bea, cem, dan)] == [1, 0, 0, 1]
    by_hand = [None, "no_photograph", "no_photograph", "no_consent"]
    assert [student["by_hand"] for student in (ann, bea, cem, dan)] == by_hand
    assert ann["portrait"] == f"/api/v1/students/{world.ann.pk}/portrait/"
    assert bea["portrait"] is None
    assert ann["mark"] is not None
    assert bea["mark"] is not None
    assert (ann["mark"]["code"], ann["mark"]["source"], ann["mark"]["evidence"]) == ("/", "camera", True)
    assert (bea["mark"]["status"], bea["mark"]["note"], bea["mark"]["by"]) == ("excused", "rang", "teacher")
    assert cem["mark"] is None
    assert len(shown["codes"]) == AttendanceCode.objects.count()


def test_state_shows_contradictions_and_visitors(world: World) -> None:
    mark(world, world.ann, "I")
    for _ in range(2):
        mark(world, world.ann, register.ARRIVED, Source.CAMERA)
    mark(world, world.eve, register.ARRIVED, Source.CAMERA)
    shown = state.register_state(world.session, user=world.teacher)
    counts = {
        (attempt["student"]["name"], attempt["reason"]): attempt["count"] for attempt in shown["attempts"]
    }
    assert counts == {("Ann Ash", "contradicts"): 2, ("Eve Elm", "not_a_member"): 1}


def test_undone_mark_counts_as_unmarked(world: World) -> None:
    mark(world, world.ann, "/")
    register.mark(
        register.MarkRequest(
            session_id=world.session.pk,
            student_id=world.ann.pk,
            code=None,
            source=Source.TEACHER,
            actor=world.teacher,
            now=world.now,
        )
    )
    shown = state.register_state(world.session, user=world.teacher)
    assert shown["counts"]["unmarked"] == 4
    undone = shown["students"][0]["mark"]
    assert undone is not None
    assert undone["code"] is None
    assert undone["status"] is None


@pytest.mark.parametrize("who", ["viewer", None])
def test_state_for_devices_and_viewers_has_no_portraits(world: World, who: str | None) -> None:
    photograph(world.ann, vector(1))
    user = getattr(world, who) if who else None
    shown = state.register_state(world.session, user=user)
    assert {student["portrait"] for student in shown["students"]} == {None}


def test_state_shows_marks_of_students_who_left_the_class(world: World) -> None:
    mark(world, world.ann, "/")
    Membership.objects.filter(student=world.ann).delete()
    shown = state.register_state(world.session, user=world.teacher)
    assert shown["students"][0]["name"] == "Ann Ash"


def test_state_after_withdrawal_shows_not_recognisable(world: World) -> None:
    photograph(world.ann, vector(1))
    consents.withdraw(student_id=world.ann.pk, actor=world.registrar, now=world.now)
    shown = state.register_state(world.session, user=world.teacher)
    assert (shown["students"][0]["recognisable"], shown["students"][0]["portrait"]) == (False, None)


def test_state_asks_for_a_new_photograph_without_usable_template(world: World) -> None:
    photograph(world.ann, vector(1)).templates.all().delete()
    shown = state.register_state(world.session, user=world.teacher)
    assert shown["students"][0]["by_hand"] == "photograph_again"
    assert not shown["students"][0]["recognisable"]


def test_state_counts_waiting_reviews(world: World) -> None:
    for track, verdict in enumerate(("waiting", "neither")):
        Review.objects.create(
            session=world.session,
            first=world.ann,
            first_distance=0.3,
            samples=2,
            track=track,
            seen_at=world.now,
            verdict=verdict,
        )
    assert state.register_state(world.session, user=world.teacher)["reviews"] == 1


@pytest.mark.parametrize("who", ["teacher", "administrator"])
def test_state_takes_the_same_queries_for_thirty_students_as_for_four(world: World, who: str) -> None:
    user = getattr(world, who)
    mark(world, world.ann, "/")
    before = queries(world, user)
    for number in range(30):
        member = student(f"Student {number:02}")
        Membership.objects.create(
            student=member, school_class=world.school_class, starts_on=timezone.localdate()
        )
        consent(member)
        photograph(member, vector(number))
        mark(world, member, "/" if number % 2 else "I")
        mark(world, member, register.ARRIVED, Source.CAMERA)
    assert queries(world, user) == before <= 8
