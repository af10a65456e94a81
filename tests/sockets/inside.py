"""A camera's socket inside this process, on the real database; what its frames show is said by the test."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from channels.testing import WebsocketCommunicator

from attendance.models import Student
from attendance.register.description import MarkMessage
from attendance.register.state import mark_message
from attendance.sockets import camera
from recognition.engine.types import SPACE, Array, Decision, Match, State
from recognition.streams.frame_results import (
    CameraContext,
    FrameFace,
    FrameResult,
    RecognisedTrack,
    UncertainTrack,
)
from recognition.streams.pacing import Adviser
from recognition.streams.queue import Frame, FrameQueue
from recognition.telemetry.monitor import Monitor
from tests.sockets.serving import Message, frame
from tests.world import World, by_hand, vector

WAIT = 20.0
DEADLINE = 5.0
FRAME_SECONDS = 0.03


def passed() -> threading.Event:
    """An event that has happened."""
    event = threading.Event()
    event.set()
    return event


@dataclass(slots=True, eq=False)
class Gate:
    """A function of the house that goes on when the test lets it."""

    real: Callable[..., Any]
    entered: threading.Event = field(default_factory=threading.Event)
    free: threading.Event = field(default_factory=threading.Event)

    def __call__(self, *args: Any, **given: Any) -> Any:
        self.entered.set()
        assert self.free.wait(WAIT)
        return self.real(*args, **given)


@dataclass(slots=True, eq=False)
class Eyes:
    """The recogniser's place: gives out what the test laid down, one for each frame; None is a fault."""

    laid: list[FrameResult | None] = field(default_factory=list)
    views: list[CameraContext] = field(default_factory=list)
    gate: Gate = field(default_factory=lambda: Gate(lambda: None, free=passed()))

    def work(self, frames: Sequence[Frame[CameraContext]]) -> list[FrameResult | None]:
        self.gate()
        self.views += [each.state for each in frames]
        return [self.laid.pop(0) for _ in frames]

    def shows(
        self, *, claims: Sequence[RecognisedTrack] = (), questions: Sequence[UncertainTrack] = ()
    ) -> None:
        faces = [
            FrameFace((1, 2, 3, 4), track, decision)
            for track, decision in (
                *((each.track, each.decision) for each in claims),
                *((each.track, each.decision) for each in questions),
            )
        ]
        self.laid.append(FrameResult(tuple(faces), tuple(claims), tuple(questions), SPACE, {}))


@dataclass(frozen=True, slots=True, eq=False)
class Whole:
    """In `live.Live`'s place."""

    streams: Any


class FixedCost(Adviser):
    """An adviser to which every frame costs FRAME_SECONDS, however fast this machine is."""

    def record(self, seconds: float, frames: int) -> None:
        super().record(FRAME_SECONDS * frames, frames)


def streams_of(eyes: Eyes) -> Any:
    """One thread; a frame is worth nothing after DEADLINE seconds."""
    adviser = FixedCost(workers=1, largest_side=640, quality=85, seconds=FRAME_SECONDS)
    return FrameQueue(eyes.work, workers=1, monitor=Monitor(), adviser=adviser, deadline=DEADLINE)


@asynccontextmanager
async def filming(
    school: World, authorization: bytes = b"", **headers: str
) -> AsyncIterator[WebsocketCommunicator]:
    """The camera's socket, connected, with a token or with these headers."""
    given = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    if authorization:
        given.append((b"authorization", authorization))
    socket = WebsocketCommunicator(camera.CameraConsumer.as_asgi(), "/ws/", headers=given)
    socket.scope["url_route"] = {"kwargs": {"session_id": school.session.pk}}
    assert (await socket.connect(WAIT))[0]
    yield socket
    await socket.disconnect()


async def hear(socket: WebsocketCommunicator, kind: str) -> Message:
    """The next message, which is of that type."""
    said: Message = await socket.receive_json_from(WAIT)
    assert said["type"] == kind, said
    return said


async def show(socket: WebsocketCommunicator, seq: int = 1) -> Message:
    await socket.send_to(bytes_data=frame(seq, b"a picture"))
    return await hear(socket, "result")


def marks_ann(school: World, letter: str | None = "/") -> MarkMessage:
    """The teacher marks Ann, or takes her mark back; the event of it."""
    result = by_hand(school, school.ann, letter)
    assert result.mark is not None
    return mark_message(result.mark, result.version)


def claim_of(student: Student, track: int = 1) -> RecognisedTrack:
    decision = Decision(State.RECOGNISED, str(student.pk), 0.2, 0.3, 0.99, 5, (Match(str(student.pk), 0.2),))
    return RecognisedTrack(track, str(student.pk), decision, 3, vector(1), b"a crop")


def question_of(first: Student, second: Student, template: Array, track: int) -> UncertainTrack:
    candidates = (Match(str(first.pk), 0.30), Match(str(second.pk), 0.32))
    return UncertainTrack(
        track, Decision(State.UNCERTAIN, None, 0.3, 0.02, 0.7, 3, candidates), template, b"crop"
    )


async def reached(gate: Gate) -> None:
    assert await asyncio.to_thread(gate.entered.wait, WAIT)
