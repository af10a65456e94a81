"""Classes: their staff, and adding many students at once."""

from __future__ import annotations

import datetime as dt

import pytest
from django.test import Client
from django.utils import timezone

from attendance.core import policy
from attendance.core.policy import Action
from attendance.jobs import queue
from attendance.models import Job, Membership, SchoolClass, Student, Teaching
from tests import world as small
from tests.world import World

pytestmark = pytest.mark.django_db

CLASSES = "/admin/attendance/schoolclass/"
TODAY = timezone.localdate


def a_class(**changes: str) -> dict[str, str]:
    empty = {"teachings-TOTAL_FORMS": "0", "teachings-INITIAL_FORMS": "0"}
    return {"name": "8 East", "external_id": "", "room": "", "_save": "Save"} | empty | changes


def test_class_is_added_with_a_teacher_who_may_mark_it(world: World, office: Client) -> None:
    form = a_class(
        **{
            "teachings-TOTAL_FORMS": "1",
            "teachings-0-user": str(world.teacher.pk),
            "teachings-0-kind": "substitute",
            "teachings-0-starts_on": TODAY().isoformat(),
            "teachings-0-ends_on": TODAY().isoformat(),
        }
    )
    assert office.post(f"{CLASSES}add/", form).status_code == 302
    row = SchoolClass.objects.get(name="8 East")
    assert Teaching.objects.get(school_class=row).kind == "substitute"
    assert policy.may(world.teacher, Action.VIEW_CLASS, row)
    assert not policy.may(world.other_teacher, Action.VIEW_CLASS, row)


def test_class_is_archived_and_restored(world: World, office: Client) -> None:
    page = f"{CLASSES}{world.school_class.pk}/change/"
    form = a_class(
        name="7 North",
        **{"teachings-TOTAL_FORMS": "0", "teachings-INITIAL_FORMS": "0"},
    )
    office.post(page, form | {"archived": "on"})
    world.school_class.refresh_from_db()
    assert world.school_class.archived_at is not None
    office.post(page, form)
    world.school_class.refresh_from_db()
    assert world.school_class.archived_at is None


def test_pasted_lines_add_students_by_number_or_name(world: World, office: Client) -> None:
    Student.objects.filter(pk=world.eve.pk).update(external_id="1042")
    zoe = small.student("Zoë Ångström")
    page = f"{CLASSES}{world.school_class.pk}/members/"
    office.post(page, {"lines": "1042\nangstrom, ZOE\n\nAnn Ash", "starts_on": TODAY().isoformat()})
    members = Membership.objects.filter(school_class=world.school_class).on(TODAY())
    assert {row.student_id for row in members} >= {world.eve.pk, zoe.pk, world.ann.pk}
    assert members.filter(student=world.ann).count() == 1


def test_pasted_name_matches_the_exact_name_first(world: World, office: Client) -> None:
    alike, exact = small.student("Zoe Quill"), small.student("Zoë Quill")
    page = f"{CLASSES}{world.school_class.pk}/members/"
    office.post(page, {"lines": "Quill, ZOË\ntag\u200b", "starts_on": TODAY().isoformat()})
    assert not Membership.objects.filter(student__in=(alike, exact)).exists()
    office.post(page, {"lines": "Quill, ZOE\u0308", "starts_on": TODAY().isoformat()})
    assert Membership.objects.get(student__in=(alike, exact)).student == exact
    answer = office.post(page, {"lines": "Éve Elm", "starts_on": TODAY().isoformat()}, follow=True)
    assert "“Éve Elm” was matched to Eve Elm." in answer.content.decode()


@pytest.mark.parametrize("ticked", [True, False])
def test_adding_students_ends_other_classes_if_ticked(world: World, office: Client, ticked: bool) -> None:
    chosen = [str(world.ann.pk), str(world.eve.pk)]
    form = {"action": "add_to_class", "_selected_action": chosen}
    assert "Ann Ash (7 North)" in office.post("/admin/attendance/student/", form).content.decode()
    form |= {
        "confirmed": "1",
        "school_class": str(world.other_class.pk),
        "starts_on": TODAY().isoformat(),
    } | ({"end_others": "on"} if ticked else {})
    text = office.post("/admin/attendance/student/", form, follow=True).content.decode()
    assert ("Ann Ash is also in 7 North." in text) is not ticked
    old = world.ann.memberships.get(school_class=world.school_class)
    assert old.ends_on == (TODAY() - dt.timedelta(days=1) if ticked else None)
    assert world.ann.memberships.filter(school_class=world.other_class, ends_on=None).count() == 1
    assert world.eve.memberships.get().ends_on is None


def test_selection_of_thousands_is_accepted(world: World, office: Client) -> None:
    many = [
        Student(given_name=f"Nr{number}", sort_key=f"nr{number}", search_key=f"nr{number}")
        for number in range(2500)
    ]
    Student.objects.bulk_create(many)
    chosen = [str(student.pk) for student in many]
    form = {"action": "add_to_class", "_selected_action": chosen}
    assert "Add 2500 students" in office.post("/admin/attendance/student/", form).content.decode()


def test_request_with_too_many_fields_is_answered_with_a_page(office: Client) -> None:
    form = {"action": "add_to_class", "_selected_action": ["x"] * 20_001}
    answer = office.post("/admin/attendance/student/", form)
    assert answer.status_code == 400
    assert "use smaller parts" in answer.content.decode()


def test_membership_begun_the_same_day_ends_on_it(world: World, office: Client) -> None:
    world.ann.memberships.update(starts_on=TODAY())
    form = {
        "lines": "Ann Ash",
        "starts_on": TODAY().isoformat(),
        "end_others": "on",
    }
    office.post(f"{CLASSES}{world.other_class.pk}/members/", form)
    assert world.ann.memberships.get(school_class=world.school_class).ends_on == TODAY()
    assert world.ann.memberships.get(ends_on=None).school_class == world.other_class


def test_pasted_line_without_match_adds_nobody(world: World, office: Client) -> None:
    before = Membership.objects.count()
    page = f"{CLASSES}{world.school_class.pk}/members/"
    text = office.post(page, {"lines": "Eve Elm\nNo Body", "starts_on": TODAY().isoformat()}).content.decode()
    assert "No Body" in text
    assert "no student has this number or name" in text
    assert Membership.objects.count() == before


def test_selected_students_are_added_to_a_class(world: World, office: Client) -> None:
    chosen = [str(world.ann.pk), str(world.bea.pk)]
    first = {"action": "add_to_class", "_selected_action": chosen}
    assert "Add 2 students to a class" in office.post("/admin/attendance/student/", first).content.decode()
    second = first | {
        "confirmed": "1",
        "school_class": str(world.other_class.pk),
        "starts_on": TODAY().isoformat(),
    }
    assert office.post("/admin/attendance/student/", second).status_code == 302
    assert Membership.objects.filter(school_class=world.other_class).count() == 3


def test_membership_ends_on_its_last_day(world: World, office: Client) -> None:
    row = world.ann.memberships.get()
    address = f"{CLASSES}memberships/{row.pk}/end/"
    too_early = office.post(address, {"ends_on": "2020-01-01"}).content.decode()
    assert "cannot end before it starts" in too_early
    assert office.post(address, {"ends_on": TODAY().isoformat()}).status_code == 302
    row.refresh_from_db()
    assert row.ends_on == TODAY()


def test_templates_of_selected_classes_are_rebuilt_by_a_job(world: World, office: Client) -> None:
    kept = small.photograph(world.ann, small.vector(1))
    chosen = {"action": "rebuild", "_selected_action": [str(world.school_class.pk)]}
    answer = office.post(CLASSES, chosen)
    job = Job.objects.get()
    assert (job.kind, job.payload) == ("rebuild_templates", {"classes": [str(world.school_class.pk)]})
    page = f"/admin/attendance/job/{job.pk}/change/"
    assert answer.headers["Location"] == page
    assert "Rebuilding has started." in office.get(page).content.decode()
    queue.run(job.pk)
    assert kept.templates.count() == 1
    assert "0 templates were made." in office.get(page).content.decode()
