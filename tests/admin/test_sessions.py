"""Sessions in the admin: planning, and amendments with reason and history."""

from __future__ import annotations

import datetime as dt

import pytest
from django.conf import LazySettings
from django.test import Client
from django.utils import timezone

from attendance.models import Mark, MarkEvent, Session, Source, Student
from tests.world import World, by_hand

pytestmark = pytest.mark.django_db

SESSIONS = "/admin/attendance/session/"


def correction(world: World, student: Student) -> str:
    return f"{SESSIONS}{world.session.pk}/marks/{student.pk}/"


def given(**changes: str) -> dict[str, str]:
    return {"letter": "I", "reason": "The guardian rang.", "note": "", "revision": "0"} | changes


def moment(days: int, hour: int) -> str:
    day = timezone.localdate() + dt.timedelta(days=days)
    return f"{day.isoformat()}T{hour:02}:00"


def test_amendment_is_written_with_its_reason(world: World, office: Client) -> None:
    assert office.post(correction(world, world.ann), given()).status_code == 302
    event = MarkEvent.objects.get()
    assert (event.to_letter, event.reason, event.actor, event.source) == (
        "I",
        "The guardian rang.",
        world.registrar,
        Source.ADMIN,
    )
    assert "The guardian rang." in office.get(correction(world, world.ann)).content.decode()


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ("2026-03-29T02:30", "The clocks change at this time"),
        ("2026-10-25T02:30", "The clocks change at this time"),
        ("9999-12-31T23:59", "Check the year"),
        ("0001-01-01T00:00", "Check the year"),
    ],
)
def test_session_time_that_does_not_exist_is_an_error_of_the_form(
    world: World, office: Client, settings: LazySettings, typed: str, sentence: str
) -> None:
    settings.TIME_ZONE = "Europe/Berlin"
    form = {"school_class": str(world.school_class.pk), "title": "", "starts_at": typed, "ends_at": typed}
    answer = office.post(f"{SESSIONS}add/", form)
    assert answer.status_code == 200
    assert sentence in answer.content.decode()
    assert Session.objects.count() == 1


def test_amendment_without_a_reason_is_not_written(world: World, office: Client) -> None:
    answer = office.post(correction(world, world.ann), given(reason=" "))
    assert answer.status_code == 200
    assert not Mark.objects.exists()


def test_amendment_removes_a_mark_and_keeps_its_history(world: World, office: Client) -> None:
    office.post(correction(world, world.ann), given())
    assert office.post(correction(world, world.ann), given(letter="-", revision="1")).status_code == 302
    assert Mark.objects.get().code is None
    assert [event.to_letter for event in MarkEvent.objects.all()] == ["I", ""]


def test_amendment_of_a_changed_mark_is_a_conflict(world: World, office: Client) -> None:
    by_hand(world, world.ann)
    answer = office.post(correction(world, world.ann), given(revision="0"))
    assert "Somebody else has changed this mark" in answer.content.decode()
    assert Mark.objects.get().letter == "/"


def test_amendment_may_use_codes_of_the_office(world: World, office: Client) -> None:
    assert office.post(correction(world, world.ann), given(letter="C")).status_code == 302
    assert Mark.objects.get().letter == "C"


def test_amendment_for_student_of_other_class_is_refused(world: World, office: Client) -> None:
    answer = office.post(correction(world, world.eve), given())
    assert "not in this class" in answer.content.decode()
    assert not Mark.objects.exists()


def test_mark_page_is_read_only(world: World, head: Client) -> None:
    office_page = correction(world, world.ann)
    head.post(office_page, given())
    mark = Mark.objects.get()
    answer = head.post(f"/admin/attendance/mark/{mark.pk}/change/", {"code": "/", "note": "Forged."})
    assert answer.status_code == 403
    mark.refresh_from_db()
    assert (mark.letter, mark.note) == ("I", "")


def test_session_is_planned_with_date_and_creator(world: World, office: Client) -> None:
    form = {
        "school_class": str(world.school_class.pk),
        "title": "Algebra",
        "starts_at": moment(1, 9),
        "ends_at": moment(1, 10),
    }
    assert office.post(f"{SESSIONS}add/", form).status_code == 302
    session = Session.objects.get(title="Algebra")
    assert session.date == timezone.localdate() + dt.timedelta(days=1)
    assert (session.created_by, session.state) == (world.registrar, Session.State.PLANNED)


def test_session_that_ends_before_it_starts_is_an_error_of_the_form(world: World, office: Client) -> None:
    form = {"school_class": str(world.school_class.pk), "starts_at": moment(1, 10), "ends_at": moment(1, 9)}
    answer = office.post(f"{SESSIONS}add/", form)
    assert answer.status_code == 200
    assert "must end after it starts" in answer.content.decode()


def test_session_times_are_fixed_once_opened(world: World, office: Client) -> None:
    planned = Session.objects.create(
        school_class=world.school_class,
        starts_at=world.now + dt.timedelta(days=1),
        ends_at=world.now + dt.timedelta(days=1, hours=1),
        date=timezone.localdate() + dt.timedelta(days=1),
    )
    form = {"title": "Moved", "starts_at": moment(2, 9), "ends_at": moment(2, 10)}
    assert office.post(f"{SESSIONS}{planned.pk}/change/", form).status_code == 302
    planned.refresh_from_db()
    assert (planned.title, planned.date) == ("Moved", timezone.localdate() + dt.timedelta(days=2))
    office.post(f"{SESSIONS}{world.session.pk}/change/", form)
    before = world.session.starts_at
    world.session.refresh_from_db()
    assert (world.session.title, world.session.starts_at) == ("Moved", before)


def test_session_page_shows_expected_and_marked_students(world: World, office: Client) -> None:
    office.post(correction(world, world.ann), given())
    text = office.get(f"{SESSIONS}{world.session.pk}/change/").content.decode()
    assert all(correction(world, student) in text for student in world.students)
    assert correction(world, world.eve) not in text
    assert "I – Ill" in text
