"""Cameras that stop in mid-message, never read, or send invalid data do not affect others."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest
from autobahn.exception import Disconnected
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection

from attendance.sockets.base import SessionConsumer
from tests.sockets.serving import PATIENCE, Served, frame, receive
from tests.world import World

pytestmark = pytest.mark.fault
# The header of a binary message of 10,000 bytes, and its first hundred bytes.
HALF_A_MESSAGE = b"\x82\xfe\x27\x10" + b"mask" + b"x" * 100
ROUNDS = 8


@contextmanager
def sending(stream: ClientConnection, data: bytes, per_second: float) -> Iterator[None]:
    """Send that message repeatedly during the block, which begins with the first; do not read the answers."""
    begun, ends = threading.Event(), threading.Event()

    def send() -> None:
        with suppress(ConnectionClosed):
            while not ends.wait(1 / per_second):
                stream.send(data)
                begun.set()

    thread = threading.Thread(target=send)
    thread.start()
    try:
        assert begun.wait(PATIENCE)
        yield
    finally:
        ends.set()
        thread.join()


def answered(stream: ClientConnection, picture: bytes) -> float:
    """Check that each frame gets its result, and return the seconds of the slowest."""
    slowest = 0.0
    for seq in range(ROUNDS):
        began = time.monotonic()
        stream.send(frame(seq, picture))
        assert receive(stream, "result")["seq"] == seq
        slowest = max(slowest, time.monotonic() - began)
    return slowest


def test_stalled_or_broken_camera_leaves_other_cameras(
    server: Served, school: World, camera_path: str, blank: bytes
) -> None:
    with (
        server.token(camera_path, school.teacher) as stalled,
        server.token(camera_path, school.teacher) as rubbish,
        server.token(camera_path, school.teacher) as deaf,
        server.token(camera_path, school.teacher) as calm,
    ):
        for stream in (stalled, rubbish, deaf, calm):
            receive(stream, "ready")
        usual = answered(calm, blank)
        stalled.socket.sendall(HALF_A_MESSAGE)
        with (
            sending(rubbish, frame(1, os.urandom(20_000)), 20),
            sending(deaf, frame(1, blank), 20),
        ):
            assert answered(calm, blank) < usual + 1.5
        assert receive(rubbish, "error")["code"] == "bad_frame"
        assert receive(deaf, "result")["seq"] == 1
        stalled.socket.close()
        assert answered(calm, blank) < usual + 1.5


async def test_answer_to_a_disconnected_camera_is_no_error() -> None:
    consumer = SessionConsumer()

    async def gone(_message: object) -> None:
        raise Disconnected("Attempt to send on a closed protocol")

    consumer.base_send = gone
    await consumer.send_message({"type": "result"})
    consumer.base_send = broken
    with pytest.raises(ZeroDivisionError):
        await consumer.send_message({"type": "result"})


async def broken(_message: object) -> None:
    raise ZeroDivisionError
