"""Points of the plane as complex numbers x + iy, in which rotation and scale are one complex factor."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from recognition.engine.types import Array

Complexes = NDArray[np.complexfloating[Any, Any]]


def as_complex(points: Array) -> Complexes:
    """Return points (N, 2) as complex numbers (N,)."""
    return np.asarray(points[:, 0] + 1j * points[:, 1])


def fit_rotation_and_scale(source: Complexes, target: Complexes) -> complex:
    """Return the factor that maps `source` (N,) to `target` (N,), each around its own mean (least squares)."""
    centred = source - source.mean()
    return complex(np.vdot(centred, target - target.mean()) / np.vdot(centred, centred))
