"""Opening a session now."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from attendance.models import SchoolClass, Session, User
from attendance.register import opening
from tests.attendance.refusals import refusal_of
from tests.world import World, open_session

pytestmark = pytest.mark.django_db


def start(world: World, now: dt.datetime, actor: User | None = None) -> Session:
    return opening.start_now(class_id=world.school_class.pk, actor=actor or world.teacher, now=now)


def test_start_now_returns_the_open_session(world: World) -> None:
    assert start(world, world.now) == world.session


def test_start_now_opens_the_planned_session_that_is_due(world: World) -> None:
    world.session.delete()
    planned = open_session(world.school_class, world.now, minutes_ago=-10)
    Session.objects.update(state=Session.State.PLANNED)
    opened = start(world, world.now)
    assert (opened, opened.is_open) == (planned, True)


def test_start_now_after_the_session_creates_another(world: World) -> None:
    later = world.session.ends_at + dt.timedelta(minutes=1)
    made = start(world, later)
    assert made != world.session
    assert (made.is_open, made.starts_at) == (True, later)


def test_start_now_without_right_or_for_an_archived_class_is_refused(world: World) -> None:
    arguments: dict[str, Any] = {"class_id": world.school_class.pk, "now": world.now}
    assert refusal_of(opening.start_now, actor=world.other_teacher, **arguments) == "not_allowed"
    SchoolClass.objects.filter(pk=world.school_class.pk).update(archived_at=world.now)
    assert refusal_of(opening.start_now, actor=world.teacher, **arguments) == "no_such_class"
