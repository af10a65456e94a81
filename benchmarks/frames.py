"""Frames composed of images of LFW, so that a benchmark knows how many faces are in them."""

import itertools
from collections.abc import Sequence

import numpy as np

from recognition.engine.images.image import decode
from recognition.engine.opencv import cv2
from recognition.engine.types import Pixels
from tests import material


def portraits(count: int) -> list[Pixels]:
    """Return the first image of each of `count` people, (250, 250, 3)."""
    return [decode(paths[0].read_bytes()) for paths in itertools.islice(material.lfw().values(), count)]


def crowd(
    pictures: Sequence[Pixels], size: tuple[int, int], *, side: int, across: int, shake: int = 0
) -> Pixels:
    """Return a frame (height, width, 3) of the images in rows of `across`.

    `size` is (width, height) and `side` the width of each image in pixels; `shake` seeds a random shift of 2 pixels.
    """
    width, height = size
    frame = np.full((height, width, 3), 96, np.uint8)
    moves = (
        np.random.default_rng(shake).integers(-2, 3, (len(pictures), 2))
        if shake
        else np.zeros((len(pictures), 2), int)
    )
    for at, picture in enumerate(pictures):
        left = 8 + (at % across) * (width - 16) // across + int(moves[at, 0])
        top = 4 + (at // across) * side + int(moves[at, 1])
        small = cv2.resize(picture, (side, side), interpolation=cv2.INTER_AREA)
        space = frame[max(top, 0) : top + side, left : left + side]
        space[:] = small[: space.shape[0], : space.shape[1]]
    return frame
