"""Alignment: from a box to an upright chip of 150 pixels, exactly as dlib and `face_recognition` do it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from recognition.engine.geometry import as_complex, fit_rotation_and_scale
from recognition.engine.networks.conversion import CHIP_SIDE
from recognition.engine.networks.model_files import FIVE_POINTS_FILE, verified
from recognition.engine.types import Array, Box, Pixels

# The part of the face's size that is added on each side, as in dlib's `compute_face_descriptor`.
_MARGIN = 0.25

# Mean places of CenterFace's landmarks in a chip, in pixels, as measured: eyes, nose, corners of the mouth.
MEAN_IN_CHIP = np.array([[46.8, 47.6], [102.8, 47.0], [74.4, 79.0], [50.3, 104.4], [97.4, 103.6]], np.float32)
# The rows of dlib's five points for the eye at the image's left, the other eye, and the nose: dlib has the outer and
# the inner corner of each eye, and no mouth.
_DLIB_EYES_AND_NOSE = ((2, 3), (0, 1), (4,))
# The places of CenterFace's landmarks in a second chip: nearer to its centre, so that it shows a little more.
_SECOND_CHIP = as_complex(CHIP_SIDE / 2 + (MEAN_IN_CHIP - CHIP_SIDE / 2) * 0.93)
# Pixels from a chip's first pixel to its centre.
_HALF = (CHIP_SIDE - 1) / 2


@dataclass(frozen=True, slots=True, eq=False)
class Aligned:
    """An upright face: `chip` (150, 150, 3) uint8 RGB, and dlib's five `points` (5, 2) float32 in the image."""

    chip: Pixels
    points: Array


class Aligner:
    """dlib's five-point predictor and its chips. Thread-safe.

    Threads share one predictor: its only method is const and holds the GIL (0.4 ms a face).
    """

    def __init__(self, models_dir: Path | None) -> None:
        import dlib

        self._dlib: Any = dlib
        self._predictor = dlib.shape_predictor(str(verified(FIVE_POINTS_FILE, models_dir)))

    def align(self, rgb: Pixels, hog_box: Box) -> Aligned:
        """Return the face in `hog_box`; `rgb` must be contiguous."""
        left, top, right, bottom = (round(side) for side in hog_box)
        shape = self._predictor(rgb, self._dlib.rectangle(left, top, right, bottom))
        chip = self._dlib.get_face_chip(rgb, shape, CHIP_SIDE, _MARGIN)
        points = np.array([(point.x, point.y) for point in shape.parts()], np.float32)
        return Aligned(np.asarray(chip, np.uint8), points)

    def align_by_landmarks(self, rgb: Pixels, landmarks: Array) -> Pixels:
        """Return a second chip (150, 150, 3) of a face: directly from its landmarks (5, 2), and with more margin."""
        target = as_complex(landmarks)
        factor = fit_rotation_and_scale(_SECOND_CHIP, target)
        centre = factor * (_HALF * (1 + 1j) - _SECOND_CHIP.mean()) + target.mean()
        half = max(abs(factor), 1 / CHIP_SIDE) * _HALF
        square = self._dlib.drectangle(
            centre.real - half, centre.imag - half, centre.real + half, centre.imag + half
        )
        size = self._dlib.chip_dims(CHIP_SIDE, CHIP_SIDE)
        details = self._dlib.chip_details(square, size, float(np.angle(factor)))
        return np.asarray(self._dlib.extract_image_chip(rgb, details), np.uint8)


def five_landmarks(points: Array) -> Array:
    """Return eyes, nose and mouth (5, 2) from dlib's points (5, 2); the mouth, which these lack, at its mean place."""
    target = np.stack([points[list(which)].mean(axis=0) for which in _DLIB_EYES_AND_NOSE])
    eyes, mean = as_complex(target[:2]), as_complex(MEAN_IN_CHIP)
    mouth = (mean[3:] - mean[:2].mean()) * fit_rotation_and_scale(mean[:2], eyes) + eyes.mean()
    return np.concatenate([target, np.stack([mouth.real, mouth.imag], axis=1)]).astype(np.float32)
