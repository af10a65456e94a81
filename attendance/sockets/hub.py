"""The sockets that follow a session in this process, and how they learn that its register changed.

PostgreSQL is the authority: the versions of all followed sessions are read in one query every two seconds. Broadcasts
of the channel layer `dashboards` only start that reading earlier, so without Redis events come up to two seconds later,
and a forged broadcast causes one query and nothing else. What this process wrote itself is published without a query.
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
from attendance.register.description import Message
from attendance.register.feed import Snapshot
from recognition.process import PROCESS

logger = logging.getLogger(__name__)

# Seconds between two readings of all versions.
POLL_SECONDS: Final = 2.0


class Follower(Protocol):
    """A socket that follows a session. Its methods are called on the event loop."""

    session_id: UUID

    def on_event(self, message: Message) -> None:
        """Take an event of the register; each comes once, in the order of versions."""

    def on_gap(self, version: int, /) -> None:
        """Learn that events up to this version cannot be sent one by one: the state must be read again."""

    def on_class_changed(self) -> None:
        """Learn that the students of the class, or what recognises them, changed: the state must be read again."""


@dataclass(slots=True, eq=False)
class _Followed:
    """A followed session. `announced` is the newest version to read, 0 where none waits."""

    snapshot: Snapshot
    followers: set[Follower] = field(default_factory=set)
    reading: bool = False
    announced: int = 0


class Hub:
    """The followers of one event loop. Not thread-safe: for that loop only."""

    def __init__(self) -> None:
        self._sessions: dict[UUID, _Followed] = {}
        self._subscribed: set[UUID] = set()
        self._tasks: list[asyncio.Task[None]] = []
        self._reading: set[asyncio.Task[None]] = set()
        self._sessions_changed = asyncio.Event()

    async def join(self, follower: Follower) -> None:
        """Add a follower; the first one starts the tasks. Raises what the database raises."""
        followed = self._sessions.get(follower.session_id)
        if followed is None:
            snapshot = await db(feed.snapshot, follower.session_id)
            followed = self._sessions.setdefault(follower.session_id, _Followed(snapshot))
        followed.followers.add(follower)
        self._sessions_changed.set()
        if not self._tasks:
            self._tasks = [asyncio.create_task(self._poll()), asyncio.create_task(self._listen())]

    def leave(self, follower: Follower) -> None:
        """Remove a follower; the last one ends the tasks."""
        followed = self._sessions.get(follower.session_id)
        if followed is None:
            return
        followed.followers.discard(follower)
        if not followed.followers:
            del self._sessions[follower.session_id]
            self._sessions_changed.set()
        if not self._sessions:
            for task in self._tasks:
                task.cancel()
            self._tasks = []
            self._subscribed.clear()

    def publish(self, session_id: UUID, message: Message) -> None:
        """Pass on an event that this process has just committed."""
        followed = self._sessions.get(session_id)
        if followed is None:
            return
        if message["version"] == followed.snapshot.version + 1 and not followed.reading:
            followed.snapshot = followed.snapshot.after(message)
            for follower in tuple(followed.followers):
                follower.on_event(message)
        else:
            self._announce(session_id, followed, message["version"])

    def _announce(
        self, session_id: UUID, followed: _Followed, version: int, *, class_changed: bool = False
    ) -> None:
        """Read the session's changes unless they are known or being read."""
        if version <= followed.snapshot.version and not class_changed:
            return
        followed.announced = max(followed.announced, version, 1)
        if not followed.reading:
            followed.reading = True
            task = asyncio.create_task(self._read(session_id, followed))
            self._reading.add(task)
            task.add_done_callback(self._reading.discard)

    async def _read(self, session_id: UUID, followed: _Followed) -> None:
        """Read changes until nothing newer was announced. A forged version ends with the first reading."""
        try:
            while followed.announced:
                followed.announced = 0
                changes = await db(feed.changes_since, session_id, followed.snapshot)
                followed.snapshot = changes.snapshot
                for follower in tuple(followed.followers):
                    if changes.class_changed:
                        follower.on_class_changed()
                    if not changes.complete:
                        follower.on_gap(changes.snapshot.version)
                    for message in changes.messages:
                        follower.on_event(message)
                if followed.announced <= changes.snapshot.version:
                    followed.announced = 0
        except NOT_ANSWERING as error:
            logger.warning("a register could not be read: %s", type(error).__name__)
        finally:
            followed.reading = False

    async def _poll(self) -> None:
        while True:
            await asyncio.sleep(POLL_SECONDS)
            try:
                versions = await db(feed.versions, list(self._sessions))
            except NOT_ANSWERING as error:
                logger.warning("versions could not be read: %s", type(error).__name__)
                continue
            for session_id, (version, class_version) in versions.items():
                if (followed := self._sessions.get(session_id)) is not None:
                    changed = class_version != followed.snapshot.class_version
                    self._announce(session_id, followed, version, class_changed=changed)

    async def _listen(self) -> None:
        while True:
            try:
                await self._receive_broadcasts()
            except (RedisError, OSError) as error:
                logger.info("Redis does not answer, versions are read instead: %s", type(error).__name__)
            self._subscribed.clear()
            await asyncio.sleep(POLL_SECONDS)

    async def _receive_broadcasts(self) -> None:
        layer = get_channel_layer(broadcast.LAYER)
        channel = await layer.new_channel()
        receiving = asyncio.ensure_future(layer.receive(channel))
        try:
            while True:
                self._sessions_changed.clear()
                await self._subscribe(layer, channel)
                changing = asyncio.ensure_future(self._sessions_changed.wait())
                await asyncio.wait({receiving, changing}, return_when=asyncio.FIRST_COMPLETED)
                changing.cancel()
                if receiving.done():
                    self._on_broadcast(receiving.result())
                    receiving = asyncio.ensure_future(layer.receive(channel))
        finally:
            receiving.cancel()

    async def _subscribe(self, layer: Any, channel: str) -> None:
        """Subscribe to the followed sessions, and to no others."""
        followed = set(self._sessions)
        for session_id in self._subscribed - followed:
            await layer.group_discard(broadcast.group_name(session_id), channel)
        for session_id in followed - self._subscribed:
            await layer.group_add(broadcast.group_name(session_id), channel)
        self._subscribed = followed

    def _on_broadcast(self, event: Mapping[str, Any]) -> None:
        """Take only session and version from a broadcast; what changed is read from the database."""
        message, session = event.get("message"), event.get("session")
        version = message.get("version") if isinstance(message, dict) else None
        if not isinstance(version, int) or not isinstance(session, str):
            return
        for session_id, followed in self._sessions.items():
            if str(session_id) == session:
                self._announce(session_id, followed, version)
                return


def _no_hubs() -> WeakKeyDictionary[asyncio.AbstractEventLoop, Hub]:
    return WeakKeyDictionary()


HUBS: Final = PROCESS.part(_no_hubs)


def hub() -> Hub:
    """Return the hub of the running event loop, on which this process then sends its broadcasts."""
    loop, hubs = asyncio.get_running_loop(), HUBS.get()
    if loop not in hubs:
        broadcast.BROADCASTER.get().send_on(loop)
        hubs[loop] = Hub()
    return hubs[loop]
