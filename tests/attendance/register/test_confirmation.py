"""Signing does what the person confirmed: the unmarked students that they saw, or nothing."""

from __future__ import annotations

from typing import Any

import pytest

from attendance import register
from attendance.core.errors import Refused
from attendance.models import Mark
from attendance.people import memberships
from tests.world import World, by_hand, student

pytestmark = pytest.mark.django_db


def signed_as_seen(world: World, **wanted: Any) -> Any:
    seen = [each.pk for each in world.students]
    return register.sign(
        session_id=world.session.pk, actor=world.teacher, now=world.now, students=seen, **wanted
    )


@pytest.mark.parametrize("unmarked", ["N", None])
def test_a_student_who_joined_meanwhile_is_a_conflict_with_or_without_a_code(
    world: World, unmarked: str | None
) -> None:
    zoe = student("Zoe Yew")
    memberships.add(
        student_id=zoe.pk,
        class_id=world.school_class.pk,
        starts_on=world.session.date,
        actor=world.registrar,
    )
    with pytest.raises(Refused) as refusal:
        signed_as_seen(world, unmarked=unmarked)
    assert refusal.value.code == "conflict"
    assert refusal.value.extra == {
        "unmarked": 5,
        "added": [{"id": str(zoe.pk), "name": "Zoe Yew"}],
        "removed": [],
    }
    world.session.refresh_from_db()
    assert world.session.is_open
    assert not Mark.objects.exists()


def test_as_many_others_are_a_conflict_too(world: World) -> None:
    zoe = student("Zoe Yew")
    memberships.add(
        student_id=zoe.pk,
        class_id=world.school_class.pk,
        starts_on=world.session.date,
        actor=world.registrar,
    )
    by_hand(world, world.ann)
    with pytest.raises(Refused) as refusal:
        signed_as_seen(world, unmarked="N")
    extra = refusal.value.extra
    assert ([each["name"] for each in extra["added"]], [each["name"] for each in extra["removed"]]) == (
        ["Zoe Yew"],
        ["Ann Ash"],
    )
    with pytest.raises(Refused) as refusal:
        register.mark_remaining(
            session_id=world.session.pk,
            code="/",
            expected=4,
            students=[each.pk for each in world.students],
            actor=world.teacher,
            now=world.now,
        )
    assert refusal.value.code == "conflict"


def test_the_register_that_was_seen_is_signed(world: World) -> None:
    assert signed_as_seen(world, unmarked="N").is_signed
    assert set(Mark.objects.values_list("code__letter", flat=True)) == {"N"}
