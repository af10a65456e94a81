"""Contents and versions of galleries."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.utils import timezone

from attendance.faces import gallery_versions, photographs
from attendance.faces.gallery_versions import read_versions
from attendance.live.gallery_source import DatabaseSource
from attendance.models import Photograph, SchoolSettings, Student
from attendance.people import consents, memberships
from attendance.privacy import erasure
from recognition.galleries import SCHOOL
from tests.world import World, photograph, vector

pytestmark = pytest.mark.django_db

TODAY = timezone.localdate
DAY = dt.timedelta(days=1)


def test_gallery_holds_consenting_members_of_the_day(world: World) -> None:
    for number, student in enumerate((world.ann, world.dan, world.eve)):
        photograph(student, vector(number))
    photograph(world.ann, vector(9))
    vectors, owners = DatabaseSource().templates(str(world.school_class.pk))
    assert owners == [str(world.ann.pk)] * 2
    assert {tuple(row) for row in vectors} == {tuple(vector(0)), tuple(vector(9))}
    assert sorted(set(DatabaseSource().templates(SCHOOL)[1])) == sorted(
        [str(world.ann.pk), str(world.eve.pk)]
    )


def test_gallery_leaves_out_students_who_left_the_school_or_the_class(world: World) -> None:
    photograph(world.ann, vector(1))
    photograph(world.bea, vector(2))
    Student.objects.filter(pk=world.bea.pk).update(left_on=TODAY() - DAY)
    membership = world.ann.memberships.get()
    memberships.end(membership_id=membership.pk, ends_on=TODAY() - DAY, actor=world.registrar)
    assert DatabaseSource().templates(str(world.school_class.pk))[1] == []


def test_gallery_leaves_out_a_template_moved_to_another_student(world: World) -> None:
    moved = photograph(world.ann, vector(1))
    Photograph.objects.filter(pk=moved.pk).update(student=world.bea)
    moved.templates.update(student=world.bea)
    photograph(world.cem, vector(2))
    assert DatabaseSource().templates(str(world.school_class.pk))[1] == [str(world.cem.pk)]


def versions(world: World) -> dict[str, int]:
    SchoolSettings.objects.update(visitors_shown=True)
    return read_versions([str(world.school_class.pk), str(world.other_class.pk), SCHOOL])


def test_gallery_versions_hold_the_date_and_take_one_query(
    world: World, django_assert_num_queries: Any
) -> None:
    versions(world)
    with django_assert_num_queries(1):
        versions_read = read_versions([str(world.school_class.pk), str(world.other_class.pk), SCHOOL])
    assert set(versions_read) == {str(world.school_class.pk), str(world.other_class.pk), SCHOOL}
    today = TODAY().toordinal()
    assert {version & (2**gallery_versions.DATE_BITS - 1) for version in versions_read.values()} == {today}
    assert read_versions(["01890000-0000-7000-8000-000000000000"]) == {}


@pytest.mark.parametrize("act", ["consent", "withdraw", "photograph", "remove", "join", "leave", "erase"])
def test_gallery_version_rises_with_every_change(world: World, act: str) -> None:
    kept = photograph(world.ann, vector(1))
    before = versions(world)
    student, actor, now = world.ann.pk, world.registrar, world.now
    acts: dict[str, Any] = {
        "consent": lambda: consents.give(
            student_id=student, given_by="A guardian", given_on=TODAY(), actor=actor, now=now
        ),
        "withdraw": lambda: consents.withdraw(student_id=student, actor=actor, now=now),
        "photograph": lambda: photograph(world.ann, vector(2)),
        "remove": lambda: photographs.remove(photograph_id=kept.pk, actor=actor),
        "join": lambda: memberships.add(
            student_id=world.eve.pk, class_id=world.school_class.pk, starts_on=TODAY(), actor=actor
        ),
        "leave": lambda: memberships.end(
            membership_id=world.ann.memberships.get().pk, ends_on=TODAY(), actor=actor
        ),
        "erase": lambda: erasure.erase(student_id=student, actor=actor, reason="asked for", now=now),
    }
    acts[act]()
    after = versions(world)
    assert after[str(world.school_class.pk)] > before[str(world.school_class.pk)]
    assert after[SCHOOL] > before[SCHOOL]
