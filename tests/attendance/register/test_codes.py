"""Attendance codes: which code an arrival gets, and how codes may change."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.utils import timezone

from attendance.models import AttendanceCode, AuditEvent, Category, Mark, OnPremises, SchoolSettings
from attendance.register.code_changes import CHOICES, save_code
from attendance.register.codes import arrived_code
from tests.attendance.refusals import refusal_of
from tests.world import World, by_hand

pytestmark = pytest.mark.django_db


def code_with(letter: str) -> AttendanceCode:
    return AttendanceCode.objects.active().get(letter=letter)


def choose(choice: str, letter: str) -> None:
    """Add a code, and let the school choose it for a case."""
    code = AttendanceCode.objects.create(letter=letter, name=choice, category=Category.PRESENT)
    SchoolSettings.objects.update(**{choice: code})


@pytest.mark.parametrize(
    "change", [{"category": Category.LATE}, {"on_premises": OnPremises.NO}, {"letter": "P"}]
)
def test_used_code_that_is_changed_is_retired_and_replaced(world: World, change: dict[str, Any]) -> None:
    by_hand(world, world.ann, "/")
    used = code_with("/")
    school = SchoolSettings.load()
    chosen = [choice for choice in CHOICES if getattr(school, choice) == used]
    assert chosen == ["arrived_morning", "arrived_afternoon"]
    replacement = save_code(code=used, actor=world.registrar, **change)
    used.refresh_from_db()
    assert replacement != used
    assert (replacement.active, used.active) == (True, False)
    assert {name: getattr(replacement, name) for name in change} == change
    assert {name: getattr(used, name) for name in change} != change
    assert replacement.name == used.name
    school.refresh_from_db()
    assert [choice for choice in CHOICES if getattr(school, choice) == replacement] == chosen
    assert Mark.objects.get().code == used
    assert AuditEvent.objects.get(action="code_replaced").details == {"replaced": str(used.pk)}


def test_used_code_whose_name_is_changed_stays_the_same_row(world: World) -> None:
    by_hand(world, world.ann, "/")
    used = code_with("/")
    assert save_code(code=used, actor=world.registrar, name="Here this morning") == used
    used.refresh_from_db()
    assert (used.name, used.active) == ("Here this morning", True)


def test_unused_code_is_changed_in_place(world: World) -> None:
    count = AttendanceCode.objects.count()
    unused = code_with("L")
    assert save_code(code=unused, actor=world.registrar, category=Category.PRESENT, letter="Y") == unused
    unused.refresh_from_db()
    assert (unused.letter, unused.category, unused.active) == ("Y", Category.PRESENT, True)
    assert AttendanceCode.objects.count() == count
    assert AuditEvent.objects.get(action="code_changed").details == {"fields": "category,letter"}


def test_code_is_added_by_the_office_only(world: World) -> None:
    fields: dict[str, Any] = {"letter": "Y", "name": "Trip", "category": Category.PRESENT}
    assert refusal_of(save_code, code=None, actor=world.teacher, **fields) == "not_allowed"
    assert save_code(code=None, actor=world.registrar, **fields) == code_with("Y")


@pytest.mark.parametrize(
    ("starts", "letter"), [(dt.time(11, 59), "/"), (dt.time(12), "\\"), (dt.time(15), "\\")]
)
def test_arrival_in_the_afternoon_gets_its_own_code(world: World, starts: dt.time, letter: str) -> None:
    choose("arrived_afternoon", "\\")
    day = timezone.localdate(world.now)
    world.session.starts_at = dt.datetime.combine(day, starts, tzinfo=timezone.get_default_timezone())
    assert arrived_code(world.session, world.session.starts_at).letter == letter


@pytest.mark.parametrize(("minutes", "letter"), [(10, "/"), (11, "L"), (30, "L"), (31, "U")])
def test_arrival_after_closing_gets_its_own_code(world: World, minutes: int, letter: str) -> None:
    choose("arrived_after_closing", "U")
    SchoolSettings.objects.update(closes_after_minutes=30, afternoon_from=dt.time(23, 59))
    seen_at = world.session.starts_at + dt.timedelta(minutes=minutes)
    assert arrived_code(world.session, seen_at).letter == letter


def test_arrival_without_chosen_code_is_refused(world: World) -> None:
    SchoolSettings.objects.update(arrived_late=None)
    seen_at = world.session.starts_at + dt.timedelta(minutes=11)
    assert refusal_of(arrived_code, session=world.session, seen_at=seen_at) == "code_not_chosen"
