"""Events of marks are sent to dashboards after COMMIT only, and a broken Redis does not delay the register."""

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
from attendance.register import broadcast, signing
from launcher.processes import Child
from recognition.process import PROCESS
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


async def received_event(world: World, action: Any, *, with_sockets: bool) -> dict[str, Any]:
    """Return the event that a dashboard receives while `action` runs in a thread, with or without sockets."""
    if with_sockets:
        broadcast.BROADCASTER.get().send_on(asyncio.get_running_loop())
    layer = get_channel_layer(broadcast.LAYER)
    channel = await layer.new_channel()
    await layer.group_add(broadcast.group_name(world.session.pk), channel)
    await asyncio.get_running_loop().run_in_executor(None, action)
    message: dict[str, Any] = await asyncio.wait_for(layer.receive(channel), 10)
    return message


@pytest.mark.parametrize("with_sockets", [False, True])
def test_mark_is_broadcast_after_commit_only(world: World, with_sockets: bool) -> None:
    def mark_twice() -> None:
        try:
            with transaction.atomic():
                mark(world)
                transaction.set_rollback(True)
            mark(world)
        finally:
            connection.close()

    event = async_to_sync(received_event)(world, mark_twice, with_sockets=with_sockets)
    message = event["message"]
    assert event["type"] == "register.event"
    assert (message["type"], message["code"], message["version"]) == ("mark", "/", 1)
    assert message["student"] == {"id": str(world.ann.pk), "name": "Ann Ash"}
    assert message["mark"] == str(Mark.objects.get().pk)


@pytest.fixture
def stuck(valkey: Child, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Stop Valkey: it accepts connections and answers none."""
    monkeypatch.setattr(broadcast, "BROADCASTER", PROCESS.part(broadcast.Broadcaster))
    os.kill(valkey.process.pid, signal.SIGSTOP)
    yield
    os.kill(valkey.process.pid, signal.SIGCONT)


@pytest.mark.clock
def test_mark_is_not_delayed_by_a_stuck_redis(world: World, stuck: None) -> None:
    begun = time.monotonic()
    assert mark(world).written
    assert broadcast.SEND_SECONDS * 0.9 < time.monotonic() - begun < broadcast.SEND_SECONDS + 3
    assert Mark.objects.get().letter == "/"


@pytest.mark.clock
def test_mark_in_a_process_with_sockets_is_not_delayed_by_a_stuck_redis(world: World, stuck: None) -> None:
    async def marked() -> float:
        broadcast.BROADCASTER.get().send_on(asyncio.get_running_loop())
        begun = time.monotonic()
        assert (await asyncio.to_thread(in_thread)).written
        took = time.monotonic() - begun
        # Wait until sending has been given up, so that nothing of it runs during later tests.
        sending = asyncio.all_tasks() - {asyncio.current_task()}
        assert sending
        await asyncio.wait(sending)
        return took

    def in_thread() -> register.Result:
        try:
            return mark(world)
        finally:
            connection.close()

    assert asyncio.run(marked()) < broadcast.SEND_SECONDS / 2
    assert Mark.objects.get().letter == "/"


@pytest.mark.clock
def test_many_marks_wait_for_a_stuck_redis_no_longer_than_one(world: World, stuck: None) -> None:
    begun = time.monotonic()
    signing.sign(session_id=world.session.pk, actor=world.teacher, now=world.now, unmarked="N")
    assert time.monotonic() - begun < broadcast.SEND_SECONDS + 3
    assert Mark.objects.count() == len(world.students)
