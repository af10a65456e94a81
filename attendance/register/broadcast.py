"""Notify sockets in all processes that a register changed.

A notification only saves time: sockets read `Session.version` from PostgreSQL anyway.
"""

import asyncio
import logging
import time
from concurrent.futures import Future
from typing import Any, Final
from uuid import UUID

from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from django.db import transaction
from redis.exceptions import RedisError

from attendance.register.description import Message
from recognition.process import PROCESS

logger = logging.getLogger(__name__)

LAYER = "dashboards"
# Seconds that a writer waits for Redis: a Redis that hangs must not delay the register.
SEND_SECONDS = 1.0
# Seconds after a failure in which nothing is sent: signing a register sends thirty marks, one after the other.
PAUSE_SECONDS = 5.0


def group_name(session_id: UUID | str) -> str:
    return f"session.{session_id}"


class Broadcaster:
    """Sends the events of registers to the sockets of all processes. Thread-safe."""

    def __init__(self) -> None:
        self._paused_until = 0.0
        self._loop: asyncio.AbstractEventLoop | None = None

    def send_on(self, loop: asyncio.AbstractEventLoop) -> None:
        """Send on `loop` from now on, over its own connection, so that threads that write marks need not wait."""
        self._loop = loop

    def publish(self, session_id: UUID, message: Message) -> None:
        """Send the event to the sockets of the session; failures are logged only."""
        if time.monotonic() < self._paused_until:
            return
        event = {"type": "register.event", "session": str(session_id), "message": dict(message)}
        group = group_name(session_id)
        if self._loop is not None and self._loop.is_running():
            sending = asyncio.run_coroutine_threadsafe(self._send(group, event), self._loop)
            sending.add_done_callback(_log_failure)
        else:
            # A worker has no event loop, nor has a web process before its first socket. A loop with a thread and a
            # connection for each message costs some milliseconds.
            async_to_sync(self._send)(group, event)

    async def _send(self, group: str, event: dict[str, Any]) -> None:
        try:
            async with asyncio.timeout(SEND_SECONDS):
                await get_channel_layer(LAYER).group_send(group, event)
        except (RedisError, OSError) as error:
            # Sockets read the version from PostgreSQL every two seconds, so nothing is lost.
            self._paused_until = time.monotonic() + PAUSE_SECONDS
            logger.warning("dashboards were not notified of a change: %s", error or type(error).__name__)


BROADCASTER: Final = PROCESS.part(Broadcaster)


def publish_on_commit(session_id: UUID, message: Message) -> None:
    """Send the event to the sockets of the session once the transaction has committed."""
    transaction.on_commit(lambda: BROADCASTER.get().publish(session_id, message), robust=True)


def _log_failure(sending: Future[None]) -> None:
    """Log an unexpected error, for which no caller waits."""
    if not sending.cancelled() and (error := sending.exception()) is not None:
        logger.error("dashboards were not notified of a change", exc_info=error)
