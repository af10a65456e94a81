"""What can be seen of each part of a face: how much its encoding rests on the part, and how flat the part is.

A part that shows the person changes the encoding when plain skin is laid over it. Under sunglasses, a mask or a bar
there is little to take away, and the encoding stays nearly the same.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np

from recognition.engine.opencv import cv2
from recognition.engine.types import Array, Pixels

# Left, top, right, bottom of the parts in a chip that the landmarks were laid over (`Aligner.again`).
EYES: Final = (26, 35, 124, 67)
LEFT_EYE: Final = (26, 35, 73, 67)
RIGHT_EYE: Final = (76, 35, 124, 67)
MOUTH: Final = (39, 83, 109, 124)
_PARTS: Final = (EYES, LEFT_EYE, RIGHT_EYE, MOUTH)
# Cheeks and nose, between the parts: the colour that is laid over them.
_SKIN: Final = (slice(61, 84), slice(42, 108))
# Standard deviation in a window of 9 pixels, as a part of that of the face, below which there is nothing to see.
_FLAT: Final = 0.06
_DARKEST_CONTRAST: Final = 8.0


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """`weight` is how far the unit encoding moves when the part is covered; `flat` the share without detail, 0 to 1."""

    weight: float
    flat: float


@dataclass(frozen=True, slots=True, eq=False)
class Visible:
    """The parts of a face, left and right as in the picture."""

    eyes: Part
    left_eye: Part
    right_eye: Part
    mouth: Part


def visible(chip: Pixels, embed: Callable[[Pixels], Array]) -> Visible:
    """Measure the parts in a chip (150, 150, 3) RGB; `embed` gives (N, 128) encodings of (N, 150, 150, 3) chips."""
    chips = np.stack([chip, *(_covered(chip, part) for part in _PARTS)])
    whole, *others = (row / np.linalg.norm(row) for row in embed(chips))
    detail = _detail(chip)
    parts = [
        Part(float(np.linalg.norm(other - whole)), float((detail[top:bottom, left:right] < _FLAT).mean()))
        for other, (left, top, right, bottom) in zip(others, _PARTS, strict=True)
    ]
    return Visible(*parts)


def _covered(chip: Pixels, part: tuple[int, int, int, int]) -> Pixels:
    left, top, right, bottom = part
    covered = chip.copy()
    covered[top:bottom, left:right] = np.median(chip[_SKIN].reshape(-1, 3), axis=0)
    return covered


def _detail(chip: Pixels) -> Array:
    """Return the local standard deviation of the grey chip (150, 150) as a part of the inner face's."""
    grey = cv2.cvtColor(chip, cv2.COLOR_RGB2GRAY).astype(np.float32)
    smooth = cv2.GaussianBlur(grey, (0, 0), 1.5)
    mean = cv2.blur(smooth, (9, 9))
    spread = np.sqrt(np.maximum(cv2.blur(smooth * smooth, (9, 9)) - mean * mean, 0))
    return np.asarray(spread / max(float(smooth[30:125, 30:125].std()), _DARKEST_CONTRAST), np.float32)
