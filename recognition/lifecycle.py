"""What a process that recognises does once before it opens its door, and once after it has closed it.

Rooms register here; the server (and the worker) calls. It stands at the bottom so that every room may import it.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

logger = logging.getLogger(__name__)

_starters: list[Callable[[], None]] = []
_stoppers: list[Callable[[], None]] = []
_lock = threading.Lock()


def on_start(work: Callable[[], None]) -> Callable[[], None]:
    """Registers what must be warm before the first request; may be used as a decorator. Once per function."""
    with _lock:
        if work not in _starters:
            _starters.append(work)
    return work


def on_stop(work: Callable[[], None]) -> Callable[[], None]:
    """Registers what ends threads of ours; it should return within two seconds. The last registered runs first."""
    with _lock:
        if work not in _stoppers:
            _stoppers.append(work)
    return work


def start() -> None:
    """Runs what was registered, in order. A fault ends the start: a server that cannot recognise must not look well."""
    with _lock:
        works = tuple(_starters)
    for work in works:
        work()


def stop() -> None:
    """Runs what was registered, the last first, each in spite of faults of the others."""
    with _lock:
        works = tuple(reversed(_stoppers))
    for work in works:
        try:
            work()
        except Exception:  # the edge of the process: whatever fails here, the rest must still end
            logger.exception("stopping failed")
