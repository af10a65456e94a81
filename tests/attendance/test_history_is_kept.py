"""What was written of marks and acts cannot be unwritten, whoever asks the database."""

from __future__ import annotations

import datetime as dt

import pytest
from django.db import IntegrityError, connection, transaction

from attendance import audit, evidence, register
from attendance.models import AuditEvent, MarkEvent, SchoolClass, Session, Source
from tests.world import World

pytestmark = pytest.mark.django_db

TABLES = ("attendance_markevent", "attendance_auditevent")


@pytest.fixture
def written(world: World) -> World:
    register.mark(
        session_id=world.session.pk,
        student_id=world.ann.pk,
        letter="/",
        source=Source.TEACHER,
        actor=world.teacher,
        now=world.now,
    )
    audit.record(world.administrator, "looked", world.ann)
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
def test_the_audited_purge_may_remove(written: World, table: str) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL rollcall.purge = 'on'")
        cursor.execute(f"DELETE FROM {table}")
        assert cursor.rowcount == 1


@pytest.mark.django_db(transaction=True)
def test_the_right_to_purge_ends_with_its_transaction(world: World) -> None:
    audit.record(None, "looked", world.ann)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL rollcall.purge = 'on'")
    with pytest.raises(IntegrityError, match="append-only"), connection.cursor() as cursor:
        cursor.execute("DELETE FROM attendance_auditevent")


def test_expired_evidence_goes_and_the_mark_stays(world: World) -> None:
    seen = evidence.Seen(0.3, None, None, 3, 2, "space", crop=b"jpeg")
    done = register.mark(
        session_id=world.session.pk,
        student_id=world.ann.pk,
        letter=register.ARRIVED,
        source=Source.CAMERA,
        actor=None,
        now=world.now,
        seen=seen,
    )
    assert done.event is not None
    kept = done.event.evidence
    assert evidence.expire(now=kept.expires_at - dt.timedelta(seconds=1)) == 0
    assert evidence.expire(now=kept.expires_at) == 1
    assert MarkEvent.objects.filter(pk=done.event.pk).exists()
    assert kept.crop is not None
    assert not type(kept.crop).objects.filter(pk=kept.crop.pk).exists()


def test_a_form_with_an_old_row_does_not_turn_versions_back(world: World) -> None:
    stale = SchoolClass.objects.get(pk=world.school_class.pk)
    SchoolClass.objects.filter(pk=stale.pk).raise_gallery_version()
    stale.room = "12"
    stale.save()
    assert SchoolClass.objects.get(pk=stale.pk).gallery_version == stale.gallery_version + 1
    session = Session.objects.get(pk=world.session.pk)
    Session.objects.filter(pk=session.pk).update(version=7)
    session.save()
    assert Session.objects.get(pk=session.pk).version == 7
