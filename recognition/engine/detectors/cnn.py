"""dlib's MMOD detector out of dlib: `face_recognition`'s boxes with model="cnn", many times faster.

Finds turned and half-hidden faces that HOG misses, at many times CenterFace's cost. The steps are those of
dlib's `input_rgb_image_pyramid` (dlib/dnn/input.h), `compute_tiled_image_pyramid_details` (image_pyramid.h)
and `loss_mmod_` (dnn/loss.h), so that boxes come out the same.
"""

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from recognition.engine.detectors import base
from recognition.engine.detectors.hog import cut
from recognition.engine.errors import BadImage
from recognition.engine.networks import conversion
from recognition.engine.networks.model_files import MMOD_FILE, locate
from recognition.engine.networks.runtime import Runtime
from recognition.engine.types import Array, Box, Detection, Pixels

_PADDING, _OUTER_PADDING = 10, 11
_RATE = 5 / 6
_SMALLEST_LEVEL = 5
# The three strided convolutions take nothing smaller.
_SMALLEST_CANVAS = 29
# Of a picture of 1920 x 1080 the enlarged pyramid has 22 million pixels; the network then takes 0.7 GB.
MAX_PIXELS = 2_200_000
# Output cell i lies at 8 i + 14 of the input; the window is 80 pixels wide.
_STEP, _FIRST, _HALF_WINDOW = 8, 14, 39.5
# The overlap beyond which a weaker box goes, as the file has it: the shared area, over that of the
# rectangle around both.
_OVERLAP = 0.3382761351109955


@dataclass(frozen=True, slots=True, eq=False)
class Level:
    """Where one size of the picture lies in the tiled pyramid; right and bottom are inside."""

    left: int
    top: int
    width: int
    height: int

    def holds(self, x: int, y: int) -> bool:
        return self.left <= x < self.left + self.width and self.top <= y < self.top + self.height

    def away(self, x: int, y: int) -> float:
        """The distance from (x, y) to the nearest pixel of the level."""
        right, bottom = self.left + self.width - 1, self.top + self.height - 1
        return math.hypot(x - min(max(x, self.left), right), y - min(max(y, self.top), bottom))


class Cnn:
    """`detect` runs on the calling thread; any number of threads may call at once."""

    name = "cnn"
    scales = False

    def __init__(self, runtime: Runtime, models_dir: Path | None, cache_dir: Path) -> None:
        model = conversion.load(conversion.MMOD, locate(MMOD_FILE, models_dir), cache_dir)
        self._network = base.Sized(runtime.compile(model), keep=2)

    def detect(self, rgb: Pixels, side: int) -> list[Detection]:  # noqa: ARG002 - it always looks in full size
        """`face_recognition.face_locations(rgb, model="cnn")`: the same boxes, cut at the border, best first.

        Raises BadImage for more than `MAX_PIXELS`, of which the pyramid would take gigabytes.
        """
        if rgb.shape[0] * rgb.shape[1] > MAX_PIXELS:
            msg = f"The detector cnn takes at most {MAX_PIXELS} pixels at once: make it smaller, or ask for tiles"
            raise BadImage(msg, code="too_many_pixels", extra={"limit": MAX_PIXELS})
        levels, tiled = pyramid(_enlarged(rgb))
        if min(tiled.shape[2:]) < _SMALLEST_CANVAS:
            return []
        (scores,) = self._network(tiled)
        return [
            Detection(box=cut(rgb, *_half(box)), score=score, landmarks=None)
            for box, score in _boxes(scores[0, 0], levels)
        ]

    def hog_box(self, detection: Detection) -> Box:
        """The box itself: `face_recognition` hands it to the predictor as it is."""
        return detection.box


def _enlarged(rgb: Pixels) -> Pixels:
    """Twice the size, by dlib's own `pyramid_up` (its arithmetic truncates in a way of its own)."""
    import dlib

    height, width = rgb.shape[:2]
    rows, columns = _round((height - 1 + 0.75) * 2) + 1, _round((width - 1 + 1.25) * 2) + 1
    return np.asarray(dlib.resize_image(np.ascontiguousarray(rgb), rows, columns), np.uint8)


def _half(box: tuple[int, int, int, int]) -> tuple[int, int, int, int]:
    """A box of the enlarged picture in the picture."""
    left, top, right, bottom = box
    return (
        _round(left / 2 - 1.25),
        _round(top / 2 - 0.75),
        _round(right / 2 - 1.25),
        _round(bottom / 2 - 0.75),
    )


def _round(value: float) -> int:
    """Halves away from zero, as C's `lround`."""
    return int(math.floor(abs(value) + 0.5) * math.copysign(1, value))


def pyramid(rgb: Pixels) -> tuple[list[Level], Array]:
    """The picture in ever smaller sizes on one canvas (1, 3, H, W), normalised, zero between them."""
    levels, height, width = _layout(rgb.shape[0], rgb.shape[1])
    canvas = np.zeros((3, height, width), np.float32)
    first = levels[0]
    now = ((rgb - conversion.MEAN_COLOUR) / conversion.DIVISOR).transpose(2, 0, 1)
    for level in levels:
        if level is not first:
            now = _resized(now, level.height, level.width)
        canvas[:, level.top : level.top + level.height, level.left : level.left + level.width] = now
    return levels, canvas[None]


def _layout(height: int, width: int) -> tuple[list[Level], int, int]:
    """dlib's levels down one column and back up a second, and the canvas's height and width."""
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
    """How far down the first column goes: until a second fits beside it."""
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
    """dlib's bilinear `resize_image`, where the corners of both sizes coincide."""
    top, bottom, down = _taps(planes.shape[1], height)
    left, right, across = _taps(planes.shape[2], width)
    rows = planes[:, top] + (planes[:, bottom] - planes[:, top]) * down[:, None]
    return np.asarray(rows[:, :, left] + (rows[:, :, right] - rows[:, :, left]) * across, np.float32)


def _taps(size: int, wanted: int) -> tuple[np.ndarray, np.ndarray, Array]:
    at = np.arange(wanted) * ((size - 1) / max(wanted - 1, 1))
    low = np.minimum(np.floor(at).astype(np.intp), size - 1)
    return low, np.minimum(low + 1, size - 1), (at - low).astype(np.float32)


def _boxes(scores: Array, levels: list[Level]) -> list[tuple[tuple[int, int, int, int], float]]:
    """Boxes in the enlarged picture with their scores, best first, the overlapping weaker ones left out."""
    rows, columns = np.nonzero(scores > 0)
    order = np.argsort(-scores[rows, columns], kind="stable")
    kept: list[tuple[tuple[int, int, int, int], float]] = []
    for row, column in zip(rows[order], columns[order], strict=True):
        box = _in_picture(_FIRST + _STEP * float(column), _FIRST + _STEP * float(row), levels)
        if not any(_overlap(box, other) for other, _ in kept):
            kept.append((box, float(scores[row, column])))
    return kept


def _in_picture(x: float, y: float, levels: list[Level]) -> tuple[int, int, int, int]:
    """The window around (x, y) of the canvas, in the enlarged picture (dlib's `tiled_pyramid_to_image`)."""
    column, row = math.floor(x + 0.5), math.floor(y + 0.5)
    inside = [at for at, level in enumerate(levels) if level.holds(column, row)]
    depth = inside[0] if inside else min(range(len(levels)), key=lambda at: levels[at].away(column, row))
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


def _overlap(one: tuple[int, int, int, int], other: tuple[int, int, int, int]) -> bool:
    """dlib's `test_box_overlap`, over the area of the rectangle around both."""
    inner = _area(max(one[0], other[0]), max(one[1], other[1]), min(one[2], other[2]), min(one[3], other[3]))
    outer = _area(min(one[0], other[0]), min(one[1], other[1]), max(one[2], other[2]), max(one[3], other[3]))
    return inner / outer > _OVERLAP


def _area(left: int, top: int, right: int, bottom: int) -> int:
    """Pixels of a rectangle whose right and bottom are inside."""
    return max(0, right - left + 1) * max(0, bottom - top + 1)
