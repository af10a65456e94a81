"""Whether anything has come into an empty view: most cameras look at a door or a corridor most of the time.

Such a frame is neither decoded in full nor searched for faces. What is compared are the means of the JPEG's own blocks
of 8x8 pixels, which take the noise out of a sensor and keep what is larger than a block.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Final

from recognition.engine.images.image import LIVE, glimpse
from recognition.engine.opencv import cv2
from recognition.engine.types import Pixels

TOLERANCE: Final = 4
"""Steps of grey, of 255, by which a block may differ. A face of 32 pixels alone, on a ground of its own mean colour,
changes one by 12 at least, and by 5 in half the light (100 people of LFW); noise of a standard deviation of 4 changes
none by more than 3. A noisier sensor costs looks, and overlooks nobody."""
LOOK_ANYWAY: Final = (7.5, 15.0)
"""Seconds after which an empty view is looked at again, though nothing moved in it: at a random moment between, or
cameras that began together would look together."""
LOOK_CLOSELY: Final = (1.0, 3.0)
"""The same where the look was a coarse one: faces far away are still to be looked for."""
LATER: Final = 15.0
"""So much later where frames wait: others need the look more."""


@dataclass(slots=True, eq=False)
class Stillness:
    """What one camera's view looked like when a look found nobody in it. One thread at a time."""

    _empty: Pixels | None = None
    _until: float = 0.0

    def holds(self, data: bytes, at: float, *, hurried: bool) -> bool:
        """Whether the picture `data`, of the monotonic second `at`, shows the empty view, and nothing has moved in it.

        `hurried`: frames wait. Raises BadImage, as decoding it would.
        """
        if self._empty is None:
            return False
        now = glimpse(data, limits=LIVE)
        if now is None or not _alike(self._empty, now):
            self._empty = None
            return False
        return at <= self._until + (LATER if hurried else 0.0)

    @property
    def due(self) -> bool:
        """Where it did not hold: whether only because the view is to be looked at again, and closely."""
        return self._empty is not None

    def found_empty(self, data: bytes, at: float, *, coarse: bool) -> None:
        """A look at this picture found nobody."""
        self._empty = glimpse(data, limits=LIVE)
        self._until = at + random.uniform(*LOOK_CLOSELY if coarse else LOOK_ANYWAY)  # noqa: S311 (no secret)

    def found_somebody(self) -> None:
        """Whatever had moved: the view is not empty."""
        self._empty = None


def _alike(before: Pixels, now: Pixels) -> bool:
    return before.shape == now.shape and float(cv2.norm(before, now, cv2.NORM_INF)) <= TOLERANCE
