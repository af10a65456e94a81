"""Recognise a flooding client: one that sends more frames or bytes than any camera for five seconds."""

from __future__ import annotations

from typing import Final

FRAMES_PER_SECOND, BYTES_PER_SECOND, FLOOD_SECONDS = 60, 20_000_000, 5
CLOSE_CODE: Final = 1008
# The part of a second's limit that is answered at an even rate; the rest is room for one more frame of 2 MiB.
EVEN_SHARE: Final = 0.88


class RateMeter:
    """Counts messages by the second. Not thread-safe."""

    def __init__(self) -> None:
        self._second = 0
        self._frames = self._bytes = self._seconds_over = 0

    def flooded(self, size: int, now: float) -> bool:
        """Count a message of `size` bytes at the monotonic time `now`.

        Return True once the limits were exceeded in five seconds in a row.
        """
        second = int(now)
        if second != self._second:
            over = self._frames > FRAMES_PER_SECOND or self._bytes > BYTES_PER_SECOND
            # A second without any message ends the row too.
            self._seconds_over = self._seconds_over + 1 if over and second == self._second + 1 else 0
            self._second, self._frames, self._bytes = second, 0, 0
        self._frames += 1
        self._bytes += size
        return self._seconds_over >= FLOOD_SECONDS

    def pause(self, now: float) -> float:
        """Return the seconds to delay an answer, so that a client that waits for each answer never floods.

        A frame of an empty view is answered in two milliseconds.
        """
        used = max(self._frames / FRAMES_PER_SECOND, self._bytes / BYTES_PER_SECOND) / EVEN_SHARE
        return max(0.0, self._second + min(used, 1.0) - now)
