"""Events while a dashboard reads the register: the socket inside this process, on the real database."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from channels.testing import WebsocketCommunicator
from django.db import OperationalError

from attendance.core import db_threads
from attendance.people import memberships
from attendance.register import broadcast, state
from attendance.register.description import RegisterState
from attendance.sockets import dashboard, hub
from attendance.sockets.dashboard import DashboardConsumer
from tests.sockets.in_process import mark_ann
from tests.sockets.serving import Message
from tests.world import World

State = Callable[..., Message]


@pytest.fixture(autouse=True)
def no_threads_left() -> Any:
    yield
    db_threads.DB_THREADS.close()


@pytest.fixture(autouse=True)
def no_bell(monkeypatch: pytest.MonkeyPatch) -> None:
    """Connect a dashboard that gets only the events that the test publishes."""
    monkeypatch.setattr(broadcast, "publish_on_commit", lambda _session, _message: None)


@asynccontextmanager
async def dashboard_socket(school: World, authorization: bytes) -> AsyncIterator[WebsocketCommunicator]:
    socket = WebsocketCommunicator(
        DashboardConsumer.as_asgi(), "/ws/", headers=[(b"authorization", authorization)]
    )
    socket.scope["url_route"] = {"kwargs": {"session_id": school.session.pk}}
    assert (await socket.connect())[0]
    yield socket
    await socket.disconnect()


def letter_of(state: Message) -> str | None:
    (found,) = (each["mark"] for each in state["students"] if each["name"] == "Ann Ash")
    return None if found is None else str(found["code"])


async def test_mark_during_the_first_reading_is_sent(
    school: World, authorization: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    read, session_hub, loop, letters = state.register_state, hub.hub(), asyncio.get_running_loop(), ["/"]

    def read_then_marked(*args: Any, **given: Any) -> RegisterState:
        state = read(*args, **given)
        if letters:
            loop.call_soon_threadsafe(session_hub.publish, school.session.pk, mark_ann(school, letters.pop()))
        return state

    monkeypatch.setattr(state, "register_state", read_then_marked)
    async with dashboard_socket(school, authorization) as socket:
        first = await socket.receive_json_from(10)
        second = await socket.receive_json_from(10)
    assert (first["type"], letter_of(first)) == ("register", None)
    assert (second["type"], letter_of(second)) == ("register", "/")
    assert second["version"] == first["version"] + 1


async def test_gap_during_a_reading_causes_another_reading(
    school: World, authorization: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    read, session_hub, loop, letters = (
        state.register_state,
        hub.hub(),
        asyncio.get_running_loop(),
        ["I", "L", "/"],
    )

    def read_then_marked(*args: Any, **given: Any) -> RegisterState:
        state = read(*args, **given)
        if letters:
            loop.call_soon_threadsafe(session_hub.publish, school.session.pk, mark_ann(school, letters.pop()))
        return state

    monkeypatch.setattr(state, "register_state", read_then_marked)
    async with dashboard_socket(school, authorization) as socket:
        found = [letter_of(await socket.receive_json_from(10)) for _ in range(4)]
    assert found == [None, "/", "L", "I"]


async def test_database_failure_is_reported_once_and_reading_repeated(
    school: World, authorization: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dashboard, "POLL_SECONDS", 0.05)
    read, session_hub, faults = state.register_state, hub.hub(), [3]

    def away(*args: Any, **given: Any) -> RegisterState:
        if faults[0]:
            faults[0] -= 1
            raise OperationalError("the database is away")
        return read(*args, **given)

    async with dashboard_socket(school, authorization) as socket:
        version = (await socket.receive_json_from(10))["version"]
        monkeypatch.setattr(state, "register_state", away)
        # Two changes, of which only the second is told of.
        await db_threads.db(mark_ann, school, "L")
        session_hub.publish(school.session.pk, await db_threads.db(mark_ann, school, "/"))
        fault = await socket.receive_json_from(10)
        assert (fault["type"], fault["code"]) == ("error", "unavailable")
        told_now = await socket.receive_json_from(10)
    assert (told_now["type"], told_now["version"], letter_of(told_now)) == ("register", version + 2, "/")
    assert faults == [0]


async def test_student_who_joins_the_class_appears_in_an_open_register(
    school: World, authorization: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub, "POLL_SECONDS", 0.05)

    def joins() -> None:
        memberships.add(
            student_id=school.eve.pk,
            class_id=school.school_class.pk,
            starts_on=school.session.date,
            actor=school.registrar,
        )

    async with dashboard_socket(school, authorization) as socket:
        first = await socket.receive_json_from(10)
        await db_threads.db(joins)
        second = await socket.receive_json_from(10)
    assert (second["type"], second["version"]) == ("register", first["version"])
    names = [each["name"] for each in second["students"]]
    assert names == [*(each["name"] for each in first["students"]), "Eve Elm"]
