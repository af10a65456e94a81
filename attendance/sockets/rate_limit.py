"""When a client sends more than any camera does: more frames or bytes than a second may hold, for five seconds."""

from __future__ import annotations

from typing import Final

FRAMES, BYTES, SECONDS = 60, 20_000_000, 5
CLOSE: Final = 1008
SHARE: Final = 0.88
"""Of what a second may hold, this is answered evenly: there is room for one more frame, of 2 MiB at most."""


class Meter:
    """Counts by the second; not thread-safe."""

    def __init__(self) -> None:
        self._second = 0
        self._frames = self._bytes = self._streak = 0

    def flooded(self, size: int, now: float) -> bool:
        """Note a message of that many bytes at that monotonic second; True once five seconds on end were over."""
        second = int(now)
        if second != self._second:
            over = self._frames > FRAMES or self._bytes > BYTES
            # A second without any message ends the streak too.
            self._streak = self._streak + 1 if over and second == self._second + 1 else 0
            self._second, self._frames, self._bytes = second, 0, 0
        self._frames += 1
        self._bytes += size
        return self._streak >= SECONDS

    def rest(self, now: float) -> float:
        """Seconds to hold an answer back, so that a client that sends when it was answered is never a flood.

        A frame of an empty view is answered in two milliseconds.
        """
        used = max(self._frames / FRAMES, self._bytes / BYTES) / SHARE
        return max(0.0, self._second + min(used, 1.0) - now)
