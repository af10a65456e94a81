"""Dashboards are told after COMMIT only, and a broken Redis never holds up the register."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Iterator
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from django.db import connection, transaction

from attendance import register
from attendance.models import Mark, Source
from attendance.register import broadcast
from launcher.processes import Child
from tests.world import World

pytestmark = pytest.mark.django_db(transaction=True)


def mark(world: World) -> register.Result:
    return register.mark(
        register.MarkRequest(
            session_id=world.session.pk,
            student_id=world.ann.pk,
            code="/",
            source=Source.TEACHER,
            actor=world.teacher,
            now=world.now,
        )
    )


async def heard_of(world: World, act: Any, *, ringing: bool) -> dict[str, Any]:
    """What a dashboard hears while `act` runs in a thread of its own; `ringing`: of a process that has sockets."""
    if ringing:
        broadcast.send_on(asyncio.get_running_loop())
    layer = get_channel_layer(broadcast.LAYER)
    channel = await layer.new_channel()
    await layer.group_add(broadcast.group_name(world.session.pk), channel)
    await asyncio.get_running_loop().run_in_executor(None, act)
    message: dict[str, Any] = await asyncio.wait_for(layer.receive(channel), 10)
    return message


@pytest.mark.parametrize("ringing", [False, True])
def test_a_mark_is_told_once_it_is_committed(world: World, ringing: bool) -> None:
    def act() -> None:
        try:
            with transaction.atomic():
                mark(world)
                transaction.set_rollback(True)
            mark(world)
        finally:
            connection.close()

    event = async_to_sync(heard_of)(world, act, ringing=ringing)
    message = event["message"]
    assert event["type"] == "register.event"
    assert (message["type"], message["code"], message["version"]) == ("mark", "/", 1)
    assert message["student"] == {"id": str(world.ann.pk), "name": "Ann Ash"}
    assert message["mark"] == str(Mark.objects.get().pk)


@pytest.fixture
def stuck(valkey: Child, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Valkey accepts connections and answers none of them."""
    monkeypatch.setattr(broadcast, "_paused_until", 0.0)
    os.kill(valkey.process.pid, signal.SIGSTOP)
    yield
    os.kill(valkey.process.pid, signal.SIGCONT)


@pytest.mark.clock
def test_a_stuck_redis_does_not_hold_up_a_mark(world: World, stuck: None) -> None:
    begun = time.monotonic()
    assert mark(world).written
    assert broadcast.SEND_SECONDS * 0.9 < time.monotonic() - begun < broadcast.SEND_SECONDS + 3
    assert Mark.objects.get().letter == "/"


@pytest.mark.clock
def test_where_there_are_sockets_a_stuck_redis_holds_up_no_mark_at_all(world: World, stuck: None) -> None:
    async def marked() -> float:
        broadcast.send_on(asyncio.get_running_loop())
        begun = time.monotonic()
        assert (await asyncio.to_thread(in_thread)).written
        took = time.monotonic() - begun
        # Until the bell has given up, so that nothing is left behind.
        await asyncio.sleep(broadcast.SEND_SECONDS + 0.2)
        return took

    def in_thread() -> register.Result:
        try:
            return mark(world)
        finally:
            connection.close()

    assert asyncio.run(marked()) < broadcast.SEND_SECONDS / 2
    assert Mark.objects.get().letter == "/"


@pytest.mark.clock
def test_a_stuck_redis_holds_up_a_whole_register_no_longer_than_one_mark(world: World, stuck: None) -> None:
    begun = time.monotonic()
    register.sign(session_id=world.session.pk, actor=world.teacher, now=world.now, unmarked="N")
    assert time.monotonic() - begun < broadcast.SEND_SECONDS + 3
    assert Mark.objects.count() == len(world.students)
