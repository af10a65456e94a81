"""Time limits after which data are deleted."""

from __future__ import annotations

import datetime as dt
import html

import pytest
from django.test import Client

from attendance.access import lockout
from attendance.models import (
    CachedEncoding,
    LoginFailure,
    OutboxEvent,
    Photograph,
    RejectedMatch,
    Review,
    SchoolSettings,
    Session,
    Template,
)
from attendance.privacy import retention
from tests.attendance.face_data import add_face_data
from tests.world import World, photograph, vector

pytestmark = pytest.mark.django_db

DAY, SECOND = dt.timedelta(days=1), dt.timedelta(seconds=1)


def test_undecided_faces_of_an_unsigned_session_are_deleted(world: World) -> None:
    add_face_data(world)
    assert retention.delete_old_undecided_faces(now=world.session.ends_at) == 0
    assert retention.delete_old_undecided_faces(now=world.session.ends_at + dt.timedelta(hours=13)) == 1
    assert (Review.objects.count(), RejectedMatch.objects.count()) == (0, 0)
    assert Session.objects.get(pk=world.session.pk).is_open


def test_expired_data_of_every_kind_are_deleted(world: World) -> None:
    LoginFailure.objects.create(
        username="TEACHER", address="10.0.0.1", last_at=world.now - lockout.FAILURES_KEPT - SECOND
    )
    OutboxEvent.objects.create(
        kind="register", key=world.session.pk, version=1, created_at=world.now - 7 * DAY - SECOND
    )
    photograph(world.dan, vector(1))  # has no consent
    CachedEncoding.objects.create(name="old", student=world.ann, created_at=world.now - 2 * DAY)
    retention.delete_expired(now=world.now)
    for model in (LoginFailure, OutboxEvent, Photograph, Template, CachedEncoding):
        assert model.objects.count() == 0, model


def test_outbox_events_are_kept_for_seven_days(world: World) -> None:
    event = OutboxEvent.objects.create(
        kind="register", key=world.session.pk, version=1, created_at=world.now - 7 * DAY
    )
    retention.delete_expired(now=world.now)
    assert OutboxEvent.objects.get() == event
    assert retention.delete_old_outbox_events(now=world.now + SECOND) == 1


def test_privacy_page_shows_every_time_limit(world: World, client: Client) -> None:
    SchoolSettings.objects.update(evidence_days=17)
    page = html.unescape(client.get("/privacy/").content.decode())
    for limit in retention.TIME_LIMITS:
        assert f'<th scope="row">{limit.what}</th>' in page
    for duration in ("17 days", "7 days", "24 hours", "at most 12 hours after the end of the session"):
        assert duration in page
