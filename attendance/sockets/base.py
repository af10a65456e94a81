"""What both sockets share: the door, the check again every ten seconds, errors, and the end."""

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

CHECK_SECONDS: Final = 10.0
TRY_AGAIN: Final = 1013
FINISHING: Final[set[asyncio.Task[Any]]] = set()
"""Tasks that outlive their socket; the loop itself keeps no hold of them."""


class SessionConsumer(AsyncWebsocketConsumer):  # type: ignore[misc]  # Channels has no types
    """A socket of one session. Subclasses say who may use it and what it does once it is open."""

    channel_layer_alias = None
    action: ClassVar[Action]
    kinds: ClassVar[Collection[DeviceKind]]

    session_id: UUID
    guest: Principal
    credentials: Credentials
    hub: Hub

    async def connect(self) -> None:
        """Refuse a foreign page at the handshake; anybody else is accepted and told why not, if not."""
        self.open = False
        self.tasks: set[asyncio.Task[Any]] = set()
        if foreign_origin(self.scope):
            await self.close()
            return
        await self.accept()
        self.session_id = self.scope["url_route"]["kwargs"]["session_id"]
        self.credentials, self.hub = credentials_of(self.scope), hub()
        try:
            self.guest = await self.admitted()
            self.open = True
            await self.hub.join(self)
            await self.opened()
        except AccessDenied as turned:
            await self.turn_away(turned)
        except NOT_ANSWERING:
            await self.fault("unavailable", _("The database does not respond. Try again in a moment."))
            await self.end(TRY_AGAIN)
        else:
            self.start(self.check_again())

    async def opened(self) -> None:
        """The guest is in."""
        raise NotImplementedError

    async def checked(self) -> None:
        """The guest's rights and session have been read again."""

    def closed(self) -> None:
        """The socket is gone, or is about to go."""

    async def admitted(self) -> Principal:
        """Who asks, by what the database says now. Raises `AccessDenied`."""
        return await db(authorise, self.credentials, self.session_id, self.action, self.kinds)

    async def check_again(self) -> None:
        """Rights that end in mid-session end the socket."""
        while True:
            await asyncio.sleep(CHECK_SECONDS)
            try:
                self.guest = await self.admitted()
                await self.checked()
            except AccessDenied as turned:
                await self.turn_away(turned)
                return
            except NOT_ANSWERING as fault:
                # Nobody is named while the database is away, so waiting for it gives nothing away.
                logger.warning("rights could not be checked: %s", type(fault).__name__)

    async def turn_away(self, turned: AccessDenied) -> None:
        """Say why, then close."""
        await self.fault(turned.code, turned.message)
        await self.end(turned.close_code)

    async def fault(self, code: str, message: str, seq: int | None = None, **extra: Any) -> None:
        """The `error` message."""
        await self.say({"type": "error", "code": code, "seq": seq, "message": message, "extra": extra})

    async def say(self, message: Mapping[str, Any]) -> None:
        """One message, as JSON; lost where the other side has gone, of which `disconnect` is about to tell."""
        with suppress(Disconnected):
            await self.send(text_data=json.dumps(message, separators=(",", ":"), ensure_ascii=False))

    def start(self, work: Coroutine[Any, Any, None]) -> None:
        """A task that ends with the socket."""
        task = asyncio.create_task(work)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    def finish(self, work: Coroutine[Any, Any, None]) -> None:
        """A task that ends by itself, though the socket be gone: what was recognised is marked all the same."""
        task = asyncio.create_task(work)
        FINISHING.add(task)
        task.add_done_callback(FINISHING.discard)

    async def end(self, code: int) -> None:
        """Close from our side; nothing is answered afterwards."""
        self.leave()
        await self.close(code)

    async def disconnect(self, _code: int) -> None:
        """The other side is gone."""
        self.leave()

    def leave(self) -> None:
        """Give everything back, once."""
        if self.open:
            self.open = False
            self.hub.leave(self)
            self.closed()
        current = asyncio.current_task()
        for task in tuple(self.tasks):
            if task is not current:
                task.cancel()
