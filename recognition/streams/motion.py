"""Motion detection in an empty view: most cameras show a door or a corridor most of the time.

A frame without motion is neither decoded in full nor searched for faces. What is compared are the mean greys of the
JPEG's own blocks of 8x8 pixels: the mean removes the noise of a sensor and keeps what is larger than a block.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Final

from recognition.engine.images.image import LIVE, block_means
from recognition.engine.opencv import cv2
from recognition.engine.types import Pixels

# Steps of grey, of 255, by which a block may differ. A face of 32 pixels, on a background of its own mean colour,
# changes one block by at least 12, and by 5 in half the light (100 people of LFW). Noise with a standard deviation of
# 4 changes no block by more than 3. A noisier sensor causes more searches, and no face is missed.
TOLERANCE: Final = 4
# Seconds after which an empty view is searched again although nothing moved. The moment is random between the two, so
# that cameras that started together are not searched together.
SEARCH_AFTER: Final = (7.5, 15.0)
# The same after reduced detection, which may have missed faces far away.
SEARCH_AFTER_REDUCED: Final = (1.0, 3.0)
# Seconds added to both while frames wait in the queue: other cameras need the detector more.
OVERLOADED_DELAY: Final = 15.0


@dataclass(slots=True, eq=False)
class MotionDetector:
    """The view of one camera as it was when a search found nobody in it. Not thread-safe."""

    _empty: Pixels | None = None
    _search_at: float = 0.0

    def can_skip(self, data: bytes, at: float, *, overloaded: bool) -> bool:
        """Return whether a frame shows the empty view without motion, and the view need not be searched yet.

        `data` is the encoded image, `at` the monotonic second of its arrival, `overloaded` whether frames wait in the
        queue. Raises BadImage, as decoding it would.
        """
        if self._empty is None:
            return False
        means = block_means(data, limits=LIVE)
        if means is None or not _alike(self._empty, means):
            self._empty = None
            return False
        return at <= self._search_at + (OVERLOADED_DELAY if overloaded else 0.0)

    @property
    def full_search_due(self) -> bool:
        """Return whether the last frame showed no motion and must be searched only because time has passed."""
        return self._empty is not None

    def record_empty(self, data: bytes, at: float, *, reduced: bool) -> None:
        """Store the view of a frame in which full or reduced detection found nobody."""
        self._empty = block_means(data, limits=LIVE)
        seconds = SEARCH_AFTER_REDUCED if reduced else SEARCH_AFTER
        self._search_at = at + random.uniform(*seconds)  # noqa: S311 (no secret)

    def record_faces(self) -> None:
        """Forget the empty view, because a search found faces."""
        self._empty = None


def _alike(before: Pixels, now: Pixels) -> bool:
    return before.shape == now.shape and float(cv2.norm(before, now, cv2.NORM_INF)) <= TOLERANCE
