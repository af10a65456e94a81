"""Telling dashboards that a register changed: a shortcut only, its truth is `Session.version` in PostgreSQL."""

import asyncio
import logging
import time
from collections.abc import Mapping
from concurrent.futures import Future
from typing import Any
from uuid import UUID

from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from django.db import transaction
from redis.exceptions import RedisError

logger = logging.getLogger(__name__)

LAYER = "dashboards"
PATIENCE = 1.0
"""Seconds that a writer waits for Redis to take a message: a stuck Redis must not hold up the register."""
REST = 5.0
"""Seconds after a failure in which nobody tries: closing a register tells of thirty marks, one after the other."""

Message = Mapping[str, Any]

_rest_until = 0.0
_loop: asyncio.AbstractEventLoop | None = None


def ring_on(loop: asyncio.AbstractEventLoop) -> None:
    """Send from `loop` from now on, over the connection that it keeps; a writer's thread then waits for nothing."""
    global _loop
    _loop = loop


def group_of(session_id: UUID | str) -> str:
    return f"session.{session_id}"


def publish_on_commit(session_id: UUID, message: Message) -> None:
    """Send `message` to whoever watches the session, once the transaction has committed and not before."""
    transaction.on_commit(lambda: _publish(session_id, message), robust=True)


def _publish(session_id: UUID, message: Message) -> None:
    if time.monotonic() < _rest_until:
        return
    event = {"type": "register.event", "session": str(session_id), "message": dict(message)}
    if _loop is not None and _loop.is_running():
        asyncio.run_coroutine_threadsafe(_send(group_of(session_id), event), _loop).add_done_callback(_sent)
    else:
        # A worker has no loop, nor has a web process that no socket has reached yet. One is made for each message,
        # with its thread and connection: some milliseconds.
        async_to_sync(_send)(group_of(session_id), event)


def _sent(sending: Future[None]) -> None:
    """Nobody waits for it, so what went wrong would be lost."""
    if not sending.cancelled() and (fault := sending.exception()) is not None:
        logger.error("dashboards were not told of a change", exc_info=fault)


async def _send(group: str, event: dict[str, Any]) -> None:
    global _rest_until
    try:
        async with asyncio.timeout(PATIENCE):
            await get_channel_layer(LAYER).group_send(group, event)
    except (RedisError, OSError) as fault:
        # Dashboards ask PostgreSQL for the version every two seconds, so nothing is lost.
        _rest_until = time.monotonic() + REST
        logger.warning("dashboards were not told of a change: %s", fault or type(fault).__name__)
