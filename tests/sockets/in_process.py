"""A camera's socket inside this process, on the real database; the test decides what its frames show."""

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


def set_event() -> threading.Event:
    """Return an event that is set."""
    event = threading.Event()
    event.set()
    return event


@dataclass(slots=True, eq=False)
class Gate:
    """Replaces a function: it waits until the test lets it continue."""

    real: Callable[..., Any]
    entered: threading.Event = field(default_factory=threading.Event)
    may_continue: threading.Event = field(default_factory=threading.Event)

    def __call__(self, *args: Any, **given: Any) -> Any:
        self.entered.set()
        assert self.may_continue.wait(WAIT)
        return self.real(*args, **given)


@dataclass(slots=True, eq=False)
class FakeRecogniser:
    """Replaces the recogniser: returns the results that the test prepared, one for each frame; None is a failure."""

    results: list[FrameResult | None] = field(default_factory=list)
    views: list[CameraContext] = field(default_factory=list)
    gate: Gate = field(default_factory=lambda: Gate(lambda: None, may_continue=set_event()))

    def work(self, frames: Sequence[Frame[CameraContext]]) -> list[FrameResult | None]:
        self.gate()
        self.views += [frame.state for frame in frames]
        return [self.results.pop(0) for _ in frames]

    def next_result(
        self, *, claims: Sequence[RecognisedTrack] = (), questions: Sequence[UncertainTrack] = ()
    ) -> None:
        faces = [
            FrameFace((1, 2, 3, 4), track, decision)
            for track, decision in (
                *((claim.track, claim.decision) for claim in claims),
                *((question.track, question.decision) for question in questions),
            )
        ]
        self.results.append(FrameResult(tuple(faces), tuple(claims), tuple(questions), SPACE, {}))


@dataclass(frozen=True, slots=True, eq=False)
class FakePipeline:
    """Replaces `runtime.LivePipeline`."""

    streams: Any


class FixedCost(Adviser):
    """An adviser for which each frame costs FRAME_SECONDS, however fast this machine is."""

    def record(self, seconds: float, frames: int) -> None:
        super().record(FRAME_SECONDS * frames, frames)


def queue_of(recogniser: FakeRecogniser) -> Any:
    """Return a queue with one thread; frames expire after DEADLINE seconds."""
    adviser = FixedCost(workers=1, largest_side=640, quality=85, seconds=FRAME_SECONDS)
    return FrameQueue(recogniser.work, workers=1, monitor=Monitor(), adviser=adviser, deadline=DEADLINE)


@asynccontextmanager
async def camera_socket(
    school: World, authorization: bytes = b"", **headers: str
) -> AsyncIterator[WebsocketCommunicator]:
    """Connect a camera's socket with a token or with these headers."""
    given = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    if authorization:
        given.append((b"authorization", authorization))
    socket = WebsocketCommunicator(camera.CameraConsumer.as_asgi(), "/ws/", headers=given)
    socket.scope["url_route"] = {"kwargs": {"session_id": school.session.pk}}
    assert (await socket.connect(WAIT))[0]
    yield socket
    await socket.disconnect()


async def receive(socket: WebsocketCommunicator, kind: str) -> Message:
    """Return the next message, which must be of that type."""
    message: Message = await socket.receive_json_from(WAIT)
    assert message["type"] == kind, message
    return message


async def send_frame(socket: WebsocketCommunicator, seq: int = 1) -> Message:
    await socket.send_to(bytes_data=frame(seq, b"a picture"))
    return await receive(socket, "result")


def mark_ann(school: World, letter: str | None = "/") -> MarkMessage:
    """Mark Ann by hand, or remove her mark with None, and return the event."""
    result = by_hand(school, school.ann, letter)
    assert result.mark is not None
    return mark_message(result.mark, result.version)


def recognised_track(student: Student, track: int = 1) -> RecognisedTrack:
    decision = Decision(State.RECOGNISED, str(student.pk), 0.2, 0.3, 0.99, 5, (Match(str(student.pk), 0.2),))
    return RecognisedTrack(track, str(student.pk), decision, 3, vector(1), b"a crop")


def uncertain_track(first: Student, second: Student, template: Array, track: int) -> UncertainTrack:
    candidates = (Match(str(first.pk), 0.30), Match(str(second.pk), 0.32))
    return UncertainTrack(
        track, Decision(State.UNCERTAIN, None, 0.3, 0.02, 0.7, 3, candidates), template, b"crop"
    )


async def wait_entered(gate: Gate) -> None:
    assert await asyncio.to_thread(gate.entered.wait, WAIT)
