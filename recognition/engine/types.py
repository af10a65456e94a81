"""The data that flows through the engine: frozen, one new type per stage, nothing that knows a student.

Pictures are RGB, uint8, (height, width, 3). Boxes are (left, top, right, bottom) in pixels of the
picture they were found in; they may reach over its border. All arrays of one value are to be read only.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]
Pixels = NDArray[np.uint8]

# Left, top, right, bottom.
Box = tuple[float, float, float, float]

# The space of the templates that `Engine` makes: the network's digest (dlib's ResNet), the alignment
# (five-point predictor on a HOG-like box), what is averaged, and the version of all this. Distances
# between templates of two spaces mean nothing, so galleries refuse them.
SPACE = "dlib-resnet-v1/55533b28/lm-box/chip+mirror/1"


class State(StrEnum):
    """What may be said about a face in view."""

    RECOGNISED = "recognised"
    CONFIRMING = "confirming"
    UNCERTAIN = "uncertain"
    UNKNOWN = "unknown"
    UNAVAILABLE = "unavailable"


@dataclass(frozen=True, slots=True, eq=False)
class Detection:
    """A face found in a picture.

    `landmarks` are (5, 2) float32 x, y in pixels: the eye on the image's left, the other eye, the nose,
    the mouth's left and right corner; None where the detector has none. `score` is the detector's own.
    """

    box: Box
    score: float
    landmarks: Array | None


@dataclass(frozen=True, slots=True, eq=False)
class Quality:
    """How far a face can be relied upon.

    `eye_distance` in pixels of the picture; `sharpness` the variance of the Laplacian of the grey
    150-pixel chip; `light` its mean grey from 0 to 1; `yaw`, `pitch`, `roll` in degrees, estimated from
    five points (positive: towards the image's right, downwards, clockwise); `occlusion` and `score` from
    0 to 1, `score` being the one to sort and reject by (1 is best).
    """

    eye_distance: float
    sharpness: float
    light: float
    yaw: float
    pitch: float
    roll: float
    occlusion: float
    score: float


@dataclass(frozen=True, slots=True, eq=False)
class Face:
    """A face with its numbers.

    `embedding` (128,) float32 is what `face_recognition.face_encodings` returns (length about 1.5);
    `template` (128,) float32 of length 1 is the better one, in the engine's `SPACE`.
    """

    box: tuple[int, int, int, int]
    score: float
    landmarks: Array
    embedding: Array
    template: Array
    quality: Quality


class Match(NamedTuple):
    """A subject of a gallery and how far away it is: L2 between unit templates, smaller is better.

    A tuple (id, distance), as the contract has it, and half a dataclass's price: a frame makes hundreds.
    """

    id: str
    distance: float


@dataclass(frozen=True, slots=True, eq=False)
class Look:
    """One good encoding of a track: unit template, quality score 0..1, monotonic seconds."""

    template: Array
    quality: float
    at: float


@dataclass(frozen=True, slots=True, eq=False)
class Decision:
    """What the looks of a track amount to; `candidates` are the best two subjects, best first.

    `id` is set for RECOGNISED alone. `margin` is the second subject's distance less the first's.
    """

    state: State
    id: str | None
    distance: float | None
    margin: float | None
    confidence: float | None
    looks: int
    candidates: tuple[Match, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Timings:
    """Milliseconds that each stage of one picture took; `total` may be more than their sum."""

    decode: float = 0.0
    detect: float = 0.0
    align: float = 0.0
    encode: float = 0.0
    match: float = 0.0
    total: float = 0.0


# Called with a stage's name ("detect", "align", "encode") and the milliseconds it took, from any thread.
StageTimer = Callable[[str, float], None]
