"""Sessions: creating and changing them."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.utils import timezone

from attendance.calendar import sessions
from attendance.models import Session
from tests.attendance.refusals import refusal_of
from tests.world import World

pytestmark = pytest.mark.django_db

DAY = dt.timedelta(days=1)


def test_session_date_is_in_the_schools_zone(world: World, settings: Any) -> None:
    settings.TIME_ZONE = "Pacific/Auckland"
    starts = dt.datetime(2026, 6, 1, 20, 0, tzinfo=dt.UTC)
    made = sessions.create(
        class_id=world.school_class.pk,
        starts_at=starts,
        ends_at=starts + dt.timedelta(hours=1),
        actor=world.registrar,
    )
    assert made.date == dt.date(2026, 6, 2)


def test_session_with_wrong_times_or_without_right_is_refused(world: World) -> None:
    hour = dt.timedelta(hours=1)
    for starts, ends, actor, code in (
        (world.now, world.now, world.teacher, "ends_before_it_starts"),
        (world.now, world.now + 25 * hour, world.teacher, "too_long"),
        (world.session.starts_at, world.session.ends_at, world.teacher, "already"),
        (world.now, world.now + hour, world.other_teacher, "not_allowed"),
    ):
        arguments: dict[str, Any] = {"class_id": world.school_class.pk, "starts_at": starts, "ends_at": ends}
        assert refusal_of(sessions.create, actor=actor, **arguments) == code


def test_open_session_is_renamed_but_not_moved(world: World) -> None:
    hour = dt.timedelta(hours=1)
    arguments: dict[str, Any] = {"session_id": world.session.pk, "actor": world.teacher}
    assert sessions.change(title="Maths", **arguments).title == "Maths"
    moved = world.session.starts_at - hour
    assert refusal_of(sessions.change, starts_at=moved, **arguments) == "already"
    Session.objects.update(state=Session.State.PLANNED)
    days = world.now + 10 * DAY
    changed = sessions.change(starts_at=days, ends_at=days + hour, **arguments)
    assert changed.date == timezone.localdate(days)
