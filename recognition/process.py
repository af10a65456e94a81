"""The parts that a process has once and must close: engine, galleries, thread pools, event loop.

Each is a `Part`, made at first use under its own lock. `PROCESS.start` makes parts before the first request, and
`PROCESS.stop` closes those that were made, in reverse order.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Final, Generic, TypeVar

logger = logging.getLogger(__name__)

T = TypeVar("T")


class Part(Generic[T]):
    """A value that a process has once. Thread-safe."""

    def __init__(self, process: Process, make: Callable[[], T], close: Callable[[T], object] | None) -> None:
        self._process, self._make, self._close = process, make, close
        self._lock = threading.Lock()
        self._value: T | None = None

    def get(self) -> T:
        """Return the value; make it at the first call and again after it was closed."""
        with self._lock:
            if self._value is None:
                self._value = self._make()
                self._process.made(self)
            return self._value

    def peek(self) -> T | None:
        """Return the value if it was made, else None."""
        return self._value

    def close(self) -> None:
        """Close the value if it was made; a close function should return within two seconds."""
        with self._lock:
            value, self._value = self._value, None
        if value is not None and self._close is not None:
            self._close(value)


class Process:
    """The parts of this process. Thread-safe; a process that made an engine or a pool must not fork."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._made: list[Part[object]] = []

    def part(self, make: Callable[[], T], close: Callable[[T], object] | None = None) -> Part[T]:
        """Declare a part. `make` must get the parts that it needs first, so that they are closed after it."""
        return Part(self, make, close)

    def made(self, part: Part[T]) -> None:
        """Note that a part was made."""
        with self._lock:
            self._made.append(part)  # type: ignore[arg-type]  # a list of parts of any type

    def start(self, *parts: Part[T]) -> None:
        """Make these parts now, in order. Raises the errors of their `make` functions."""
        for part in parts:
            part.get()

    def stop(self) -> None:
        """Close all parts that were made, in reverse order, each even if others fail."""
        with self._lock:
            parts, self._made = self._made, []
        for part in reversed(parts):
            try:
                part.close()
            except Exception:  # the edge of the process: the other parts must be closed as well
                logger.exception("a part of the process could not be closed")


PROCESS: Final = Process()
