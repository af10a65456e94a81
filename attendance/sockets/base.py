"""The base of both sockets: access at the start and every ten seconds, errors, tasks, and the end."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Collection, Coroutine, Mapping
from contextlib import suppress
from typing import Any, ClassVar, Final
from uuid import UUID

from autobahn.exception import Disconnected
from channels.generic.websocket import AsyncWebsocketConsumer
from django.utils.translation import gettext as _

from attendance.access.socket_auth import (
    AccessDenied,
    Credentials,
    Principal,
    authorise,
    credentials_of,
    foreign_origin,
)
from attendance.core.db_threads import NOT_ANSWERING, db
from attendance.core.policy import Action
from attendance.models import DeviceKind
from attendance.sockets.hub import Hub, hub

logger = logging.getLogger(__name__)

# Seconds between two checks of a socket's rights.
CHECK_SECONDS: Final = 10.0
# Close codes of RFC 6455.
TRY_AGAIN_LATER: Final = 1013
# Tasks that outlive their socket. The event loop keeps no reference to them.
DETACHED_TASKS: Final[set[asyncio.Task[Any]]] = set()


class SessionConsumer(AsyncWebsocketConsumer):  # type: ignore[misc]  # Channels has no types
    """A socket of one session. Subclasses say who may use it and what it does once it is open."""

    channel_layer_alias = None
    action: ClassVar[Action]
    kinds: ClassVar[Collection[DeviceKind]]

    session_id: UUID
    principal: Principal
    credentials: Credentials
    hub: Hub

    async def connect(self) -> None:
        """Refuse a foreign Origin at the handshake. Accept all others; a refusal is sent as an error, then closed."""
        self.open = False
        self.tasks: set[asyncio.Task[Any]] = set()
        if foreign_origin(self.scope):
            await self.close()
            return
        await self.accept()
        self.session_id = self.scope["url_route"]["kwargs"]["session_id"]
        self.credentials, self.hub = credentials_of(self.scope), hub()
        try:
            self.principal = await self.check_access()
            self.open = True
            await self.hub.join(self)
            await self.on_open()
        except AccessDenied as denied:
            await self.deny(denied)
        except NOT_ANSWERING:
            await self.send_error("unavailable", _("The database does not respond. Try again in a moment."))
            await self.end(TRY_AGAIN_LATER)
        else:
            self.start_task(self.keep_checking())

    async def on_open(self) -> None:
        """Begin the socket's work: access was granted, and events arrive from now on."""
        raise NotImplementedError

    async def on_checked(self) -> None:
        """Take over what may have changed: rights and session have been read again."""

    def on_end(self) -> None:
        """Release what the subclass holds. Called once."""

    async def check_access(self) -> Principal:
        """Return who asks, read from the database now. Raises `AccessDenied`, and what the database raises."""
        return await db(authorise, self.credentials, self.session_id, self.action, self.kinds)

    async def keep_checking(self) -> None:
        """Check access every ten seconds, so that rights that end in mid-session end the socket."""
        while True:
            await asyncio.sleep(CHECK_SECONDS)
            try:
                self.principal = await self.check_access()
                await self.on_checked()
            except AccessDenied as denied:
                await self.deny(denied)
                return
            except NOT_ANSWERING as error:
                # No names are sent while the database does not answer, so the socket may stay open.
                logger.warning("rights could not be checked: %s", type(error).__name__)

    async def deny(self, denied: AccessDenied) -> None:
        """Send the reason, then close."""
        await self.send_error(denied.code, denied.message)
        await self.end(denied.close_code)

    async def send_error(self, code: str, message: str, seq: int | None = None, **extra: Any) -> None:
        """Send an `error` message; `seq` is the number of the frame that it is about."""
        await self.send_message(
            {"type": "error", "code": code, "seq": seq, "message": message, "extra": extra}
        )

    async def send_message(self, message: Mapping[str, Any]) -> None:
        """Send one message as JSON. It is lost where the client has gone; `disconnect` is called then."""
        with suppress(Disconnected):
            await self.send(text_data=json.dumps(message, separators=(",", ":"), ensure_ascii=False))

    def start_task(self, work: Coroutine[Any, Any, None]) -> None:
        """Run a task that is cancelled when the socket ends."""
        task = asyncio.create_task(work)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    def start_detached(self, work: Coroutine[Any, Any, None]) -> None:
        """Run a task that goes on after the socket has ended: what was recognised is marked all the same."""
        task = asyncio.create_task(work)
        DETACHED_TASKS.add(task)
        task.add_done_callback(DETACHED_TASKS.discard)

    async def end(self, code: int) -> None:
        """Close the socket from this side; nothing is answered afterwards."""
        self.release()
        await self.close(code)

    async def disconnect(self, _code: int) -> None:
        """Release everything: the client has gone."""
        self.release()

    def release(self) -> None:
        """Leave the hub and cancel the socket's tasks, once."""
        if self.open:
            self.open = False
            self.hub.leave(self)
            self.on_end()
        current = asyncio.current_task()
        for task in tuple(self.tasks):
            if task is not current:
                task.cancel()
