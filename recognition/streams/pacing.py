"""What a camera should send: as much as helps recognition, and no more than the processors can take together."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Final

RATES: Final = (5.0, 4.0, 3.0, 2.0, 1.5, 1.0, 0.7, 0.5, 0.3, 0.2, 0.1)
"""Frames a second, in steps, so that advice does not change with every breath of the machine."""
USED: Final = 0.8
"""The share of the processors' time that is planned: full queues begin above it."""
SIDE, SMALL_SIDE = 640, 480
_WEIGHT: Final = 0.05


@dataclass(frozen=True, slots=True)
class Advice:
    """Frames a second, pixels of the longer side, JPEG quality from 0 to 1."""

    fps: float
    side: int
    quality: float


class Adviser:
    """Divides what the threads manage among the cameras. Thread-safe.

    `seconds` is what a frame is taken to cost until the first were measured.
    """

    def __init__(self, *, workers: int, largest_side: int, quality: int, seconds: float = 0.03) -> None:
        self._workers = workers
        self._side = largest_side
        self._quality = quality / 100
        self._seconds = self._dearest = seconds
        self._turns = 0
        self._lock = threading.Lock()
        self._last = RATES[0]

    @property
    def seconds(self) -> float:
        """What a frame costs one thread, as far as is known."""
        return max(self._seconds, 1e-4)

    @property
    def dearest(self) -> float:
        """What a frame with somebody in it costs one thread; one of an empty view costs a hundredth of that."""
        return max(self._dearest, 1e-4)

    def took(self, seconds: float, frames: int) -> None:
        """A turn of that many frames took one thread that long."""
        with self._lock:
            self._turns += 1
            # The first turns weigh more, or a whole school that comes at once would be told too much for seconds.
            weight = max(_WEIGHT, 1 / (self._turns + 1))
            each = seconds / frames
            self._seconds += weight * (each - self._seconds)
            self._dearest = max(each, self._dearest + weight * (each - self._dearest))

    def advice(self, cameras: int) -> Advice:
        """For each of that many cameras."""
        share = USED * self._workers / (self.seconds * max(cameras, 1))
        with self._lock:
            # A step up needs a tenth more than the step, so that two neighbours do not alternate.
            self._last = next(
                (rate for rate in RATES if share >= rate * (1.1 if rate > self._last else 1.0)), RATES[-1]
            )
            fps = self._last
        side = SIDE if fps >= 1.0 else SMALL_SIDE
        return Advice(fps, min(side, self._side), self._quality)
