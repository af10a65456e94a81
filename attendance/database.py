"""PostgreSQL for code that must not touch it itself: the event loop of the sockets, and the threads that recognise.

Django would run all such calls of a process in one thread, where one slow query holds every socket. Here four threads
share them, and a connection goes back to the pool after each call.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import ParamSpec, TypeVar

from django.db import DatabaseError, InterfaceError, connections
from sqlalchemy.exc import SQLAlchemyError

from recognition import lifecycle

P = ParamSpec("P")
T = TypeVar("T")

THREADS = 4
NOT_ANSWERING = (DatabaseError, InterfaceError, SQLAlchemyError)
"""What Django and its pool raise while PostgreSQL is away, restarting, or out of connections."""

_lock = threading.Lock()
_executor: ThreadPoolExecutor | None = None


async def db(call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """The result of `call`, run in one of the four threads."""
    return await asyncio.wrap_future(submit(call, *args, **kwargs))


def submit(call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> Future[T]:
    """The same for threads; RuntimeError once the process is stopping."""
    return _threads().submit(_returning, partial(call, *args, **kwargs))


def _returning(call: Callable[[], T]) -> T:
    try:
        return call()
    finally:
        connections.close_all()


def _threads() -> ThreadPoolExecutor:
    global _executor
    with _lock:
        if _executor is None:
            _executor = ThreadPoolExecutor(THREADS, thread_name_prefix="database")
        return _executor


def stop() -> None:
    """End the threads once their calls have ended; those that wait are given up. A later call starts new ones."""
    global _executor
    with _lock:
        ending, _executor = _executor, None
    if ending is not None:
        ending.shutdown(wait=True, cancel_futures=True)


lifecycle.on_stop(stop)
