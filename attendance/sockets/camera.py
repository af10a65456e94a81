"""The socket of a camera: frames in, one answer for each, and the marks that follow from them."""

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
from attendance.register.feed import Message
from attendance.register.state import session_state
from attendance.sockets import messages
from attendance.sockets.base import SessionConsumer
from attendance.sockets.rate_limit import CLOSE, Meter
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

HEAD_BYTES: Final = 4
LARGEST: Final = 2 * 1024 * 1024 + HEAD_BYTES
ADVICE_SECONDS: Final = 2.0
TOO_LARGE: Final = frozenset({"too_large", "too_many_pixels"})


class CameraConsumer(SessionConsumer):
    """Never waits for recognition: a frame goes into the camera's slot, its answer comes when it comes."""

    action: ClassVar[Action] = Action.RUN_SESSION
    kinds: ClassVar[tuple[DeviceKind, ...]] = (DeviceKind.CAMERA, DeviceKind.KIOSK)

    async def opened(self) -> None:
        """Take a place in the queue and say what to send."""
        loop = asyncio.get_running_loop()
        self.early: list[Message] | None = []
        self.reading_rules = self.rules_changed = False
        self.dropped = 0
        self.meter = Meter()
        # Once more, now that events are heard: what changed at the door is in here, and what changes next is heard.
        self.guest = await self.admitted()
        session = self.guest.session
        self.state: str = session.state
        self.names: Mapping[str, str] = await db(camera_marks.names, session)
        self.visitors: Mapping[str, camera_marks.Visitor] = {}
        self.view = CameraContext(str(session.school_class_id), rules=await self.rules())
        # A track's number is the connection's own; so is this name, and no review is taken for another's.
        self.label = f"{self.guest.name[:60]} · {uuid4().hex[:8]}"
        self.answers: asyncio.Queue[FrameAnswer[FrameResult | FrameError]] = asyncio.Queue()
        streams = (await asyncio.to_thread(runtime.live_pipeline)).streams
        self.streams = streams

        def answered(answer: FrameAnswer[FrameResult | FrameError]) -> None:
            if not loop.is_closed():
                loop.call_soon_threadsafe(self.answers.put_nowait, answer)

        self.camera = streams.open(self.view, answered)
        self.advice = streams.advice()
        await self.say(
            {
                "type": "ready",
                "protocol": messages.PROTOCOL,
                "session": session_state(session),
                "advice": messages.advice_of(self.advice),
            }
        )
        self.start(self.answer_frames())
        self.start(self.keep_advised())
        early, self.early = self.early, None
        for message in early:
            self.hear(message)
        if self.rules_changed:
            self.renew_rules()

    def closed(self) -> None:
        """The place in the queue is free again."""
        if hasattr(self, "camera"):
            self.camera.close()
            LATEST_RESULTS.get().forget(self.session_id, self.label)

    async def checked(self) -> None:
        """Names, rules and the session's state, for what no event tells of."""
        self.state = self.guest.session.state
        self.names = await db(camera_marks.names, self.guest.session)
        self.renew_rules()

    async def rules(self) -> MatchRules:
        """The session's. Only a person at our own page is asked about visitors: no device and no other system."""
        page = self.guest.device is None and self.credentials.token is None
        return await db(camera_marks.rules, self.guest.session, visitors=page)

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        """A frame: four bytes of number, then the picture."""
        if not self.open:
            return
        data = bytes_data or b""
        if self.meter.flooded(len(data) or len(text_data or ""), time.monotonic()):
            await self.end(CLOSE)
            return
        seq = int.from_bytes(data[:HEAD_BYTES], "big") if len(data) >= HEAD_BYTES else None
        if seq is None or len(data) == HEAD_BYTES:
            await self.fault(
                "bad_frame", _("Send frames only: a number of four bytes, then a JPEG or PNG."), seq
            )
        elif len(data) > LARGEST:
            await self.fault("too_large", _("A frame may have 2 MiB. Send a smaller image."), seq)
        elif self.state != Session.State.OPEN:
            await self.fault("session_closed", _("The session is not open. Start it first."), seq)
        elif not self.camera.put(seq, data[HEAD_BYTES:]):
            await self.fault("unavailable", _("The server is stopping. Connect again in a moment."), seq)

    async def answer_frames(self) -> None:
        """Answers in the order in which the threads gave them."""
        while True:
            answer = await self.answers.get()
            await self.hold_back(answer)
            self.dropped += answer.dropped
            if isinstance(answer.result, FrameResult):
                await self.answer_with(answer, answer.result)
            elif isinstance(answer.result, FrameError):
                code = "too_large" if answer.result.code in TOO_LARGE else "bad_frame"
                await self.fault(code, answer.result.message, answer.seq, reason=answer.result.code)
            elif answer.late:
                await self.fault("busy", _("Too many cameras at once. Send fewer frames."), answer.seq)
            else:
                await self.fault("unavailable", _("The frame could not be analysed."), answer.seq)
            await self.advise()

    async def hold_back(self, answer: FrameAnswer[FrameResult | FrameError]) -> None:
        """Where the camera waits for each answer; one that has frames on their way, or a claim, waits for nothing."""
        claiming = isinstance(answer.result, FrameResult) and bool(answer.result.recognised)
        if self.answers.empty() and not claiming:
            await asyncio.sleep(self.meter.rest(time.monotonic()))

    async def answer_with(self, answer: FrameAnswer[Any], seen: FrameResult) -> None:
        """The result of a frame, then whatever follows from it."""
        named = {face.decision.id for face in seen.faces if face.decision.id is not None}
        if not named <= self.names.keys():
            # Failing that, the face stays without a name until the next frame.
            with suppress(*NOT_ANSWERING):
                self.names = {**self.names, **await db(camera_marks.names_of, named)}
        await self.know_visitors({face.visitor for face in seen.faces if face.visitor is not None})
        full = self.guest.device is None
        await self.say(messages.result(answer, seen, self.dropped, self.names, self.visitors, full=full))
        self.dropped = 0
        LATEST_RESULTS.get().remember(self.session_id, self.label, seen)
        for claim in seen.recognised:
            self.finish(self.mark(claim, seen.space))
        for question in seen.uncertain:
            self.finish(self.ask(question))

    async def know_visitors(self, asked: set[str]) -> None:
        """Whom to ask about; forgotten as soon as nobody in the picture may be that student."""
        self.visitors = {key: known for key, known in self.visitors.items() if key in asked}
        if not asked <= self.visitors.keys():
            # Failing that, the face stays unknown until the next frame.
            with suppress(*NOT_ANSWERING):
                self.visitors = await db(camera_marks.visitors_of, asked)

    async def mark(self, claim: RecognisedTrack, space: str) -> None:
        """Write the mark of a track, with the rights of this moment; also where the camera goes just then."""
        try:
            self.guest = await self.admitted()
            marked = await db(camera_marks.mark, self.guest, claim, camera=self.label, space=space)
        except AccessDenied as turned:
            if self.open:
                await self.turn_away(turned)
        except NOT_ANSWERING:
            self.view.handovers.release_mark(claim.track, claim.student)
            if self.open:
                await self.fault("unavailable", _("The mark could not be saved yet. It will be tried again."))
        except Refused as refused:
            if self.open:
                await self.fault("not_allowed", refused.message, reason=refused.code)
        else:
            if marked.closed:
                self.view.handovers.release_mark(claim.track, claim.student)
            if marked.event is not None:
                self.hub.tell(self.session_id, marked.event)

    async def ask(self, question: UncertainTrack) -> None:
        """Put an undecided face before the teacher."""
        try:
            event = await db(
                review_queue.offer, session_id=self.session_id, question=question, camera=self.label
            )
        except NOT_ANSWERING as fault:
            logger.warning("a face could not be put before a person: %s", fault)
            self.view.handovers.release_question(question.track)
        else:
            if event is not None:
                self.hub.tell(self.session_id, event)
            else:
                self.view.handovers.question_unneeded(question.track)

    async def advise(self) -> None:
        """Say so when this camera should send more or less."""
        advice = self.streams.advice()
        if advice != self.advice:
            self.advice = advice
            await self.say({"type": "advice", "advice": messages.advice_of(advice)})

    async def keep_advised(self) -> None:
        """Advice also between frames, which may be ten seconds apart."""
        while True:
            await asyncio.sleep(ADVICE_SECONDS)
            await self.advise()

    def hear(self, message: Message) -> None:
        """See `hub.Follower`."""
        if self.early is not None:
            self.early.append(message)
            return
        if message["type"] == "session":
            self.state = message["session"]["state"]
        if message["type"] != "mark":
            self.view.handovers.release_unneeded()
        if message["type"] not in {"mark", "unmark"}:
            self.renew_rules()
        shown = message if self.guest.device is None else messages.event_for_device(message)
        self.start(self.say(shown))

    def lost(self, _version: int) -> None:
        """Marks come by themselves; what else happened may have changed the rules."""
        if self.early is not None:
            self.rules_changed = True
            return
        self.view.handovers.release_unneeded()
        self.renew_rules()

    def class_changed(self) -> None:
        """Do nothing: each batch of frames reads the gallery's version anyway."""

    def renew_rules(self) -> None:
        """A person may have said "not this student". The check every ten seconds reads them too."""
        self.rules_changed = True
        if not self.reading_rules:
            self.reading_rules = True
            self.start(self.read_rules())

    async def read_rules(self) -> None:
        """One reading after the other, until nothing changed meanwhile: an older answer must not be the last."""
        while self.rules_changed:
            self.rules_changed = False
            with suppress(*NOT_ANSWERING):
                self.view.rules = await self.rules()
        self.reading_rules = False
