"""Threads that call PostgreSQL for code that must not block: the sockets' event loop and the recognition threads.

Django would run all such calls of a process in one thread, where one slow query delays every socket. Here four threads
share them, and a connection goes back to the pool after each call.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import Final, ParamSpec, TypeVar

from django.db import DatabaseError, InterfaceError, connections
from sqlalchemy.exc import SQLAlchemyError

from recognition.process import PROCESS

P = ParamSpec("P")
T = TypeVar("T")

THREADS: Final = 4
# What Django and its pool raise while PostgreSQL cannot be reached, restarts, or has no free connection.
NOT_ANSWERING: Final = (DatabaseError, InterfaceError, SQLAlchemyError)

# Closing waits for running calls and cancels waiting ones.
DB_THREADS: Final = PROCESS.part(
    lambda: ThreadPoolExecutor(THREADS, thread_name_prefix="database"),
    lambda executor: executor.shutdown(wait=True, cancel_futures=True),
)


async def db(call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Return the result of `call`, run in one of the threads. For the event loop."""
    return await asyncio.wrap_future(submit(call, *args, **kwargs))


def submit(call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> Future[T]:
    """Run `call` in one of the threads and return its future. For threads.

    Raises RuntimeError while the process is stopping.
    """
    return DB_THREADS.get().submit(_run, partial(call, *args, **kwargs))


def _run(call: Callable[[], T]) -> T:
    try:
        return call()
    finally:
        connections.close_all()
