"""Classes: adding and changing them, and two of one name."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone

from attendance.models import SchoolClass, Student
from attendance.people import classes, imports, memberships
from attendance.people.imports import Outcome
from tests.attendance.refusals import refusal_of
from tests.world import World

pytestmark = pytest.mark.django_db


@pytest.fixture
def maths(world: World) -> tuple[SchoolClass, SchoolClass]:
    """Two classes of one name, of which the second has Eve in it."""
    first, second = (
        classes.create(actor=world.registrar, name="Maths", external_id=number) for number in ("m1", "m2")
    )
    memberships.add(
        student_id=world.eve.pk, class_id=second.pk, starts_on=timezone.localdate(), actor=world.registrar
    )
    return first, second


def test_two_classes_of_one_name_have_their_own_students(
    world: World, maths: tuple[SchoolClass, SchoolClass]
) -> None:
    first, second = maths
    today = timezone.localdate()
    assert list(Student.objects.in_class(first, today)) == []
    assert list(Student.objects.in_class(second, today)) == [world.eve]
    renamed = classes.change(class_id=first.pk, actor=world.registrar, name="Algebra")
    second.refresh_from_db()
    assert (renamed.name, second.name) == ("Algebra", "Maths")


def test_import_asks_which_of_two_classes_of_one_name_is_meant(
    world: World, maths: tuple[SchoolClass, SchoolClass]
) -> None:
    def plan(name: str) -> imports.PlannedLine:
        (line,) = imports.plan(f"given_name,family_name,class\nZoë,Quill,{name}\n", on=timezone.localdate())
        return line

    by_name, by_number = plan("Maths"), plan("m2")
    assert (by_name.outcome, by_name.joins) == (Outcome.REFUSED, ())
    assert "Maths" in by_name.message
    assert (by_number.outcome, by_number.joins) == (Outcome.NEW, (maths[1].pk,))


def test_class_number_is_unique(world: World, maths: tuple[SchoolClass, SchoolClass]) -> None:
    arguments: dict[str, Any] = {"actor": world.registrar, "external_id": "m1"}
    assert refusal_of(classes.create, name="Physics", **arguments) == "already_there"
    assert refusal_of(classes.change, class_id=maths[1].pk, **arguments) == "already_there"


def test_class_is_changed_by_the_office_only(world: World) -> None:
    arguments: dict[str, Any] = {"class_id": world.school_class.pk, "name": "8 North"}
    assert refusal_of(classes.change, actor=world.teacher, **arguments) == "not_allowed"
