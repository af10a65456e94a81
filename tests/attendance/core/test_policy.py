"""Rights: which role may do what, to rows of their own class and of another class."""

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
VIEWING = frozenset({Action.VIEW_SESSION, Action.VIEW_CLASS, Action.VIEW_STUDENT})
TEACHING = EVERYTHING - OFFICE_WORK - OF_ADMINISTRATORS

# User, allowed actions on rows of `world.school_class`, allowed actions on rows of `world.other_class`.
TABLE = [
    ("administrator", EVERYTHING, EVERYTHING),
    ("registrar", EVERYTHING - OF_ADMINISTRATORS, EVERYTHING - OF_ADMINISTRATORS),
    ("teacher", TEACHING, frozenset()),
    ("other_teacher", frozenset(), TEACHING),
    ("viewer", VIEWING, VIEWING),
]


@pytest.mark.parametrize(("who", "own", "other"), TABLE)
def test_rights_follow_the_table(
    world: World, who: str, own: frozenset[Action], other: frozenset[Action]
) -> None:
    user = getattr(world, who)
    elsewhere = open_session(world.other_class, world.now)
    cases = [
        (own, (world.session, world.school_class, world.ann)),
        (other, (elsewhere, world.other_class, world.eve)),
    ]
    for allowed, subjects in cases:
        for subject in subjects:
            assert {action for action in Action if may(user, action, subject)} == allowed


def test_superuser_has_all_rights_in_any_role(world: World) -> None:
    world.viewer.is_superuser = True
    assert all(may(world.viewer, action, world.session) for action in Action)


@pytest.mark.parametrize("change", [{"is_active": False}, {"must_change_password": True}])
def test_inactive_user_and_first_password_have_no_rights(world: World, change: dict[str, bool]) -> None:
    for name, value in change.items():
        setattr(world.administrator, name, value)
    assert not any(may(world.administrator, action, world.session) for action in Action)


def test_anonymous_user_has_no_rights(world: World) -> None:
    assert not any(may(AnonymousUser(), action, world.session) for action in Action)


def days(count: int) -> dt.timedelta:
    return dt.timedelta(days=count)


@pytest.mark.parametrize(
    ("starts", "ends", "allowed"),
    [(0, 0, True), (-3, 0, True), (-3, -1, False), (1, 3, False), (0, None, True)],
)
def test_substitute_has_rights_on_the_agreed_days(
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


def test_substitute_has_no_rights_after_the_last_day(world: World) -> None:
    today = timezone.localdate()
    Teaching.objects.create(
        user=world.other_teacher,
        school_class=world.school_class,
        starts_on=today - days(3),
        ends_on=today - days(1),
    )
    world.session.date = today - days(2)
    assert not may(world.other_teacher, Action.MARK, world.session)


def test_substitute_may_plan_an_agreed_day_ahead(world: World) -> None:
    day = timezone.localdate() + days(2)
    Teaching.objects.create(
        user=world.other_teacher, school_class=world.school_class, starts_on=day, ends_on=day
    )
    assert may(world.other_teacher, Action.RUN_SESSION, world.school_class, on=day)
    assert not may(world.other_teacher, Action.RUN_SESSION, world.school_class)
