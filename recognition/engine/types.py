"""The types of the engine: one frozen dataclass for the result of each stage.

Images are RGB, uint8, (height, width, 3). Boxes are (left, top, right, bottom) in pixels of the image in which they
were found; they may reach over its border. Do not write to the arrays in these values: they may be shared.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]
Pixels = NDArray[np.uint8]

# Left, top, right, bottom.
Box = tuple[float, float, float, float]

# The space of the templates that `Engine` makes: the network (dlib's ResNet) and its digest, the alignment (five-point
# predictor on a HOG-like box), what is averaged, and a version. Distances between templates of two spaces mean nothing,
# so galleries refuse them.
SPACE = "dlib-resnet-v1/55533b28/lm-box/chip+mirror/1"


class State(StrEnum):
    """What is known about a face: named, waiting for samples, to be decided by a person, nobody of the class, or not
    searched because the database did not answer."""

    RECOGNISED = "recognised"
    CONFIRMING = "confirming"
    UNCERTAIN = "uncertain"
    UNKNOWN = "unknown"
    UNAVAILABLE = "unavailable"


@dataclass(frozen=True, slots=True, eq=False)
class Detection:
    """A face found in an image.

    `landmarks` are (5, 2) float32 x, y in pixels: the eye at the image's left, the other eye, the nose, the left and
    the right corner of the mouth; None where the detector has none. `score` is the detector's own.
    """

    box: Box
    score: float
    landmarks: Array | None


@dataclass(frozen=True, slots=True, eq=False)
class Quality:
    """How suitable an image of a face is for recognition.

    `eye_distance` in pixels of the image; `sharpness` the variance of the Laplacian of the grey
    150-pixel chip; `light` its mean grey from 0 to 1; `yaw`, `pitch`, `roll` in degrees, estimated from
    five points (positive: towards the image's right, downwards, clockwise); `occlusion` and `score` from
    0 to 1. `score` combines the others, for sorting and rejecting (1 is best).
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
    """A face with its embedding, template and quality.

    `embedding` (128,) float32 is what `face_recognition.face_encodings` returns (length about 1.5);
    `template` (128,) float32 of length 1 recognises better; it is in the engine's `SPACE`.
    """

    box: tuple[int, int, int, int]
    score: float
    landmarks: Array
    embedding: Array
    template: Array
    quality: Quality


class Match(NamedTuple):
    """A subject of a gallery and its distance: L2 between unit templates, smaller is nearer.

    A tuple and not a dataclass: a frame makes hundreds of them, and a tuple takes half the time.
    """

    id: str
    distance: float


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """One good encoding of a track: unit template, quality score 0..1, monotonic seconds."""

    template: Array
    quality: float
    at: float


@dataclass(frozen=True, slots=True, eq=False)
class Decision:
    """The decision about a track or a face.

    `id` is set only for RECOGNISED. `distance` and `confidence` (0 to 1) are those of the nearest subject, `margin` is
    the second subject's distance minus the first's. `samples` is the number of good and different samples, `candidates`
    are the nearest two subjects, best first.
    """

    state: State
    id: str | None
    distance: float | None
    margin: float | None
    confidence: float | None
    samples: int
    candidates: tuple[Match, ...]
