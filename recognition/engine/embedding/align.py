"""From a box to an upright 150-pixel chip, exactly as dlib and `face_recognition` do it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from recognition.engine.geometry import as_complex, turn
from recognition.engine.networks.conversion import CHIP_SIDE
from recognition.engine.networks.model_files import FIVE_POINTS_FILE, verified
from recognition.engine.types import Array, Box, Pixels

# dlib's `compute_face_descriptor` adds a quarter on each side.
_MARGIN = 0.25

# Where CenterFace's landmarks lie in a chip on the average (FACTS): eyes, nose, corners of the mouth.
MEAN_IN_CHIP = np.array([[46.8, 47.6], [102.8, 47.0], [74.4, 79.0], [50.3, 104.4], [97.4, 103.6]], np.float32)
# dlib's five points in the same places: outer and inner corner of the eye at the right, then at the left.
_EYES_AND_NOSE = ((2, 3), (0, 1), (4,))
# Where CenterFace's landmarks lie in a second chip: nearer to its middle.
_SECOND = as_complex(CHIP_SIDE / 2 + (MEAN_IN_CHIP - CHIP_SIDE / 2) * 0.93)
# From a chip's first pixel to its middle.
_HALF = (CHIP_SIDE - 1) / 2


@dataclass(frozen=True, slots=True, eq=False)
class Aligned:
    """An upright face: `chip` (150, 150, 3) uint8 RGB, `points` dlib's five (5, 2) float32 in the picture."""

    chip: Pixels
    points: Array


class Aligner:
    """dlib's five-point predictor and its chips.

    One predictor serves all threads: its only method is const, and runs with the GIL held (0.4 ms a face).
    """

    def __init__(self, models_dir: Path | None) -> None:
        import dlib

        self._dlib: Any = dlib
        self._predictor = dlib.shape_predictor(str(verified(FIVE_POINTS_FILE, models_dir)))

    def align(self, rgb: Pixels, hog_box: Box) -> Aligned:
        """The chip of the face in `hog_box`; `rgb` must be contiguous."""
        left, top, right, bottom = (round(side) for side in hog_box)
        shape = self._predictor(rgb, self._dlib.rectangle(left, top, right, bottom))
        chip = self._dlib.get_face_chip(rgb, shape, CHIP_SIDE, _MARGIN)
        points = np.array([(point.x, point.y) for point in shape.parts()], np.float32)
        return Aligned(np.asarray(chip, np.uint8), points)

    def again(self, rgb: Pixels, landmarks: Array) -> Pixels:
        """A second chip (150, 150, 3) of the same face: straight from its landmarks (5, 2), and a little looser."""
        seen = as_complex(landmarks)
        turned = turn(_SECOND, seen)
        middle = turned * (_HALF * (1 + 1j) - _SECOND.mean()) + seen.mean()
        half = max(abs(turned), 1 / CHIP_SIDE) * _HALF
        place = self._dlib.drectangle(
            middle.real - half, middle.imag - half, middle.real + half, middle.imag + half
        )
        size = self._dlib.chip_dims(CHIP_SIDE, CHIP_SIDE)
        details = self._dlib.chip_details(place, size, float(np.angle(turned)))
        return np.asarray(self._dlib.extract_image_chip(rgb, details), np.uint8)


def five_landmarks(points: Array) -> Array:
    """Eyes, nose and mouth (5, 2) from dlib's points, which have no mouth: that is put where it mostly is."""
    seen = np.stack([points[list(which)].mean(axis=0) for which in _EYES_AND_NOSE])
    eyes, mean = as_complex(seen[:2]), as_complex(MEAN_IN_CHIP)
    mouth = (mean[3:] - mean[:2].mean()) * turn(mean[:2], eyes) + eyes.mean()
    return np.concatenate([seen, np.stack([mouth.real, mouth.imag], axis=1)]).astype(np.float32)
