"""Signing refuses if the unmarked students are no longer those that the person saw."""

from __future__ import annotations

from typing import Any

import pytest

from attendance.core.errors import Refused
from attendance.models import Mark
from attendance.people import memberships
from attendance.register import signing
from tests.world import World, by_hand, student

pytestmark = pytest.mark.django_db


def sign_as_shown(world: World, **changes: Any) -> Any:
    shown = [student.pk for student in world.students]
    return signing.sign(
        session_id=world.session.pk, actor=world.teacher, now=world.now, students=shown, **changes
    )


@pytest.mark.parametrize("unmarked", ["N", None])
def test_signing_after_a_student_joined_is_a_conflict(world: World, unmarked: str | None) -> None:
    zoe = student("Zoe Yew")
    memberships.add(
        student_id=zoe.pk,
        class_id=world.school_class.pk,
        starts_on=world.session.date,
        actor=world.registrar,
    )
    with pytest.raises(Refused) as refusal:
        sign_as_shown(world, unmarked=unmarked)
    assert refusal.value.code == "conflict"
    assert refusal.value.extra == {
        "unmarked": 5,
        "added": [{"id": str(zoe.pk), "name": "Zoe Yew"}],
        "removed": [],
    }
    world.session.refresh_from_db()
    assert world.session.is_open
    assert not Mark.objects.exists()


def test_signing_after_students_were_exchanged_is_a_conflict(world: World) -> None:
    zoe = student("Zoe Yew")
    memberships.add(
        student_id=zoe.pk,
        class_id=world.school_class.pk,
        starts_on=world.session.date,
        actor=world.registrar,
    )
    by_hand(world, world.ann)
    with pytest.raises(Refused) as refusal:
        sign_as_shown(world, unmarked="N")
    extra = refusal.value.extra
    assert ([each["name"] for each in extra["added"]], [each["name"] for each in extra["removed"]]) == (
        ["Zoe Yew"],
        ["Ann Ash"],
    )
    with pytest.raises(Refused) as refusal:
        signing.mark_remaining(
            session_id=world.session.pk,
            code="/",
            expected=4,
            students=[each.pk for each in world.students],
            actor=world.teacher,
            now=world.now,
        )
    assert refusal.value.code == "conflict"


def test_signing_the_register_as_shown_succeeds(world: World) -> None:
    assert sign_as_shown(world, unmarked="N").is_signed
    assert set(Mark.objects.values_list("code__letter", flat=True)) == {"N"}
