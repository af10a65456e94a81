"""School settings, and the audit record of visitors."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from attendance.models import AuditEvent, SchoolSettings
from tests.world import World

pytestmark = pytest.mark.django_db


def address() -> str:
    return reverse("admin:attendance_schoolsettings_change", args=(SchoolSettings.load().pk,))


def form(**changes: str) -> dict[str, str]:
    return {
        "name": "North School",
        "late_after_minutes": "10",
        "afternoon_from": "12:00",
        "evidence_days": "30",
        "consent_version": "1",
    } | changes


def acts() -> list[tuple[str, str]]:
    events = AuditEvent.objects.filter(action__startswith="visitors_").order_by("at", "pk")
    return [(event.action, event.actor.username if event.actor else "") for event in events]


def test_visitors_are_turned_on_and_off_by_a_registrar_and_audited(world: World, office: Client) -> None:
    assert not SchoolSettings.load().visitors_shown
    office.post(address(), form(visitors_shown="on"))
    assert SchoolSettings.load().visitors_shown
    assert acts() == [("visitors_turned_on", "registrar")]
    office.post(address(), form(visitors_shown="on", name="South School"))
    assert acts() == [("visitors_turned_on", "registrar")]
    office.post(address(), form())
    assert not SchoolSettings.load().visitors_shown
    assert acts()[1:] == [("visitors_turned_off", "registrar")]


@pytest.mark.parametrize("role", ["teacher", "viewer"])
def test_visitors_are_not_turned_on_by_other_roles(world: World, role: str) -> None:
    client = Client()
    client.force_login(getattr(world, role))
    assert client.post(address(), form(visitors_shown="on")).status_code in {302, 403}
    assert not SchoolSettings.load().visitors_shown
    assert acts() == []
