"""The socket of whoever watches a register: the whole state, then each event with a version that rises by one."""

from __future__ import annotations

import asyncio
import time
from typing import Any, ClassVar

from django.utils.translation import gettext as _

from attendance.core.db_threads import NOT_ANSWERING, db
from attendance.core.policy import Action
from attendance.models import DeviceKind
from attendance.register import state
from attendance.register.feed import Message
from attendance.sockets import messages
from attendance.sockets.base import SessionConsumer
from attendance.sockets.hub import PERIOD
from attendance.sockets.rate_limit import CLOSE, Meter


class DashboardConsumer(SessionConsumer):
    """Sends only. Where an event is missing the whole state comes again, so that no client need notice."""

    action: ClassVar[Action] = Action.VIEW_SESSION
    kinds: ClassVar[tuple[DeviceKind, ...]] = tuple(DeviceKind)

    async def opened(self) -> None:
        """The state; what is heard from now on is held against its version."""
        self.version = self.newest = -1
        self.reading, self.stale = True, False
        self.meter = Meter()
        await self.send_state()
        self.reading = False
        self.lost(self.newest)

    async def send_state(self) -> None:
        """The whole register as the database has it."""
        self.stale = False
        register_now = await db(state.register_state, self.guest.session, user=self.guest.user)
        if not self.open:
            return
        self.version = register_now["version"]
        await self.say(register_now if self.guest.device is None else messages.state_for_device(register_now))

    def hear(self, message: Message) -> None:
        """See `hub.Follower`."""
        version = message["version"]
        # What happens while the state is read may be in it or not: only the reading's own version tells.
        if self.reading or version > self.version + 1:
            self.lost(version)
        elif version > self.version:
            self.version = version
            shown = message if self.guest.device is None else messages.event_for_device(message)
            self.start(self.say(shown))

    def lost(self, version: int) -> None:
        """See `hub.Follower`."""
        self.newest = max(self.newest, version)
        self.read_if_behind()

    def class_changed(self) -> None:
        """See `hub.Follower`."""
        self.stale = True
        self.read_if_behind()

    @property
    def behind(self) -> bool:
        """Whether the state that was sent last is known to be out of date."""
        return self.stale or self.version < self.newest

    def read_if_behind(self) -> None:
        """Start to read the state again, unless it is being read."""
        if not self.reading and self.behind:
            self.reading = True
            self.start(self.read_again())

    async def read_again(self) -> None:
        """Until the state is as new as the newest event that could not be told."""
        told = False
        while self.open and self.behind:
            try:
                await self.send_state()
            except NOT_ANSWERING:
                self.stale = True
                if not told:
                    told = True
                    await self.fault(
                        "unavailable", _("The database does not respond; the register may be out of date.")
                    )
                await asyncio.sleep(PERIOD)
        self.reading = False

    async def receive(self, text_data: str | None = None, bytes_data: Any = None) -> None:
        """Nothing is heard here; every command is REST."""
        if not self.open:
            return
        if self.meter.flooded(len(text_data or bytes_data or b""), time.monotonic()):
            await self.end(CLOSE)
            return
        await self.fault("bad_frame", _("This socket only sends. Use the REST API for commands."))
