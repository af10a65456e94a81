"""Consents, erasure and memberships, through the API."""

import datetime as dt

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from attendance.models import AuditEvent, Consent, Membership, Photograph, SchoolClass
from tests.api.conftest import Client, Fits
from tests.world import World, photograph, vector


@pytest.fixture
def office(world: World, client_of: Client) -> APIClient:
    return client_of(world.registrar)


def version(school_class: SchoolClass) -> int:
    school_class.refresh_from_db()
    return school_class.gallery_version


def test_consent_is_recorded_listed_and_withdrawn(world: World, office: APIClient, fits: Fits) -> None:
    path = f"/api/v1/students/{world.dan.pk}/consents/"
    body = {"given_by": "A guardian", "given_on": timezone.localdate().isoformat(), "version": "2"}
    given = office.post(path, body, format="json")
    assert given.status_code == 201
    fits("ConsentOut", given.json())
    assert (given.json()["version"], given.json()["withdrawn_at"]) == ("2", None)
    assert Consent.objects.valid(timezone.now()).filter(student=world.dan).exists()
    photograph(world.dan, vector(1))
    before = version(world.school_class)
    assert office.post(f"{path}withdraw/").status_code == 204
    assert not Photograph.objects.filter(student=world.dan).exists()
    assert version(world.school_class) > before
    (listed,) = office.get(path).json()["results"]
    assert listed["withdrawn_at"] is not None
    assert AuditEvent.objects.filter(action="consent_withdrawn", actor=world.registrar).exists()


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"given_by": "A guardian"}, "given_on"),
        ({"given_by": "A guardian", "given_on": "1200-01-01"}, "given_on"),
        ({"given_by": "", "given_on": "2026-01-01"}, "given_by"),
        ({"given_by": "A", "given_on": "2026-01-01", "withdrawn_at": None}, "withdrawn_at"),
    ],
)
def test_consent_with_invalid_field_is_refused(
    world: World, office: APIClient, body: dict[str, object], field: str
) -> None:
    answer = office.post(f"/api/v1/students/{world.dan.pk}/consents/", body, format="json")
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid")
    assert field in answer.json()["extra"]["fields"]


def test_erasure_deletes_face_and_contact_and_keeps_the_student(
    world: World, office: APIClient, fits: Fits
) -> None:
    world.ann.contact_email = "home@example.org"
    world.ann.save()
    photograph(world.ann, vector(1))
    path = f"/api/v1/students/{world.ann.pk}/"
    for _time in range(2):
        assert office.post(f"{path}erase/", {"reason": "asked to"}, format="json").status_code == 204
    shown = office.get(path).json()
    fits("StudentOut", shown)
    assert (shown["contact_email"], shown["photographs"], shown["recognisable"]) == ("", 0, False)
    assert shown["erased_at"] is not None
    assert not Photograph.objects.exists()
    assert AuditEvent.objects.filter(action="student_erased", actor=world.registrar).exists()


def test_membership_is_added_and_ended(world: World, office: APIClient, fits: Fits) -> None:
    today = timezone.localdate()
    body = {"student": str(world.eve.pk), "school_class": str(world.school_class.pk)}
    begun = office.post("/api/v1/memberships/", {**body, "starts_on": today.isoformat()}, format="json")
    assert begun.status_code == 201
    fits("MembershipOut", begun.json())
    again = office.post("/api/v1/memberships/", {**body, "starts_on": today.isoformat()}, format="json")
    assert (again.status_code, again.json()["code"]) == (409, "already")
    path = f"/api/v1/memberships/{begun.json()['id']}/"
    early = office.patch(path, {"ends_on": (today - dt.timedelta(days=1)).isoformat()}, format="json")
    assert (early.status_code, early.json()["code"]) == (400, "ends_before_it_starts")
    assert office.patch(path, {"ends_on": today.isoformat()}, format="json").status_code == 200
    assert Membership.objects.get(pk=begun.json()["id"]).ends_on == today
    tomorrow = {"on": (today + dt.timedelta(days=1)).isoformat(), "student": str(world.eve.pk)}
    (left,) = office.get("/api/v1/memberships/", tomorrow).json()["results"]
    assert left["school_class"] == str(world.other_class.pk)


def test_class_is_added_and_archived(office: APIClient, world: World, fits: Fits) -> None:
    made = office.post("/api/v1/classes/", {"name": "8 East", "room": "12"}, format="json").json()
    fits("ClassOut", made)
    changed = office.patch(f"/api/v1/classes/{made['id']}/", {"archived": True}, format="json").json()
    assert (changed["name"], changed["archived"]) == ("8 East", True)
    named = office.get("/api/v1/classes/", {"archived": "true"}).json()["results"]
    assert [each["id"] for each in named] == [made["id"]]
