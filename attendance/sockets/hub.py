"""Who follows a session in this process, and how they learn that its register changed.

The truth is PostgreSQL: the versions of all followed sessions are read in one query every two seconds. The channel
layer `dashboards` is only a bell that rings earlier, so its loss costs two seconds, and whoever plants messages in
Redis causes a query and nothing more. What a process wrote itself it tells its own followers at once.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Protocol
from uuid import UUID
from weakref import WeakKeyDictionary

from channels.layers import get_channel_layer
from redis.exceptions import RedisError

from attendance.core.db_threads import NOT_ANSWERING, db
from attendance.register import broadcast, feed
from attendance.register.feed import Message, Snapshot

logger = logging.getLogger(__name__)

PERIOD: Final = 2.0


class Follower(Protocol):
    """A socket that follows a session; called on the event loop."""

    session_id: UUID

    def hear(self, message: Message) -> None:
        """An event of the register with its version, each once and in order."""

    def lost(self, version: int, /) -> None:
        """Events up to that version cannot be told one by one: read the state again."""

    def class_changed(self) -> None:
        """The students of the class, or what recognises them, changed: read the state again."""


@dataclass(slots=True, eq=False)
class _Followed:
    snapshot: Snapshot
    followers: set[Follower] = field(default_factory=set)
    reading: bool = False
    rung: int = 0


class Hub:
    """The followers of one event loop."""

    def __init__(self) -> None:
        self._sessions: dict[UUID, _Followed] = {}
        self._subscribed: set[UUID] = set()
        self._tasks: list[asyncio.Task[None]] = []
        self._reading: set[asyncio.Task[None]] = set()
        self._wake = asyncio.Event()

    async def join(self, follower: Follower) -> None:
        """Follow from now on; the first one starts the loops. Raises what the database raises."""
        followed = self._sessions.get(follower.session_id)
        if followed is None:
            snapshot = await db(feed.snapshot, follower.session_id)
            followed = self._sessions.setdefault(follower.session_id, _Followed(snapshot))
        followed.followers.add(follower)
        self._wake.set()
        if not self._tasks:
            self._tasks = [asyncio.create_task(self._poll()), asyncio.create_task(self._listen())]

    def leave(self, follower: Follower) -> None:
        """Follow no more; the last one ends the loops."""
        followed = self._sessions.get(follower.session_id)
        if followed is None:
            return
        followed.followers.discard(follower)
        if not followed.followers:
            del self._sessions[follower.session_id]
            self._wake.set()
        if not self._sessions:
            for task in self._tasks:
                task.cancel()
            self._tasks = []
            self._subscribed.clear()

    def tell(self, session_id: UUID, message: Message) -> None:
        """An event that this process has just committed."""
        followed = self._sessions.get(session_id)
        if followed is None:
            return
        if message["version"] == followed.snapshot.version + 1 and not followed.reading:
            followed.snapshot = followed.snapshot.after(message)
            for follower in tuple(followed.followers):
                follower.hear(message)
        else:
            self._ring(session_id, followed, message["version"])

    def _ring(
        self, session_id: UUID, followed: _Followed, version: int, *, class_changed: bool = False
    ) -> None:
        if version <= followed.snapshot.version and not class_changed:
            return
        followed.rung = max(followed.rung, version, 1)
        if not followed.reading:
            followed.reading = True
            task = asyncio.create_task(self._read(session_id, followed))
            self._reading.add(task)
            task.add_done_callback(self._reading.discard)

    async def _read(self, session_id: UUID, followed: _Followed) -> None:
        """Read what changed until nothing newer was announced. A bell that lied ends with the first reading."""
        try:
            while followed.rung:
                followed.rung = 0
                news = await db(feed.since, session_id, followed.snapshot)
                followed.snapshot = news.snapshot
                for follower in tuple(followed.followers):
                    if news.class_changed:
                        follower.class_changed()
                    if not news.complete:
                        follower.lost(news.snapshot.version)
                    for message in news.messages:
                        follower.hear(message)
                followed.rung = followed.rung if followed.rung > news.snapshot.version else 0
        except NOT_ANSWERING as fault:
            logger.warning("a register could not be read: %s", type(fault).__name__)
        finally:
            followed.reading = False

    async def _poll(self) -> None:
        while True:
            await asyncio.sleep(PERIOD)
            try:
                versions = await db(feed.versions, list(self._sessions))
            except NOT_ANSWERING as fault:
                logger.warning("versions could not be read: %s", type(fault).__name__)
                continue
            for session_id, (version, class_version) in versions.items():
                if (followed := self._sessions.get(session_id)) is not None:
                    changed = class_version != followed.snapshot.class_version
                    self._ring(session_id, followed, version, class_changed=changed)

    async def _listen(self) -> None:
        while True:
            try:
                await self._hear_bells()
            except (RedisError, OSError) as fault:
                logger.info("the layer is away, versions are read instead: %s", type(fault).__name__)
            self._subscribed.clear()
            await asyncio.sleep(PERIOD)

    async def _hear_bells(self) -> None:
        layer = get_channel_layer(broadcast.LAYER)
        channel = await layer.new_channel()
        receiving = asyncio.ensure_future(layer.receive(channel))
        try:
            while True:
                self._wake.clear()
                await self._subscribe(layer, channel)
                waking = asyncio.ensure_future(self._wake.wait())
                await asyncio.wait({receiving, waking}, return_when=asyncio.FIRST_COMPLETED)
                waking.cancel()
                if receiving.done():
                    self._heard(receiving.result())
                    receiving = asyncio.ensure_future(layer.receive(channel))
        finally:
            receiving.cancel()

    async def _subscribe(self, layer: Any, channel: str) -> None:
        """Be subscribed to what is followed, and to nothing else."""
        followed = set(self._sessions)
        for session_id in self._subscribed - followed:
            await layer.group_discard(broadcast.group_of(session_id), channel)
        for session_id in followed - self._subscribed:
            await layer.group_add(broadcast.group_of(session_id), channel)
        self._subscribed = followed

    def _heard(self, event: Mapping[str, Any]) -> None:
        """Only who and how far: what changed is read from the database."""
        message, session = event.get("message"), event.get("session")
        version = message.get("version") if isinstance(message, dict) else None
        if not isinstance(version, int) or not isinstance(session, str):
            return
        followed = next((one for key, one in self._sessions.items() if str(key) == session), None)
        if followed is not None:
            self._ring(UUID(session), followed, version)


_hubs: WeakKeyDictionary[asyncio.AbstractEventLoop, Hub] = WeakKeyDictionary()


def hub() -> Hub:
    """The hub of the running loop, which rings the bells of this process from then on."""
    loop = asyncio.get_running_loop()
    if loop not in _hubs:
        broadcast.ring_on(loop)
        _hubs[loop] = Hub()
    return _hubs[loop]
