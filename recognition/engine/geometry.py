"""Points of the plane as complex numbers, x + iy: a turn and a scale are then one factor."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from recognition.engine.types import Array

Complexes = NDArray[np.complexfloating[Any, Any]]


def as_complex(points: Array) -> Complexes:
    """(N, 2) points to (N,) numbers."""
    return np.asarray(points[:, 0] + 1j * points[:, 1])


def turn(face: Complexes, seen: Complexes) -> complex:
    """The turn and scale that lay `face` best over the points seen, each around its own middle (least squares)."""
    mine = face - face.mean()
    return complex(np.vdot(mine, seen - seen.mean()) / np.vdot(mine, mine))
