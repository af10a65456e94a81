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
from attendance.register import state
from attendance.register.evidence import MatchEvidence
from recognition.engine.types import SPACE
from tests.world import World, consent, photograph, student, vector

pytestmark = pytest.mark.django_db


def queries(world: World, user: Any) -> int:
    with CaptureQueriesContext(
        connection,
    ) as captured:
        state.register_state(world.session, user=user)
    return len(captured)


def mark(world: World, student: Any, letter: str, source: Source = Source.TEACHER, **given: Any) -> None:
    register.mark(
        register.MarkRequest(
            session_id=world.session.pk,
            student_id=student.pk,
            code=letter,
            source=source,
            actor=world.teacher,
            now=world.now,
            **given,
        )
    )


def test_the_state_tells_who_is_here_and_who_may_be_recognised(world: World) -> None:
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
    assert [each["name"] for each in (ann, bea, cem, dan)] == [each.name for each in world.students]
    assert [each["recognisable"] for each in (ann, bea, cem, dan)] == [True, False, False, False]
    assert [each["photographs"] for each in (ann, bea, cem, dan)] == [1, 0, 0, 1]
    by_hand = [None, "no_photograph", "no_photograph", "no_consent"]
    assert [each["by_hand"] for each in (ann, bea, cem, dan)] == by_hand
    assert ann["portrait"] == f"/api/v1/students/{world.ann.pk}/portrait/"
    assert bea["portrait"] is None
    assert ann["mark"] is not None
    assert bea["mark"] is not None
    assert (ann["mark"]["code"], ann["mark"]["source"], ann["mark"]["evidence"]) == ("/", "camera", True)
    assert (bea["mark"]["status"], bea["mark"]["note"], bea["mark"]["by"]) == ("excused", "rang", "teacher")
    assert cem["mark"] is None
    assert len(shown["codes"]) == AttendanceCode.objects.count()


def test_contradictions_and_visitors_are_shown(world: World) -> None:
    mark(world, world.ann, "I")
    for _ in range(2):
        mark(world, world.ann, register.ARRIVED, Source.CAMERA)
    mark(world, world.eve, register.ARRIVED, Source.CAMERA)
    shown = state.register_state(world.session, user=world.teacher)
    told = {(each["student"]["name"], each["reason"]): each["count"] for each in shown["attempts"]}
    assert told == {("Ann Ash", "contradicts"): 2, ("Eve Elm", "not_a_member"): 1}


def test_an_undone_mark_counts_as_unmarked(world: World) -> None:
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
def test_devices_and_viewers_see_no_portraits(world: World, who: str | None) -> None:
    photograph(world.ann, vector(1))
    user = getattr(world, who) if who else None
    shown = state.register_state(world.session, user=user)
    assert {each["portrait"] for each in shown["students"]} == {None}


def test_a_mark_stays_in_sight_when_its_student_leaves_the_class(world: World) -> None:
    mark(world, world.ann, "/")
    Membership.objects.filter(student=world.ann).delete()
    shown = state.register_state(world.session, user=world.teacher)
    assert shown["students"][0]["name"] == "Ann Ash"


def test_who_withdrew_is_not_recognisable_any_more(world: World) -> None:
    photograph(world.ann, vector(1))
    consents.withdraw(student_id=world.ann.pk, actor=world.registrar, now=world.now)
    shown = state.register_state(world.session, user=world.teacher)
    assert (shown["students"][0]["recognisable"], shown["students"][0]["portrait"]) == (False, None)


def test_a_photograph_that_no_gallery_can_use_must_be_made_again(world: World) -> None:
    photograph(world.ann, vector(1)).templates.all().delete()
    shown = state.register_state(world.session, user=world.teacher)
    assert shown["students"][0]["by_hand"] == "photograph_again"
    assert not shown["students"][0]["recognisable"]


def test_waiting_reviews_are_counted(world: World) -> None:
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
def test_reading_costs_the_same_for_thirty_as_for_four(world: World, who: str) -> None:
    user = getattr(world, who)
    mark(world, world.ann, "/")
    before = queries(world, user)
    for number in range(30):
        each = student(f"Student {number:02}")
        Membership.objects.create(
            student=each, school_class=world.school_class, starts_on=timezone.localdate()
        )
        consent(each)
        photograph(each, vector(number))
        mark(world, each, "/" if number % 2 else "I")
        mark(world, each, register.ARRIVED, Source.CAMERA)
    assert queries(world, user) == before <= 8
