"""The socket of a camera: frames in, one answer for each, and the marks and reviews that follow."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, ClassVar, Final
from uuid import uuid4

from django.utils.translation import gettext as _

from attendance.access.socket_auth import AccessDenied
from attendance.core.db_threads import NOT_ANSWERING, db
from attendance.core.errors import Refused
from attendance.core.policy import Action
from attendance.live import camera_marks, review_queue, runtime
from attendance.live.camera_state import LATEST_RESULTS
from attendance.models import DeviceKind, Session
from attendance.register.description import Message, Visitor
from attendance.register.device_view import message_for_device
from attendance.register.state import session_state
from attendance.sockets import messages
from attendance.sockets.base import SessionConsumer
from attendance.sockets.rate_limit import CLOSE_CODE, RateMeter
from recognition.streams.frame_results import (
    CameraContext,
    FrameError,
    FrameResult,
    MatchRules,
    RecognisedTrack,
    UncertainTrack,
)
from recognition.streams.queue import FrameAnswer

logger = logging.getLogger(__name__)

# A frame begins with its number.
SEQ_BYTES: Final = 4
MAX_FRAME_BYTES: Final = 2 * 1024 * 1024 + SEQ_BYTES
# Seconds between checks whether the advised frame rate and size changed; frames may be further apart.
ADVICE_SECONDS: Final = 2.0
# Codes of the engine that clients know as `too_large`.
TOO_LARGE: Final = frozenset({"too_large", "too_many_pixels"})


class CameraConsumer(SessionConsumer):
    """Puts frames into the camera's slot of the queue, and sends answers as they come; never waits for recognition."""

    action: ClassVar[Action] = Action.RUN_SESSION
    kinds: ClassVar[tuple[DeviceKind, ...]] = (DeviceKind.CAMERA, DeviceKind.KIOSK)

    async def on_open(self) -> None:
        """Take a place in the queue and send `ready` with the advice."""
        # Events that come before the socket is ready.
        self.early_events: list[Message] | None = []
        self.reading_rules = self.rules_changed = False
        self.dropped = 0
        self.meter = RateMeter()
        # Read again, now that events arrive: what changed since the first check is in here, later changes are events.
        self.principal = await self.check_access()
        session = self.principal.session
        self.state: str = session.state
        self.names: Mapping[str, str] = await db(camera_marks.names, session)
        self.visitors: Mapping[str, Visitor] = {}
        self.context = CameraContext(str(session.school_class_id), rules=await self.rules())
        # Numbers of tracks are unique within a connection, so reviews need a label that is unique to it.
        self.label = f"{self.principal.name[:60]} · {uuid4().hex[:8]}"
        await self.open_stream()
        await self.send_message(
            {
                "type": "ready",
                "protocol": messages.PROTOCOL,
                "session": session_state(session),
                "advice": messages.advice_state(self.advice),
            }
        )
        self.start_task(self.answer_frames())
        self.start_task(self.keep_advising())
        early_events, self.early_events = self.early_events, None
        for message in early_events:
            self.on_event(message)
        if self.rules_changed:
            self.reload_rules()

    async def open_stream(self) -> None:
        """Take a place in the queue. Recognition threads put their answers into `self.answers`."""
        loop = asyncio.get_running_loop()
        self.answers: asyncio.Queue[FrameAnswer[FrameResult | FrameError]] = asyncio.Queue()
        streams = (await asyncio.to_thread(runtime.live_pipeline)).streams
        self.streams = streams

        def answered(answer: FrameAnswer[FrameResult | FrameError]) -> None:
            if not loop.is_closed():
                loop.call_soon_threadsafe(self.answers.put_nowait, answer)

        self.camera = streams.open(self.context, answered)
        self.advice = streams.advice()

    def on_end(self) -> None:
        """Give up the place in the queue."""
        if hasattr(self, "camera"):
            self.camera.close()
            LATEST_RESULTS.get().forget(self.session_id, self.label)

    async def on_checked(self) -> None:
        """Read names, rules and the session's state again: not every change of them is sent as an event."""
        self.state = self.principal.session.state
        self.names = await db(camera_marks.names, self.principal.session)
        self.reload_rules()

    async def rules(self) -> MatchRules:
        """Return the session's rules. Only people at the page, no device or token, see names from other classes."""
        at_page = self.principal.device is None and self.credentials.token is None
        return await db(camera_marks.rules, self.principal.session, visitors=at_page)

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        """Take a frame: four bytes of number, big-endian, then a JPEG or PNG."""
        if not self.open:
            return
        data = bytes_data or b""
        if self.meter.flooded(len(data) or len(text_data or ""), time.monotonic()):
            await self.end(CLOSE_CODE)
            return
        seq = int.from_bytes(data[:SEQ_BYTES], "big") if len(data) >= SEQ_BYTES else None
        if seq is None or len(data) == SEQ_BYTES:
            await self.send_error(
                "bad_frame", _("Send frames only: a number of four bytes, then a JPEG or PNG."), seq
            )
        elif len(data) > MAX_FRAME_BYTES:
            await self.send_error("too_large", _("A frame may be at most 2 MiB. Send a smaller image."), seq)
        elif self.state != Session.State.OPEN:
            await self.send_error("session_closed", _("The session is not open. Start it first."), seq)
        elif not self.camera.put(seq, data[SEQ_BYTES:]):
            await self.send_error("unavailable", _("The server is stopping. Connect again in a moment."), seq)

    async def answer_frames(self) -> None:
        """Send the answers in the order in which the recognition threads gave them."""
        while True:
            answer = await self.answers.get()
            await self.delay(answer)
            self.dropped += answer.dropped
            if isinstance(answer.result, FrameResult):
                await self.send_result(answer, answer.result)
            elif isinstance(answer.result, FrameError):
                code = "too_large" if answer.result.code in TOO_LARGE else "bad_frame"
                await self.send_error(code, answer.result.message, answer.seq, reason=answer.result.code)
            elif answer.late:
                await self.send_error("busy", _("Too many cameras at once. Send fewer frames."), answer.seq)
            else:
                await self.send_error("unavailable", _("The frame could not be analysed."), answer.seq)
            await self.advise()

    async def delay(self, answer: FrameAnswer[FrameResult | FrameError]) -> None:
        """Wait before an answer, so that a camera that waits for each answer never floods. A mark is not delayed."""
        marking = isinstance(answer.result, FrameResult) and bool(answer.result.recognised)
        if self.answers.empty() and not marking:
            await asyncio.sleep(self.meter.pause(time.monotonic()))

    async def send_result(self, answer: FrameAnswer[Any], frame: FrameResult) -> None:
        """Send the result of a frame, then write its marks and queue its questions."""
        named = {face.decision.id for face in frame.faces if face.decision.id is not None}
        if not named <= self.names.keys():
            # Where this fails, the face has no name until the next frame.
            with suppress(*NOT_ANSWERING):
                self.names = {**self.names, **await db(camera_marks.names_of, named)}
        await self.load_visitors({face.visitor for face in frame.faces if face.visitor is not None})
        full = self.principal.device is None
        await self.send_message(
            messages.result(answer, frame, self.dropped, self.names, self.visitors, full=full)
        )
        self.dropped = 0
        LATEST_RESULTS.get().remember(self.session_id, self.label, frame)
        for track in frame.recognised:
            self.start_detached(self.mark(track, frame.space))
        for question in frame.uncertain:
            self.start_detached(self.ask(question))

    async def load_visitors(self, student_ids: set[str]) -> None:
        """Read the visitors that this frame may show, and forget all others."""
        self.visitors = {
            student_id: visitor for student_id, visitor in self.visitors.items() if student_id in student_ids
        }
        if not student_ids <= self.visitors.keys():
            # Where this fails, the face is unknown until the next frame.
            with suppress(*NOT_ANSWERING):
                self.visitors = await db(camera_marks.visitors_of, student_ids)

    async def mark(self, track: RecognisedTrack, space: str) -> None:
        """Write the mark of a track, with access checked again; also where the camera disconnects meanwhile."""
        try:
            self.principal = await self.check_access()
            marked = await db(camera_marks.mark, self.principal, track, camera=self.label, space=space)
        except AccessDenied as denied:
            if self.open:
                await self.deny(denied)
        except NOT_ANSWERING:
            self.context.handovers.release_mark(track.track, track.student)
            if self.open:
                await self.send_error(
                    "unavailable", _("The mark could not be saved yet. It will be tried again.")
                )
        except Refused as refused:
            if self.open:
                await self.send_error("not_allowed", refused.message, reason=refused.code)
        else:
            if marked.closed:
                self.context.handovers.release_mark(track.track, track.student)
            if marked.event is not None:
                self.hub.publish(self.session_id, marked.event)

    async def ask(self, question: UncertainTrack) -> None:
        """Put an undecided face into the review queue."""
        try:
            event = await db(
                review_queue.offer, session_id=self.session_id, question=question, camera=self.label
            )
        except NOT_ANSWERING as error:
            logger.warning("a face could not be queued for review: %s", error)
            self.context.handovers.release_question(question.track)
        else:
            if event is not None:
                self.hub.publish(self.session_id, event)
            else:
                self.context.handovers.question_unneeded(question.track)

    async def advise(self) -> None:
        """Send `advice` where it has changed."""
        advice = self.streams.advice()
        if advice != self.advice:
            self.advice = advice
            await self.send_message({"type": "advice", "advice": messages.advice_state(advice)})

    async def keep_advising(self) -> None:
        """Send changed advice also between frames, which may be ten seconds apart."""
        while True:
            await asyncio.sleep(ADVICE_SECONDS)
            await self.advise()

    def on_event(self, message: Message) -> None:
        """See `hub.Follower`."""
        if self.early_events is not None:
            self.early_events.append(message)
            return
        if message["type"] == "session":
            self.state = message["session"]["state"]
        if message["type"] != "mark":
            self.context.handovers.release_unneeded()
        if message["type"] not in {"mark", "unmark"}:
            self.reload_rules()
        for_device = self.principal.device is not None
        self.start_task(self.send_message(message_for_device(message) if for_device else message))

    def on_gap(self, _version: int) -> None:
        """See `hub.Follower`. Missed marks do not matter to a camera; other events may have changed the rules."""
        if self.early_events is not None:
            self.rules_changed = True
            return
        self.context.handovers.release_unneeded()
        self.reload_rules()

    def on_class_changed(self) -> None:
        """See `hub.Follower`. Nothing to do: each batch of frames reads the gallery's version anyway."""

    def reload_rules(self) -> None:
        """Read the rules in the background: a person may have rejected a match."""
        self.rules_changed = True
        if not self.reading_rules:
            self.reading_rules = True
            self.start_task(self.read_rules())

    async def read_rules(self) -> None:
        """Read the rules until nothing changes meanwhile, so that an older answer never stays."""
        while self.rules_changed:
            self.rules_changed = False
            with suppress(*NOT_ANSWERING):
                self.context.rules = await self.rules()
        self.reading_rules = False
