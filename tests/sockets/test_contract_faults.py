"""The socket contract under failures: overload, no database, devices, floods."""

from __future__ import annotations

import asyncio
import itertools
from typing import Any

import pytest
from django.conf import settings
from django.db import OperationalError
from hypothesis import given
from hypothesis import strategies as st

from attendance.models import DeviceKind
from attendance.sockets import base
from attendance.sockets.camera import MAX_FRAME_BYTES
from attendance.sockets.rate_limit import BYTES_PER_SECOND, FLOOD_SECONDS, FRAMES_PER_SECOND, RateMeter
from recognition.engine.types import SPACE, Decision, Match, State
from recognition.streams import queue
from recognition.streams.frame_results import FrameFace, FrameResult
from tests.sockets import in_process
from tests.sockets.in_process import (
    WAIT,
    FakeRecogniser,
    Gate,
    camera_socket,
    receive,
    recognised_track,
    send_frame,
    wait_entered,
)
from tests.sockets.serving import Message, frame
from tests.sockets.test_access import device_cookie
from tests.world import World

ERROR = {"type", "code", "seq", "message", "extra"}
FACE = {"box", "track", "state", "student", "distance", "confidence", "looks"}
NOBODY = Decision(State.UNKNOWN, None, 0.61, 0.02, 0.01, 4, (Match("x", 0.61),))


@pytest.fixture
def expiring_frames(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let each frame expire at once."""
    monkeypatch.setattr(in_process, "DEADLINE", 0.0)


async def test_late_frame_is_answered_busy_with_its_number(
    expiring_frames: None, school: World, authorization: bytes, recogniser: FakeRecogniser
) -> None:
    recogniser.next_result()
    async with camera_socket(school, authorization) as socket:
        await receive(socket, "ready")
        await socket.send_to(bytes_data=frame(7, b"a picture"))
        said = await receive(socket, "error")
        assert said.keys() == ERROR
        assert (said["code"], said["seq"], said["extra"]) == ("busy", 7, {})
        assert said["message"]
        await socket.send_to(bytes_data=frame(8, b"a picture"))
        assert (await receive(socket, "error"))["seq"] == 8
    # Such a frame is not even looked at.
    assert recogniser.views == []


def test_frame_expires_after_one_second() -> None:
    assert queue.DEADLINE == 1.0


async def test_faces_have_no_names_while_the_database_does_not_answer(
    school: World, authorization: bytes, recogniser: FakeRecogniser
) -> None:
    away = Decision(State.UNAVAILABLE, None, None, None, None, 4, ())
    recogniser.results.append(FrameResult((FrameFace((1, 2, 3, 4), 9, away),), (), (), SPACE, {}))
    async with camera_socket(school, authorization) as socket:
        await receive(socket, "ready")
        (face,) = (await send_frame(socket))["faces"]
    assert face == {
        "box": [1, 2, 3, 4], "track": 9, "state": "unavailable", "student": None,
        "distance": None, "confidence": None, "looks": 4,
    }  # fmt: skip


async def test_face_has_the_members_of_the_contract(
    school: World, authorization: bytes, recogniser: FakeRecogniser
) -> None:
    claim = recognised_track(school.ann)
    unknown = FrameFace((5, 6, 7, 8), 2, NOBODY)
    recogniser.results.append(
        FrameResult((FrameFace((1, 2, 3, 4), 1, claim.decision), unknown), (), (), SPACE, {})
    )
    async with camera_socket(school, authorization) as socket:
        await receive(socket, "ready")
        named, other = (await send_frame(socket))["faces"]
    assert named.keys() == other.keys() == FACE
    assert named["student"] == {"id": str(school.ann.pk), "name": "Ann Ash"}
    assert (named["distance"], named["confidence"]) == (0.2, 0.99)
    assert (other["state"], other["student"], other["distance"]) == ("unknown", None, 0.61)


async def test_device_gets_names_and_marks_without_distances(
    school: World, recogniser: FakeRecogniser
) -> None:
    cookie = await asyncio.to_thread(_cookie, school)
    recogniser.next_result(claims=[recognised_track(school.ann)])
    async with camera_socket(school, Origin=settings.PUBLIC_URL[0], Cookie=cookie) as socket:
        await receive(socket, "ready")
        (face,) = (await send_frame(socket))["faces"]
        mark = await receive(socket, "mark")
    assert (face["distance"], face["confidence"]) == (None, None)
    assert face["student"]["name"] == "Ann Ash"
    assert mark.keys() == {"type", "student", "status", "on_premises", "code", "at", "mark", "version"}


def _cookie(school: World) -> str:
    from django.db import connections

    try:
        return device_cookie(school, DeviceKind.CAMERA)
    finally:
        connections.close_all()


async def test_dropped_frames_are_counted_in_the_next_answer(
    school: World, authorization: bytes, recogniser: FakeRecogniser
) -> None:
    recogniser.gate = Gate(lambda: None)
    for _ in range(2):
        recogniser.next_result()
    async with camera_socket(school, authorization) as socket:
        await receive(socket, "ready")
        await socket.send_to(bytes_data=frame(1, b"a picture"))
        await wait_entered(recogniser.gate)
        for seq in (2, 3, 4):
            await socket.send_to(bytes_data=frame(seq, b"a picture"))
        # The socket takes its messages in turn: with this answer the frames before it are in their place.
        await socket.send_to(text_data="no frame")
        await receive(socket, "error")
        recogniser.gate.may_continue.set()
        answers: list[Message] = [await receive(socket, "result") for _ in range(2)]
    assert [(each["seq"], each["dropped"]) for each in answers] == [(1, 0), (4, 2)]


async def test_connection_without_database_is_closed_1013(
    school: World, authorization: bytes, recogniser: FakeRecogniser, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_args: Any) -> None:
        raise OperationalError("the database is away")

    monkeypatch.setattr(base, "authorise", away)
    async with camera_socket(school, authorization) as socket:
        said = await receive(socket, "error")
        assert said.keys() == ERROR
        assert (said["code"], said["seq"]) == ("unavailable", None)
        assert await socket.receive_output(WAIT) == {"type": "websocket.close", "code": 1013}


@pytest.mark.parametrize(
    ("messages", "size", "seconds", "ends"),
    [
        (FRAMES_PER_SECOND + 1, 1000, FLOOD_SECONDS, True),
        (FRAMES_PER_SECOND, 1000, 3 * FLOOD_SECONDS, False),
        (FRAMES_PER_SECOND + 1, 1000, FLOOD_SECONDS - 1, False),
        (11, BYTES_PER_SECOND // 10, FLOOD_SECONDS, True),
        (10, BYTES_PER_SECOND // 10, 3 * FLOOD_SECONDS, False),
    ],
)
def test_flood_is_over_60_frames_or_20_mb_in_five_seconds_each(
    messages: int, size: int, seconds: int, ends: bool
) -> None:
    meter = RateMeter()
    found = [
        meter.flooded(size, second + each / messages) for second in range(seconds) for each in range(messages)
    ]
    assert not any(found)
    assert meter.flooded(size, float(seconds)) == ends
    assert (FRAMES_PER_SECOND, BYTES_PER_SECOND, FLOOD_SECONDS) == (60, 20_000_000, 5)


def test_flood_ends_with_a_second_below_the_limits() -> None:
    meter = RateMeter()
    seconds = (0, 1, 2, 3, 5, 6, 7, 8)
    assert not any(meter.flooded(1, second + each / 61) for second in seconds for each in range(61))
    assert not meter.flooded(1, 9.0)


@given(
    size=st.integers(5, MAX_FRAME_BYTES),
    takes=st.lists(st.floats(0, 0.03), min_size=1, max_size=5),
    began=st.floats(100, 101),
)
def test_client_that_waits_for_answers_never_floods(size: int, takes: list[float], began: float) -> None:
    """Also with fast answers: those of an empty view take two milliseconds."""
    meter, now = RateMeter(), began
    for take in itertools.islice(itertools.cycle(takes), FRAMES_PER_SECOND * 2 * FLOOD_SECONDS):
        assert not meter.flooded(size, now)
        now += take
        now += meter.pause(now)


def test_answers_at_thirty_frames_per_second_come_before_the_next_frame() -> None:
    meter = RateMeter()
    for each in range(1, 90):
        meter.flooded(80_000, 5 + each / 30)
        assert 0.002 + meter.pause(5 + each / 30 + 0.002) < 1 / 30
