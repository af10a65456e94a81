"""Students expected on a day: members of the class who have not left before it. All packages use this rule."""

from __future__ import annotations

import datetime as dt

import pytest
from django.test import Client
from django.utils import timezone

from attendance import register
from attendance.admin.sessions import register_of
from attendance.faces import enrolment, templates
from attendance.live import camera_marks
from attendance.models import Mark, Membership, Source, Student
from attendance.people import students
from attendance.register import signing, state
from attendance.register.description import RegisterState
from tests import world as small
from tests.world import World, by_hand, photograph, vector

pytestmark = pytest.mark.django_db


@pytest.fixture
def left(world: World) -> Student:
    """Ann, who left yesterday, while nobody ended her membership."""
    photograph(world.ann, vector(1))
    yesterday = timezone.localdate() - dt.timedelta(days=1)
    return students.change(student_id=world.ann.pk, actor=world.registrar, left_on=yesterday)


def names_in(register_now: RegisterState) -> list[str]:
    return [student["name"] for student in register_now["students"]]


def test_student_who_left_is_on_no_later_register_and_not_marked_absent(world: World, left: Student) -> None:
    assert left.name not in names_in(state.register_state(world.session, user=world.teacher))
    assert left not in signing.unmarked_students(world.session)
    signing.sign(session_id=world.session.pk, actor=world.teacher, now=timezone.now(), unmarked="N")
    assert not Mark.objects.filter(student=left).exists()
    assert Mark.objects.filter(code__letter="N").count() == 3


def test_student_who_left_stays_on_the_register_of_the_last_day(world: World, left: Student) -> None:
    last = small.open_session(world.school_class, timezone.now() - dt.timedelta(days=1))
    assert left.name in names_in(state.register_state(last, user=world.teacher))


def test_mark_stays_when_the_student_leaves(world: World) -> None:
    by_hand(world, world.ann)
    students.change(
        student_id=world.ann.pk,
        actor=world.registrar,
        left_on=timezone.localdate() - dt.timedelta(days=1),
    )
    shown = state.register_state(world.session, user=world.teacher)
    assert world.ann.name in names_in(shown)
    assert register_of(world.session)[-1][0] == world.ann


def test_student_who_left_is_neither_marked_nor_searched_for(world: World, left: Student) -> None:
    assert by_hand(world, left).reason == "not_a_member"
    result = register.mark(
        register.MarkRequest(
            session_id=world.session.pk,
            student_id=left.pk,
            code=register.ARRIVED,
            source=Source.CAMERA,
            actor=None,
            now=timezone.now(),
        )
    )
    assert result.refused
    assert str(left.pk) not in camera_marks.names(world.session)
    members = templates.members(str(world.school_class.pk), timezone.now())
    assert not members.filter(pk=left.pk).exists()


def test_register_shows_left_instead_of_no_consent(world: World) -> None:
    by_hand(world, world.ann)
    photograph(world.ann, vector(1))
    day = timezone.localdate() - dt.timedelta(days=1)
    students.change(student_id=world.ann.pk, actor=world.registrar, left_on=day)
    shown = state.register_state(world.session, user=world.teacher)["students"][0]
    assert (shown["by_hand"], shown["left_on"]) == ("left", day.isoformat())
    verdict = enrolment.enrol(student_id=world.ann.pk, data=b"", actor=world.registrar, now=timezone.now())
    assert f"left on {day}" in verdict.message


def test_lists_and_counts_leave_out_students_who_left(world: World, left: Student) -> None:
    office, teacher = Client(), Client()
    office.force_login(world.registrar)
    teacher.force_login(world.teacher)
    query = {"school_class": str(world.school_class.pk)}
    for client in (office, teacher):
        listed = client.get("/api/v1/students/", query).json()["results"]
        assert len(listed) == 3
    assert client.get(f"/api/v1/classes/{world.school_class.pk}/").json()["students"] == 3
    assert office.get(f"/api/v1/students/{left.pk}/").status_code == 200
    assert Membership.objects.expected(timezone.localdate()).filter(student=left).count() == 0
