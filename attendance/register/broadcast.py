"""Notify sockets in all processes that a register changed.

A notification only saves time: sockets read `Session.version` from PostgreSQL anyway.
"""

import asyncio
import logging
import time
from concurrent.futures import Future
from typing import Any
from uuid import UUID

from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from django.db import transaction
from redis.exceptions import RedisError

from attendance.register.description import Message

logger = logging.getLogger(__name__)

LAYER = "dashboards"
# Seconds that a writer waits for Redis: a Redis that hangs must not delay the register.
SEND_SECONDS = 1.0
# Seconds after a failure in which nothing is sent: signing a register sends thirty marks, one after the other.
PAUSE_SECONDS = 5.0

_paused_until = 0.0
_loop: asyncio.AbstractEventLoop | None = None


def send_on(loop: asyncio.AbstractEventLoop) -> None:
    """Send on `loop` from now on, over its own connection, so that threads that write marks need not wait."""
    global _loop
    _loop = loop


def group_name(session_id: UUID | str) -> str:
    return f"session.{session_id}"


def publish_on_commit(session_id: UUID, message: Message) -> None:
    """Send the event to the sockets of the session once the transaction has committed."""
    transaction.on_commit(lambda: _publish(session_id, message), robust=True)


def _publish(session_id: UUID, message: Message) -> None:
    if time.monotonic() < _paused_until:
        return
    event = {"type": "register.event", "session": str(session_id), "message": dict(message)}
    if _loop is not None and _loop.is_running():
        asyncio.run_coroutine_threadsafe(_send(group_name(session_id), event), _loop).add_done_callback(
            _log_failure
        )
    else:
        # A worker has no event loop, nor has a web process before its first socket. A loop with a thread and a
        # connection for each message costs some milliseconds.
        async_to_sync(_send)(group_name(session_id), event)


def _log_failure(sending: Future[None]) -> None:
    """Log an unexpected error, for which no caller waits."""
    if not sending.cancelled() and (error := sending.exception()) is not None:
        logger.error("dashboards were not notified of a change", exc_info=error)


async def _send(group: str, event: dict[str, Any]) -> None:
    global _paused_until
    try:
        async with asyncio.timeout(SEND_SECONDS):
            await get_channel_layer(LAYER).group_send(group, event)
    except (RedisError, OSError) as error:
        # Sockets read the version from PostgreSQL every two seconds, so nothing is lost.
        _paused_until = time.monotonic() + PAUSE_SECONDS
        logger.warning("dashboards were not notified of a change: %s", error or type(error).__name__)
