"""The history of marks, signatures and the audit record cannot be changed, and evidence expires."""

from __future__ import annotations

import datetime as dt

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from attendance import register, tasks
from attendance.core import audit
from attendance.models import (
    AuditEvent,
    Blob,
    Evidence,
    Mark,
    MarkEvent,
    SchoolClass,
    SchoolSettings,
    Session,
    Source,
)
from attendance.register import evidence
from tests.world import World

pytestmark = pytest.mark.django_db

TABLES = ("attendance_markevent", "attendance_auditevent")


@pytest.fixture
def written(world: World) -> World:
    register.mark(
        register.MarkRequest(
            session_id=world.session.pk,
            student_id=world.ann.pk,
            code="/",
            source=Source.TEACHER,
            actor=world.teacher,
            now=world.now,
        )
    )
    audit.record(world.administrator, "photograph_viewed", world.ann)
    return world


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("order", ["UPDATE {} SET id = id", "DELETE FROM {}", "TRUNCATE {} CASCADE"])
def test_history_is_append_only(written: World, table: str, order: str) -> None:
    with connection.cursor() as cursor:
        # TRUNCATE would otherwise trip over the foreign keys that this transaction has yet to check.
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    with pytest.raises(IntegrityError, match="append-only"):
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(order.format(table))
    assert MarkEvent.objects.count() == AuditEvent.objects.count() == 1


@pytest.mark.parametrize("table", TABLES)
def test_audited_purge_may_delete_history(written: World, table: str) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL rollcall.purge = 'on'")
        cursor.execute(f"DELETE FROM {table}")
        assert cursor.rowcount == 1


@pytest.mark.django_db(transaction=True)
def test_right_to_purge_ends_with_its_transaction(world: World) -> None:
    audit.record(None, "photograph_viewed", world.ann)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL rollcall.purge = 'on'")
    with pytest.raises(IntegrityError, match="append-only"), connection.cursor() as cursor:
        cursor.execute("DELETE FROM attendance_auditevent")


def marked_with_evidence(world: World, now: dt.datetime) -> tuple[MarkEvent, Evidence]:
    """Mark Ann by the camera."""
    done = register.mark(
        register.MarkRequest(
            session_id=world.session.pk,
            student_id=world.ann.pk,
            code=register.ARRIVED,
            source=Source.CAMERA,
            actor=None,
            now=now,
            evidence=register.MatchEvidence(0.3, None, None, 3, 2, "space", crop=b"jpeg"),
        )
    )
    assert done.event is not None
    return done.event, done.event.evidence


@pytest.mark.parametrize("days", [None, 7])
def test_evidence_is_deleted_after_the_schools_days_and_the_mark_stays(
    world: World, days: int | None
) -> None:
    if days is not None:
        SchoolSettings.objects.update_or_create(pk=1, defaults={"evidence_days": days})
    event, kept = marked_with_evidence(world, world.now)
    end = world.now + dt.timedelta(days=days or 30)
    assert evidence.expire(now=end - dt.timedelta(seconds=1)) == 0
    assert Evidence.objects.filter(pk=kept.pk).exists()
    assert evidence.expire(now=end) == 1
    assert not Evidence.objects.filter(pk=kept.pk).exists()
    assert kept.crop is not None
    assert not Blob.objects.filter(pk=kept.crop.pk).exists()
    assert MarkEvent.objects.filter(pk=event.pk).exists()
    assert Mark.objects.get(session=world.session, student=world.ann).code == event.to_code


def test_timed_task_deletes_expired_evidence(world: World) -> None:
    _, old = marked_with_evidence(world, world.now)
    Evidence.objects.filter(pk=old.pk).update(expires_at=timezone.now())
    tasks.delete_expired.run()
    assert not Evidence.objects.filter(pk=old.pk).exists()
    assert Mark.objects.filter(session=world.session, student=world.ann).exists()
    assert "attendance.tasks.delete_expired" in {entry["task"] for entry in tasks.BEAT_SCHEDULE.values()}


def test_form_with_an_old_row_does_not_lower_versions(world: World) -> None:
    stale = SchoolClass.objects.get(pk=world.school_class.pk)
    SchoolClass.objects.filter(pk=stale.pk).raise_gallery_version()
    stale.year_group = "12"
    stale.save()
    assert SchoolClass.objects.get(pk=stale.pk).gallery_version == stale.gallery_version + 1
    session = Session.objects.get(pk=world.session.pk)
    Session.objects.filter(pk=session.pk).update(version=7)
    session.save()
    assert Session.objects.get(pk=session.pk).version == 7
