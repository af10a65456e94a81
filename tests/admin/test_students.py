"""Students in the admin: details, classes, consents, erasure, and the list with its filters."""

from __future__ import annotations

import datetime as dt

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from attendance.models import AuditEvent, Consent, Membership, Photograph, Student, User
from tests import world as small
from tests.world import World

pytestmark = pytest.mark.django_db

LIST = "/admin/attendance/student/"


def page(student: Student, part: str = "") -> str:
    return f"{LIST}{student.pk}/{part or 'change/'}"


def details(student: Student | None = None, **changes: str) -> dict[str, str]:
    """Return the data of the form, with at most one empty row of memberships."""
    values = {
        "given_name": "" if student is None else student.given_name,
        "family_name": "" if student is None else student.family_name,
        "external_id": "",
        "contact_email": "",
        "left_on": "",
        "memberships-TOTAL_FORMS": "0",
        "memberships-INITIAL_FORMS": "0",
        "_save": "Save",
    }
    return values | changes


def membership(row: int, student: Student | None, **values: str) -> dict[str, str]:
    given = {"id": "", "student": "" if student is None else str(student.pk), **values}
    return {f"memberships-{row}-{name}": value for name, value in given.items()}


def shown(answer_text: str, *names: str) -> list[bool]:
    return [name in answer_text for name in names]


def test_new_student_is_added_to_a_class_and_its_page_shown(world: World, office: Client) -> None:
    form = details(given_name="Zoë", family_name="Quill", external_id="1042") | {
        "memberships-TOTAL_FORMS": "1",
        **membership(0, None, school_class=str(world.school_class.pk), starts_on="2026-01-05", ends_on=""),
    }
    answer = office.post(f"{LIST}add/", form)
    student = Student.objects.get(external_id="1042")
    assert answer["Location"] == page(student)
    assert student.memberships.get().school_class == world.school_class
    assert AuditEvent.objects.filter(action="student_created", actor=world.registrar).count() == 1


def test_name_is_stored_normalised(world: World, office: Client) -> None:
    form = details(given_name="Zoe\u0308\u200b", family_name="Quill\u00ad", external_id="77\u200e")
    assert office.post(f"{LIST}add/", form).status_code == 302
    assert Student.objects.get(external_id="77").name == "Zoë Quill"
    answer = office.post(f"{LIST}add/", details(given_name="\u200b"))
    assert "The given name is missing" in answer.content.decode()


def test_students_without_numbers_are_saved(world: World, office: Client) -> None:
    for name in ("Ira", "Ivo"):
        assert office.post(f"{LIST}add/", details(given_name=name)).status_code == 302
    assert Student.objects.filter(given_name__in=("Ira", "Ivo"), external_id=None).count() == 2


def test_refusal_becomes_an_error_of_the_form(world: World, office: Client) -> None:
    there = world.ann.memberships.get()
    form = details(world.ann, given_name="Anna") | {
        "memberships-TOTAL_FORMS": "2",
        "memberships-INITIAL_FORMS": "1",
        **membership(0, world.ann, ends_on=""),
        "memberships-0-id": str(there.pk),
        **membership(
            1,
            world.ann,
            school_class=str(world.school_class.pk),
            starts_on="2026-01-05",
            ends_on="2026-12-31",
        ),
    }
    answer = office.post(page(world.ann), form)
    assert answer.status_code == 200
    assert "already" in answer.content.decode()
    world.ann.refresh_from_db()
    assert (world.ann.given_name, world.ann.memberships.count()) == ("Ann", 1)


def test_membership_is_ended_on_the_students_page(world: World, office: Client) -> None:
    there = world.ann.memberships.get()
    today = timezone.localdate().isoformat()
    form = details(world.ann) | {
        "memberships-TOTAL_FORMS": "1",
        "memberships-INITIAL_FORMS": "1",
        **membership(0, world.ann, ends_on=today),
        "memberships-0-id": str(there.pk),
    }
    before = world.school_class.gallery_version
    assert office.post(page(world.ann), form).status_code == 302
    there.refresh_from_db()
    world.school_class.refresh_from_db()
    assert there.ends_on == timezone.localdate()
    assert world.school_class.gallery_version > before


def test_consent_is_recorded_and_withdrawn_with_all_face_data(world: World, office: Client) -> None:
    given = {"given_by": "A guardian", "given_on": "2026-01-05", "expires_on": "", "version": "2"}
    assert office.post(page(world.dan, "consent/"), given).status_code == 302
    assert Consent.objects.get(student=world.dan).version == "2"
    small.photograph(world.dan, small.vector(4))
    assert "1 photo and its face data" in office.get(page(world.dan, "consent/withdraw/")).content.decode()
    assert Photograph.objects.filter(student=world.dan).exists()
    assert office.post(page(world.dan, "consent/withdraw/")).status_code == 302
    assert not Photograph.objects.filter(student=world.dan).exists()
    assert not Consent.objects.valid(timezone.now()).filter(student=world.dan).exists()


def test_consent_with_future_date_is_refused(world: World, office: Client) -> None:
    later = (timezone.localdate() + dt.timedelta(days=2)).isoformat()
    answer = office.post(
        page(world.dan, "consent/"), {"given_by": "A guardian", "given_on": later, "version": "1"}
    )
    assert "cannot be given in the future" in answer.content.decode()
    assert not Consent.objects.filter(student=world.dan).exists()


def test_erasure_needs_reason_and_confirmation(world: World, office: Client) -> None:
    small.photograph(world.ann, small.vector(1))
    for incomplete in ({"reason": "Asked for."}, {"sure": "on"}, {"reason": "  ", "sure": "on"}):
        assert office.post(page(world.ann, "erase/"), incomplete).status_code == 200
    assert world.ann.photographs.exists()
    assert office.post(page(world.ann, "erase/"), {"reason": "Asked for.", "sure": "on"}).status_code == 302
    world.ann.refresh_from_db()
    assert world.ann.erased_at is not None
    assert not world.ann.photographs.exists()


def test_search_ignores_accents(world: World, office: Client) -> None:
    small.student("Zoë Ångström")
    for text in ("zoe", "ANGSTROM", "ström z"):
        found = office.get(LIST, {"q": text}).content.decode()
        assert shown(found, "Ångström, Zoë", "Ash, Ann") == [True, False], text


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("consent=none", {"dan"}),
        ("consent=valid", {"ann", "bea", "cem", "eve"}),
        ("photographs=few", {"ann"}),
        ("photographs=none", {"bea", "cem", "dan", "eve"}),
        ("photographs=enough", set[str]()),
        ("standing=left", {"cem"}),
        ("", {"ann", "bea", "dan", "eve", "cem"}),
    ],
)
def test_filters_show_students_who_lack_something(
    world: World, office: Client, query: str, names: set[str]
) -> None:
    small.photograph(world.ann, small.vector(1))
    if query.startswith("standing"):
        Student.objects.filter(pk=world.cem.pk).update(left_on=timezone.localdate() - dt.timedelta(days=3))
    text = office.get(f"{LIST}?{query}").content.decode()
    found = {name for name in ("ann", "bea", "cem", "dan", "eve") if page(getattr(world, name)) in text}
    assert found == names


def test_class_filter_shows_members_of_today(world: World, office: Client) -> None:
    text = office.get(LIST, {"class": str(world.other_class.pk)}).content.decode()
    assert shown(text, page(world.eve), page(world.ann)) == [True, False]
    assert office.get(LIST, {"class": "no-such-class"}).status_code == 200


def test_dashboard_lists_ending_consents_until_renewed(world: World, office: Client) -> None:
    soon = timezone.localdate() + dt.timedelta(days=5)
    Consent.objects.filter(student=world.ann).update(expires_on=soon)
    link = f"{page(world.ann)}#consent"
    assert link in office.get(reverse("admin:index")).content.decode()
    small.consent(world.ann)
    assert link not in office.get(reverse("admin:index")).content.decode()


def queries_of(client: Client, address: str) -> int:
    with CaptureQueriesContext(
        connection,
    ) as queries:
        assert client.get(address).status_code == 200
    return len(queries)


@pytest.mark.parametrize(
    "address",
    [
        LIST,
        "/admin/",
        "/admin/attendance/mark/",
        "/admin/attendance/schoolclass/",
        "/admin/attendance/session/",
    ],
)
def test_lists_need_as_many_queries_for_many_rows(world: World, head: Client, address: str) -> None:
    small.photograph(world.ann, small.vector(1))
    few = queries_of(head, address)
    for number in range(20):
        student = small.student(f"Nr{number} Extra")
        small.consent(student)
        Membership.objects.create(
            student=student, school_class=world.school_class, starts_on=timezone.localdate()
        )
        small.photograph(student, small.vector(100 + number))
    assert queries_of(head, address) == few
    assert few <= 16


def test_student_history_is_for_administrators(world: World, office: Client, head: Client) -> None:
    office.post(page(world.ann), details(world.ann, given_name="Anna"))
    assert office.get(page(world.ann, "history/")).status_code == 403
    text = head.get(page(world.ann, "history/")).content.decode()
    assert shown(text, "Changed student", "given_name") == [True, True]
    assert User.objects.get(pk=world.registrar.pk).shown_name in text
