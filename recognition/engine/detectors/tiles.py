"""Big pictures in pieces, so that the small faces of the back rows are found, and none twice."""

from collections.abc import Callable, Iterator

import numpy as np

from recognition.engine.detectors.base import shrunk
from recognition.engine.types import Array, Box, Detection, Pixels

TILE = 960
# A face up to this size lies whole in at least one tile; larger ones are found in the whole picture, which
# at 3840 pixels is looked at with a quarter of its size, so a face of 160 pixels has 40 there.
OVERLAP = 192
_SAME = 0.35
_INSIDE = 0.6
# A box this near to a tile's inner edge may be cut: the next tile shows that face whole.
_EDGE = 3


def detect(rgb: Pixels, find: Callable[[Pixels], list[Detection]]) -> list[Detection]:
    """What `find` sees in the whole of `rgb`, made as small as a tile, and in its tiles, merged, best first."""
    small, scale = shrunk(rgb, min(TILE, max(rgb.shape[:2])))
    found = [scaled(face, 1 / scale) for face in find(small)]
    if scale < 1:
        for left, top, right, bottom in tiles(rgb.shape[1], rgb.shape[0]):
            tile = np.ascontiguousarray(rgb[top:bottom, left:right])
            seen = (moved(face, left, top) for face in find(tile))
            found += [face for face in seen if not _is_cut(face.box, (left, top, right, bottom), rgb.shape)]
    return merge(found)


def tiles(width: int, height: int) -> Iterator[tuple[int, int, int, int]]:
    """Left, top, right and bottom of overlapping tiles that cover a picture, of nearly equal strides."""
    for top in _starts(height):
        for left in _starts(width):
            yield left, top, min(left + TILE, width), min(top + TILE, height)


def _starts(length: int) -> list[int]:
    if length <= TILE:
        return [0]
    count = -(-(length - OVERLAP) // (TILE - OVERLAP))
    return [round(at * (length - TILE) / (count - 1)) for at in range(count)]


def moved(face: Detection, right: float, down: float) -> Detection:
    """The same face in a picture whose corner lies that far to the left and up."""
    box = (face.box[0] + right, face.box[1] + down, face.box[2] + right, face.box[3] + down)
    marks: Array | None = face.landmarks
    if marks is not None:
        marks = marks + np.array([right, down], np.float32)
    return Detection(box, face.score, marks)


def scaled(face: Detection, by: float) -> Detection:
    """The same face in a picture `by` times as large."""
    left, top, right, bottom = (side * by for side in face.box)
    marks: Array | None = face.landmarks
    if marks is not None:
        marks = np.asarray(marks * by, np.float32)
    return Detection((left, top, right, bottom), face.score, marks)


def _is_cut(box: Box, tile: tuple[int, int, int, int], shape: tuple[int, ...]) -> bool:
    """Whether the box touches an edge of the tile that is not the picture's."""
    left, top, right, bottom = tile
    return (
        (left > 0 and box[0] < left + _EDGE)
        or (top > 0 and box[1] < top + _EDGE)
        or (right < shape[1] and box[2] > right - _EDGE)
        or (bottom < shape[0] and box[3] > bottom - _EDGE)
    )


def merge(faces: list[Detection]) -> list[Detection]:
    """The faces without repeats, best first: overlapping boxes, and boxes that lie mostly within another."""
    kept: list[Detection] = []
    for face in sorted(faces, key=lambda face: -face.score):
        if not any(_same(face.box, other.box) for other in kept):
            kept.append(face)
    return kept


def _same(one: Box, other: Box) -> bool:
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    if width <= 0 or height <= 0:
        return False
    shared, areas = width * height, [(box[2] - box[0]) * (box[3] - box[1]) for box in (one, other)]
    return shared > _SAME * (sum(areas) - shared) or shared > _INSIDE * min(areas)
