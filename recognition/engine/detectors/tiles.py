"""Detection in overlapping tiles of a large image, so that small faces in the back rows are found, each once."""

from collections.abc import Callable, Iterator

import numpy as np

from recognition.engine.detectors.base import scale_to_side
from recognition.engine.types import Array, Box, Detection, Pixels

# Pixels of a tile's side.
TILE = 960
# Pixels by which tiles overlap: a face up to this size is whole in at least one tile. Larger ones are found in the
# whole image, which is searched at the size of a tile: of 3840 pixels at a quarter, where a face of 160 pixels has
# 40.
OVERLAP = 192
# Two boxes are one face if their intersection is more than this part of their union, or of the smaller box.
_SAME = 0.35
_INSIDE = 0.6
# A box this near, in pixels, to a tile's inner edge may be cut off; the next tile has the whole face.
_EDGE = 3


def detect(rgb: Pixels, find: Callable[[Pixels], list[Detection]]) -> list[Detection]:
    """Return the faces that `find` finds in the whole image at the size of a tile and in its tiles, best first."""
    small, scale = scale_to_side(rgb, min(TILE, max(rgb.shape[:2])))
    faces = [scaled(face, 1 / scale) for face in find(small)]
    if scale < 1:
        for left, top, right, bottom in tiles(rgb.shape[1], rgb.shape[0]):
            tile = np.ascontiguousarray(rgb[top:bottom, left:right])
            in_tile = (moved(face, left, top) for face in find(tile))
            faces += [
                face for face in in_tile if not _is_cut(face.box, (left, top, right, bottom), rgb.shape)
            ]
    return merge(faces)


def tiles(width: int, height: int) -> Iterator[tuple[int, int, int, int]]:
    """Yield left, top, right and bottom of overlapping tiles that cover an image, at nearly equal distances."""
    for top in _starts(height):
        for left in _starts(width):
            yield left, top, min(left + TILE, width), min(top + TILE, height)


def _starts(length: int) -> list[int]:
    if length <= TILE:
        return [0]
    count = -(-(length - OVERLAP) // (TILE - OVERLAP))
    return [round(at * (length - TILE) / (count - 1)) for at in range(count)]


def moved(face: Detection, right: float, down: float) -> Detection:
    """Return the face in pixels of an image in which it is that much farther right and down."""
    box = (face.box[0] + right, face.box[1] + down, face.box[2] + right, face.box[3] + down)
    landmarks: Array | None = face.landmarks
    if landmarks is not None:
        landmarks = landmarks + np.array([right, down], np.float32)
    return Detection(box, face.score, landmarks)


def scaled(face: Detection, by: float) -> Detection:
    """Return the face in pixels of an image that is `by` times as large."""
    left, top, right, bottom = (side * by for side in face.box)
    landmarks: Array | None = face.landmarks
    if landmarks is not None:
        landmarks = np.asarray(landmarks * by, np.float32)
    return Detection((left, top, right, bottom), face.score, landmarks)


def _is_cut(box: Box, tile: tuple[int, int, int, int], shape: tuple[int, ...]) -> bool:
    """Return whether the box touches an edge of the tile that is not the image's."""
    left, top, right, bottom = tile
    return (
        (left > 0 and box[0] < left + _EDGE)
        or (top > 0 and box[1] < top + _EDGE)
        or (right < shape[1] and box[2] > right - _EDGE)
        or (bottom < shape[0] and box[3] > bottom - _EDGE)
    )


def merge(faces: list[Detection]) -> list[Detection]:
    """Return the faces without repeats, best first: a box that overlaps a better one, or is within it, is dropped."""
    kept: list[Detection] = []
    for face in sorted(faces, key=lambda face: -face.score):
        if not any(_same(face.box, better.box) for better in kept):
            kept.append(face)
    return kept


def _same(first: Box, second: Box) -> bool:
    width = min(first[2], second[2]) - max(first[0], second[0])
    height = min(first[3], second[3]) - max(first[1], second[1])
    if width <= 0 or height <= 0:
        return False
    shared, areas = width * height, [(box[2] - box[0]) * (box[3] - box[1]) for box in (first, second)]
    return shared > _SAME * (sum(areas) - shared) or shared > _INSIDE * min(areas)
