"""Who may do what to whose: the whole table."""

from __future__ import annotations

import datetime as dt

import pytest
from django.contrib.auth.models import AnonymousUser
from django.utils import timezone

from attendance.core.policy import Action, may
from attendance.models import Teaching
from tests.world import World, open_session

pytestmark = pytest.mark.django_db

EVERYTHING = frozenset(Action)
OFFICE_WORK = frozenset({Action.ENROL, Action.MANAGE_SCHOOL})
OF_ADMINISTRATORS = frozenset({Action.MANAGE_USERS, Action.VIEW_AUDIT})
LOOKING = frozenset({Action.VIEW_SESSION, Action.VIEW_CLASS, Action.VIEW_STUDENT})
TEACHING = EVERYTHING - OFFICE_WORK - OF_ADMINISTRATORS

# Who, and what they may do to: their own class's things, another class's things.
TABLE = [
    ("administrator", EVERYTHING, EVERYTHING),
    ("registrar", EVERYTHING - OF_ADMINISTRATORS, EVERYTHING - OF_ADMINISTRATORS),
    ("teacher", TEACHING, frozenset()),
    ("other_teacher", frozenset(), TEACHING),
    ("viewer", LOOKING, LOOKING),
]


@pytest.mark.parametrize(("who", "own", "other"), TABLE)
def test_the_table_of_rights(
    world: World, who: str, own: frozenset[Action], other: frozenset[Action]
) -> None:
    user = getattr(world, who)
    elsewhere = open_session(world.other_class, world.now)
    things = [
        (own, (world.session, world.school_class, world.ann)),
        (other, (elsewhere, world.other_class, world.eve)),
    ]
    for allowed, subjects in things:
        for subject in subjects:
            assert {action for action in Action if may(user, action, subject)} == allowed


def test_a_superuser_may_everything_whatever_the_role(world: World) -> None:
    world.viewer.is_superuser = True
    assert all(may(world.viewer, action, world.session) for action in Action)


@pytest.mark.parametrize("change", [{"is_active": False}, {"must_change_password": True}])
def test_who_is_locked_or_has_a_first_password_may_nothing(world: World, change: dict[str, bool]) -> None:
    for name, value in change.items():
        setattr(world.administrator, name, value)
    assert not any(may(world.administrator, action, world.session) for action in Action)


def test_a_visitor_may_nothing(world: World) -> None:
    assert not any(may(AnonymousUser(), action, world.session) for action in Action)


def days(count: int) -> dt.timedelta:
    return dt.timedelta(days=count)


@pytest.mark.parametrize(
    ("starts", "ends", "allowed"),
    [(0, 0, True), (-3, 0, True), (-3, -1, False), (1, 3, False), (0, None, True)],
)
def test_a_substitute_has_the_rights_of_the_days_that_were_agreed(
    world: World, starts: int, ends: int | None, allowed: bool
) -> None:
    today = timezone.localdate()
    Teaching.objects.create(
        user=world.other_teacher,
        school_class=world.school_class,
        kind=Teaching.Kind.SUBSTITUTE,
        starts_on=today + days(starts),
        ends_on=None if ends is None else today + days(ends),
    )
    for subject in (world.session, world.school_class, world.ann):
        assert may(world.other_teacher, Action.VIEW_FACES, subject) is allowed


def test_after_the_last_day_the_sessions_of_those_days_are_closed_to_a_substitute(world: World) -> None:
    today = timezone.localdate()
    Teaching.objects.create(
        user=world.other_teacher,
        school_class=world.school_class,
        starts_on=today - days(3),
        ends_on=today - days(1),
    )
    world.session.date = today - days(2)
    assert not may(world.other_teacher, Action.MARK, world.session)


def test_a_substitute_may_plan_the_days_ahead(world: World) -> None:
    day = timezone.localdate() + days(2)
    Teaching.objects.create(
        user=world.other_teacher, school_class=world.school_class, starts_on=day, ends_on=day
    )
    assert may(world.other_teacher, Action.RUN_SESSION, world.school_class, on=day)
    assert not may(world.other_teacher, Action.RUN_SESSION, world.school_class)
