"""Memberships of a class."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.utils import timezone

from attendance.models import Student
from attendance.people import memberships
from tests.attendance.refusals import refusal_of
from tests.world import World

pytestmark = pytest.mark.django_db

TODAY = timezone.localdate
DAY = dt.timedelta(days=1)


@pytest.mark.parametrize(
    ("starts", "ends", "code"),
    [(0, None, "already"), (-60, -30, "already"), (-90, -31, ""), (0, -1, "ends_before_it_starts")],
)
def test_membership_that_overlaps_another_is_refused(
    world: World, starts: int, ends: int | None, code: str
) -> None:
    arguments: dict[str, Any] = {
        "student_id": world.ann.pk,
        "class_id": world.school_class.pk,
        "starts_on": TODAY() + starts * DAY,
        "ends_on": None if ends is None else TODAY() + ends * DAY,
        "actor": world.registrar,
    }
    if code:
        assert refusal_of(memberships.add, **arguments) == code
    else:
        assert memberships.add(**arguments).pk


def test_membership_after_an_ended_one_is_added(world: World) -> None:
    memberships.end(
        membership_id=world.ann.memberships.get().pk, ends_on=TODAY() - DAY, actor=world.registrar
    )
    memberships.add(
        student_id=world.ann.pk, class_id=world.school_class.pk, starts_on=TODAY(), actor=world.registrar
    )
    assert Student.objects.in_class(world.school_class, TODAY()).filter(pk=world.ann.pk).exists()
