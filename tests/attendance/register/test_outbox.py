"""The outbox: one event for each version of a register, written in the same transaction."""

from __future__ import annotations

import pytest
from django.db import connection, transaction

from attendance.models import OutboxEvent, Session
from attendance.register import signing
from tests.world import World, by_hand

pytestmark = pytest.mark.django_db


def events() -> list[tuple[str, object, int]]:
    return list(OutboxEvent.objects.order_by("id").values_list("kind", "key", "version"))


def test_version_of_a_register_has_one_outbox_event(world: World) -> None:
    by_hand(world, world.ann, "/")
    by_hand(world, world.ann, "N")
    by_hand(world, world.ann, "N")
    signing.sign(session_id=world.session.pk, actor=world.teacher, now=world.now)
    version = Session.objects.get(pk=world.session.pk).version
    assert version == 3
    assert events() == [("register", world.session.pk, number) for number in (1, 2, 3)]


def test_outbox_event_holds_the_transaction_that_wrote_it(world: World) -> None:
    by_hand(world, world.ann)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_current_xact_id()::text::bigint")
        (current,) = cursor.fetchone()
    assert OutboxEvent.objects.get().transaction == current


def test_rolled_back_mark_leaves_no_outbox_event(world: World) -> None:
    with transaction.atomic():
        by_hand(world, world.ann)
        transaction.set_rollback(True)
    assert events() == []
    by_hand(world, world.ann)
    assert events() == [("register", world.session.pk, 1)]
