"""Write films that Chromium plays in a loop as a camera: raw MJPEG at 30 frames per second."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]

QUALITY = 85
WIDTH, HEIGHT = 640, 360


def from_clip(clip: Path, out: Path, frames: slice = slice(None)) -> Path:
    """Write the frames of a clip as a film."""
    return write(out, frames_of(clip)[frames])


def frames_of(clip: Path) -> list[Pixels]:
    """Read all frames of a clip, BGR."""
    reader = cv2.VideoCapture(str(clip))
    frames: list[Pixels] = []
    while True:
        success, frame = reader.read()
        if not success:
            break
        frames.append(frame)
    reader.release()
    return frames


def from_pictures(pictures: Iterable[Path], out: Path, seconds: float = 3.0) -> Path:
    """Write a film of people one after the other; each photograph moves a little from side to side."""
    films = (_person_frames(picture, int(seconds * 30)) for picture in pictures)
    return write(out, (frame for film in films for frame in film))


def from_empty_room(out: Path, *, light: int = 120) -> Path:
    """Write a film of an empty room; `light` near 0 makes it dark."""
    noise = np.random.default_rng(1)
    frame = noise.integers(0, 12, (HEIGHT, WIDTH, 3), dtype=np.uint8) + np.uint8(light)
    return write(out, [frame] * 30)


def _person_frames(picture: Path, count: int) -> Iterable[Pixels]:
    image = cv2.imread(str(picture))
    scale = HEIGHT / image.shape[0]
    image = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    room = max(1, WIDTH - image.shape[1])
    for number in range(count):
        left = int(room / 2 + room / 8 * np.sin(number / 15))
        frame = np.full((HEIGHT, WIDTH, 3), 128, np.uint8)
        part = image[:, : WIDTH - left]
        frame[: part.shape[0], left : left + part.shape[1]] = part[:HEIGHT]
        yield frame


def write(out: Path, frames: Iterable[Pixels]) -> Path:
    """Write BGR frames as a film and return its path."""
    with out.open("wb") as file:
        for frame in frames:
            file.write(cv2.imencode(".jpg", frame, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])[1].tobytes())
    return out
