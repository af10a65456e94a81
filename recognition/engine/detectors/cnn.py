"""dlib's MMOD detector without dlib: the boxes of `face_recognition` with model="cnn", many times faster.

It finds turned and half-hidden faces that HOG misses, in many times CenterFace's time. The steps are those of dlib's
`input_rgb_image_pyramid` (dlib/dnn/input.h), `compute_tiled_image_pyramid_details` (image_pyramid.h) and `loss_mmod_`
(dnn/loss.h), so that the boxes are the same.
"""

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from recognition.engine.detectors.hog import clip_to_image
from recognition.engine.errors import BadImage
from recognition.engine.networks import conversion
from recognition.engine.networks.model_files import MMOD_FILE, locate
from recognition.engine.networks.per_shape import NetworkPerShape
from recognition.engine.networks.runtime import Runtime
from recognition.engine.types import Array, Box, Detection, Pixels

# dlib's pyramid: pixels between and around its levels, the scale from one level to the next, and the least height.
_PADDING, _OUTER_PADDING = 10, 11
_RATE = 5 / 6
_SMALLEST_LEVEL = 5
# The network's three strided convolutions need at least this many pixels.
_SMALLEST_CANVAS = 29
# Pixels of the largest image. For 1920 x 1080 the enlarged pyramid has 22 million, and the network takes 0.7 GB.
MAX_PIXELS = 2_200_000
# Output cell i is at pixel 8 i + 14 of the input; the detection window is 80 pixels wide.
_STEP, _FIRST, _HALF_WINDOW = 8, 14, 39.5
# The overlap beyond which the weaker box is removed, from the model file: the shared area divided by that of the
# rectangle around both boxes.
_OVERLAP = 0.3382761351109955


@dataclass(frozen=True, slots=True, eq=False)
class Level:
    """The place of one size of the image in the tiled pyramid, in pixels; right and bottom are inside."""

    left: int
    top: int
    width: int
    height: int

    def contains(self, x: int, y: int) -> bool:
        return self.left <= x < self.left + self.width and self.top <= y < self.top + self.height

    def distance(self, x: int, y: int) -> float:
        """Return the distance in pixels from (x, y) to the level."""
        right, bottom = self.left + self.width - 1, self.top + self.height - 1
        return math.hypot(x - min(max(x, self.left), right), y - min(max(y, self.top), bottom))


class Cnn:
    """The detector. Thread-safe; `detect` runs on the calling thread."""

    name = "cnn"
    scales = False

    def __init__(self, runtime: Runtime, models_dir: Path | None, cache_dir: Path) -> None:
        model = conversion.load(conversion.MMOD, locate(MMOD_FILE, models_dir), cache_dir)
        self._network = NetworkPerShape(runtime.compile(model), keep=2)

    def detect(self, rgb: Pixels, side: int) -> list[Detection]:  # noqa: ARG002 - always in full size
        """Return the boxes of `face_recognition.face_locations(rgb, model="cnn")`, clipped to the image, best first.

        Raises BadImage for more than `MAX_PIXELS`, whose pyramid would take gigabytes.
        """
        if rgb.shape[0] * rgb.shape[1] > MAX_PIXELS:
            msg = f"The detector cnn takes at most {MAX_PIXELS} pixels: make the image smaller or search it in tiles"
            raise BadImage(msg, code="too_many_pixels", extra={"limit": MAX_PIXELS})
        levels, tiled = pyramid(_enlarged(rgb))
        if min(tiled.shape[2:]) < _SMALLEST_CANVAS:
            return []
        (scores,) = self._network(tiled)
        return [
            Detection(box=clip_to_image(rgb, *_half(box)), score=score, landmarks=None)
            for box, score in _boxes(scores[0, 0], levels)
        ]

    def hog_box(self, detection: Detection) -> Box:
        """Return the box itself: `face_recognition` passes it to the predictor unchanged."""
        return detection.box


def _enlarged(rgb: Pixels) -> Pixels:
    """Return the image in twice the size, by dlib's own function (its rounding cannot be reproduced otherwise)."""
    import dlib

    height, width = rgb.shape[:2]
    rows, columns = _round((height - 1 + 0.75) * 2) + 1, _round((width - 1 + 1.25) * 2) + 1
    return np.asarray(dlib.resize_image(np.ascontiguousarray(rgb), rows, columns), np.uint8)


def _half(box: tuple[int, int, int, int]) -> tuple[int, int, int, int]:
    """Return a box of the enlarged image in pixels of the image."""
    left, top, right, bottom = box
    return (
        _round(left / 2 - 1.25),
        _round(top / 2 - 0.75),
        _round(right / 2 - 1.25),
        _round(bottom / 2 - 0.75),
    )


def _round(value: float) -> int:
    """Round, halves away from zero, as C's `lround` does."""
    return int(math.floor(abs(value) + 0.5) * math.copysign(1, value))


def pyramid(rgb: Pixels) -> tuple[list[Level], Array]:
    """Return the levels, and a normalised canvas (1, 3, H, W) with the image in the size of each level, else zero."""
    levels, height, width = _layout(rgb.shape[0], rgb.shape[1])
    canvas = np.zeros((3, height, width), np.float32)
    first = levels[0]
    planes = ((rgb - conversion.MEAN_COLOUR) / conversion.DIVISOR).transpose(2, 0, 1)
    for level in levels:
        if level is not first:
            planes = _resized(planes, level.height, level.width)
        canvas[:, level.top : level.top + level.height, level.left : level.left + level.width] = planes
    return levels, canvas[None]


def _layout(height: int, width: int) -> tuple[list[Level], int, int]:
    """Return dlib's levels, down one column and up a second one, and the canvas's height and width."""
    sizes = [(width, height)]
    while True:
        width, height = math.floor(_RATE * width), math.floor(_RATE * height)
        if width == 0 or height < _SMALLEST_LEVEL:
            break
        sizes.append((width, height))
    column = _column_height(sizes)
    levels: list[Level] = []
    y = _OUTER_PADDING
    while y < column + _OUTER_PADDING and len(levels) < len(sizes):
        width, height = sizes[len(levels)]
        levels.append(Level(_OUTER_PADDING, y, width, height))
        y += height + _PADDING
    y -= _PADDING
    for width, height in sizes[len(levels) :]:
        top = y - height
        if top < _OUTER_PADDING + sizes[0][1]:
            break
        levels.append(Level(_OUTER_PADDING + sizes[0][0] - width, top, width, height))
        y -= height + _PADDING
    return levels, column + 2 * _OUTER_PADDING, sizes[0][0] + 2 * _OUTER_PADDING


def _column_height(sizes: list[tuple[int, int]]) -> int:
    """Return the height of the first column: levels are added until a second column fits beside it."""
    first_width, first_height = sizes[0]
    total = sum(height + _PADDING for _, height in sizes) - 2 * _PADDING
    column = before = 0
    for width, height in sizes:
        if width <= first_width - before - _PADDING and (column - first_height) * 2 >= total - first_height:
            break
        column += height + _PADDING
        before = width
    return column - _PADDING


def _resized(planes: Array, height: int, width: int) -> Array:
    """Return planes (C, H, W) resized as by dlib's bilinear `resize_image`, in which the corners coincide."""
    top, bottom, down = _taps(planes.shape[1], height)
    left, right, across = _taps(planes.shape[2], width)
    rows = planes[:, top] + (planes[:, bottom] - planes[:, top]) * down[:, None]
    return np.asarray(rows[:, :, left] + (rows[:, :, right] - rows[:, :, left]) * across, np.float32)


def _taps(size: int, wanted: int) -> tuple[np.ndarray, np.ndarray, Array]:
    """Return, for each of the `wanted` pixels, the two source pixels and the weight of the second."""
    at = np.arange(wanted) * ((size - 1) / max(wanted - 1, 1))
    low = np.minimum(np.floor(at).astype(np.intp), size - 1)
    return low, np.minimum(low + 1, size - 1), (at - low).astype(np.float32)


def _boxes(scores: Array, levels: list[Level]) -> list[tuple[tuple[int, int, int, int], float]]:
    """Return boxes in the enlarged image with their scores, best first, without overlapping weaker ones."""
    rows, columns = np.nonzero(scores > 0)
    order = np.argsort(-scores[rows, columns], kind="stable")
    kept: list[tuple[tuple[int, int, int, int], float]] = []
    for row, column in zip(rows[order], columns[order], strict=True):
        box = _in_picture(_FIRST + _STEP * float(column), _FIRST + _STEP * float(row), levels)
        if not any(_overlap(box, better) for better, _ in kept):
            kept.append((box, float(scores[row, column])))
    return kept


def _in_picture(x: float, y: float, levels: list[Level]) -> tuple[int, int, int, int]:
    """Return the window around (x, y) of the canvas in the enlarged image (dlib's `tiled_pyramid_to_image`)."""
    column, row = math.floor(x + 0.5), math.floor(y + 0.5)
    inside = [at for at, level in enumerate(levels) if level.contains(column, row)]
    depth = inside[0] if inside else min(range(len(levels)), key=lambda at: levels[at].distance(column, row))
    level = levels[depth]
    corners = [
        x - _HALF_WINDOW - level.left,
        y - _HALF_WINDOW - level.top,
        x + _HALF_WINDOW - level.left,
        y + _HALF_WINDOW - level.top,
    ]
    for _ in range(depth):
        corners = [corner / _RATE + 0.3 for corner in corners]
    left, top, right, bottom = (_round(corner) for corner in corners)
    return left, top, right, bottom


def _overlap(first: tuple[int, int, int, int], second: tuple[int, int, int, int]) -> bool:
    """Return whether two boxes overlap, by dlib's `test_box_overlap` with the area of the rectangle around both."""
    lows = (max(first[0], second[0]), max(first[1], second[1]))
    highs = (min(first[2], second[2]), min(first[3], second[3]))
    outer_lows = (min(first[0], second[0]), min(first[1], second[1]))
    outer_highs = (max(first[2], second[2]), max(first[3], second[3]))
    return _area(*lows, *highs) / _area(*outer_lows, *outer_highs) > _OVERLAP


def _area(left: int, top: int, right: int, bottom: int) -> int:
    """Return the pixels of a rectangle whose right and bottom are inside."""
    return max(0, right - left + 1) * max(0, bottom - top + 1)
