"""The socket of a dashboard: the whole register, then each event with a version that rises by one."""

from __future__ import annotations

import asyncio
import time
from typing import Any, ClassVar

from django.utils.translation import gettext as _

from attendance.core.db_threads import NOT_ANSWERING, db
from attendance.core.policy import Action
from attendance.models import DeviceKind
from attendance.register import state
from attendance.register.description import Message
from attendance.register.device_view import message_for_device, state_for_device
from attendance.sockets.base import SessionConsumer
from attendance.sockets.hub import POLL_SECONDS
from attendance.sockets.rate_limit import CLOSE_CODE, RateMeter


class DashboardConsumer(SessionConsumer):
    """Sends only. After a gap it sends the whole register again, so clients need not notice gaps."""

    action: ClassVar[Action] = Action.VIEW_SESSION
    kinds: ClassVar[tuple[DeviceKind, ...]] = tuple(DeviceKind)

    async def on_open(self) -> None:
        """Send the register; events since then are compared with its version."""
        self.version = self.newest = -1
        self.reading, self.outdated = True, False
        self.meter = RateMeter()
        await self.send_register()
        self.reading = False
        self.on_gap(self.newest)

    async def send_register(self) -> None:
        """Read and send the whole register. Raises what the database raises."""
        self.outdated = False
        register_now = await db(state.register_state, self.principal.session, user=self.principal.user)
        if not self.open:
            return
        self.version = register_now["version"]
        for_device = self.principal.device is not None
        await self.send_message(state_for_device(register_now) if for_device else register_now)

    def on_event(self, message: Message) -> None:
        """See `hub.Follower`."""
        version = message["version"]
        # An event that comes while the register is read may be in it or not: only the version that was read tells.
        if self.reading or version > self.version + 1:
            self.on_gap(version)
        elif version > self.version:
            self.version = version
            for_device = self.principal.device is not None
            self.start_task(self.send_message(message_for_device(message) if for_device else message))

    def on_gap(self, version: int) -> None:
        """See `hub.Follower`."""
        self.newest = max(self.newest, version)
        self.read_if_behind()

    def on_class_changed(self) -> None:
        """See `hub.Follower`."""
        self.outdated = True
        self.read_if_behind()

    @property
    def behind(self) -> bool:
        """Whether the register that was sent last is known to be out of date."""
        return self.outdated or self.version < self.newest

    def read_if_behind(self) -> None:
        """Start to read the register again, unless it is being read."""
        if not self.reading and self.behind:
            self.reading = True
            self.start_task(self.read_again())

    async def read_again(self) -> None:
        """Read and send the register until it is as new as the newest event."""
        error_sent = False
        while self.open and self.behind:
            try:
                await self.send_register()
            except NOT_ANSWERING:
                self.outdated = True
                if not error_sent:
                    error_sent = True
                    await self.send_error(
                        "unavailable", _("The database does not respond; the register may be out of date.")
                    )
                await asyncio.sleep(POLL_SECONDS)
        self.reading = False

    async def receive(self, text_data: str | None = None, bytes_data: Any = None) -> None:
        """Answer each message with an error; commands are REST."""
        if not self.open:
            return
        if self.meter.flooded(len(text_data or bytes_data or b""), time.monotonic()):
            await self.end(CLOSE_CODE)
            return
        await self.send_error("bad_frame", _("This socket only sends. Use the REST API for commands."))
