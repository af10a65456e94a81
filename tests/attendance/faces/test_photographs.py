"""Accepted photographs: reading and removing them."""

from __future__ import annotations

from typing import Any

import pytest

from attendance.faces import photographs
from attendance.models import AuditEvent, Blob, Photograph, Template
from tests.attendance.refusals import refusal_of
from tests.world import World, photograph, vector

pytestmark = pytest.mark.django_db


def test_photograph_is_read_by_teachers_of_the_class_and_recorded_once(world: World) -> None:
    kept = photograph(world.ann, vector(1), picture=b"the picture")
    for _ in range(3):
        assert photographs.read(kept, world.teacher) == b"the picture"
    noted = AuditEvent.objects.get(action="photograph_viewed")
    assert (noted.actor, noted.row) == (world.teacher, str(kept.pk))
    for actor in (world.other_teacher, world.viewer):
        assert refusal_of(photographs.read, photograph=kept, actor=actor) == "not_allowed"


def test_removed_photograph_is_deleted_with_template_and_crop(world: World) -> None:
    first, second = photograph(world.ann, vector(1)), photograph(world.ann, vector(2))
    arguments: dict[str, Any] = {"photograph_id": first.pk}
    assert refusal_of(photographs.remove, actor=world.teacher, **arguments) == "not_allowed"
    photographs.remove(actor=world.registrar, **arguments)
    assert Photograph.objects.get() == second
    assert Template.objects.count() == Blob.objects.count() == 1
    assert refusal_of(photographs.remove, actor=world.registrar, **arguments) == "no_such_photograph"


def test_portrait_is_the_newest_photograph(world: World) -> None:
    assert photographs.portrait(world.ann.pk) is None
    photograph(world.ann, vector(1))
    newest = photograph(world.ann, vector(2))
    assert photographs.portrait(world.ann.pk) == newest
