"""The advice to cameras: as many frames as help recognition, and no more than the processors can handle."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Final

# Frames a second. Steps, so that advice does not change with every small change of the load.
RATES: Final = (5.0, 4.0, 3.0, 2.0, 1.5, 1.0, 0.7, 0.5, 0.3, 0.2, 0.1)
# The share of the threads' time that is planned; above it frames begin to wait.
PLANNED_SHARE: Final = 0.8
# Pixels of the longer side that a camera should send: from one frame a second up, and below.
SIDE, SMALL_SIDE = 640, 480
# The weight of a new measurement in the moving averages.
_WEIGHT: Final = 0.05


@dataclass(frozen=True, slots=True)
class Advice:
    """Frames a second, pixels of the longer side, JPEG quality from 0 to 1."""

    fps: float
    side: int
    quality: float


class Adviser:
    """Divides the capacity of the recognition threads among the cameras. Thread-safe."""

    def __init__(self, *, workers: int, largest_side: int, quality: int, seconds: float = 0.03) -> None:
        """Set up for `workers` threads; `seconds` is the assumed cost of a frame until some were measured.

        `largest_side` is in pixels, `quality` the JPEG quality from 1 to 100.
        """
        self._workers = workers
        self._side = largest_side
        self._quality = quality / 100
        self._mean_seconds = self._peak_seconds = seconds
        self._batches = 0
        self._lock = threading.Lock()
        self._last = RATES[0]

    @property
    def mean_seconds(self) -> float:
        """Return what a frame costs one thread on average."""
        return max(self._mean_seconds, 1e-4)

    @property
    def peak_seconds(self) -> float:
        """Return what a frame with faces costs one thread; one of an empty view costs a hundredth of that."""
        return max(self._peak_seconds, 1e-4)

    def record(self, seconds: float, frames: int) -> None:
        """Record that one thread needed so many seconds for a batch of so many frames."""
        with self._lock:
            self._batches += 1
            # The first batches weigh more. Otherwise a whole school that connects at once would for seconds be asked
            # for too much.
            weight = max(_WEIGHT, 1 / (self._batches + 1))
            cost = seconds / frames
            self._mean_seconds += weight * (cost - self._mean_seconds)
            self._peak_seconds = max(cost, self._peak_seconds + weight * (cost - self._peak_seconds))

    def advice(self, cameras: int) -> Advice:
        """Return what each of so many cameras should send."""
        share = PLANNED_SHARE * self._workers / (self.mean_seconds * max(cameras, 1))
        with self._lock:
            # A step up needs a tenth more than the step, so that advice does not alternate between two rates.
            self._last = next(
                (rate for rate in RATES if share >= rate * (1.1 if rate > self._last else 1.0)), RATES[-1]
            )
            fps = self._last
        side = SIDE if fps >= 1.0 else SMALL_SIDE
        return Advice(fps, min(side, self._side), self._quality)
