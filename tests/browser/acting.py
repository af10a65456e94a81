"""Scenes out of photographs, as frames for a film: people who walk, who stand together, or who hold something up."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np

from tests.browser.camera import HEIGHT, WIDTH, Pixels

Cast = Mapping[str, tuple[Path, ...]]
"""Pictures of people, by their names as students."""

RYDER, CRUISE, SPIELBERG, BLAIR = "Winona Ryder", "Tom Cruise", "Steven Spielberg", "Tony Blair"
CAST = (RYDER, CRUISE, SPIELBERG, BLAIR)

RATE = 30
"""Frames of a second."""

WALL = (128, 128, 128)
PACE = 90
"""Pixels that somebody walks in a second."""


def seen(picture: Path, side: int) -> Pixels:
    """A photograph as a square of that side, BGR."""
    image = cv2.imread(str(picture))
    return np.asarray(cv2.resize(image, (side, side), interpolation=cv2.INTER_AREA), np.uint8)


def walking(pictures: Sequence[Path], side: int = 240) -> Iterator[Pixels]:
    """People who pass from left to right, one behind the other, until the last has left."""
    people = [seen(picture, side) for picture in pictures]
    apart = int(side * 0.7)
    for step in range(0, WIDTH + side + apart * (len(people) - 1), PACE // RATE):
        frame = _wall()
        for place, person in enumerate(people):
            _paste(frame, person, step - side - place * apart, (HEIGHT - side) // 2)
        yield frame


def standing(people: Sequence[Sequence[Path]], seconds: float) -> Iterator[Pixels]:
    """People side by side, each in a place of their own, who sway a little and change their face with each second."""
    side = min(WIDTH // len(people), HEIGHT - 20)
    room = WIDTH / len(people)
    faces = [[seen(picture, side) for picture in pictures] for pictures in people]
    for number in range(int(seconds * RATE)):
        frame = _wall()
        for place, looks in enumerate(faces):
            sway = int(6 * np.sin(number / 11 + place))
            left = int(room * (place + 0.5) - side / 2) + sway
            _paste(frame, looks[number // RATE % len(looks)], left, (HEIGHT - side) // 2)
        yield frame


def holding_up(holder: Path, picture: Path, seconds: float) -> Iterator[Pixels]:
    """Somebody who holds a print up beside their own face, as a hand does: it turns and trembles."""
    person, printed = (
        seen(holder, 300),
        cv2.copyMakeBorder(seen(picture, 200), *[12] * 4, cv2.BORDER_CONSTANT),
    )
    printed[:12] = printed[-12:] = printed[:, :12] = printed[:, -12:] = 245
    side = len(printed)
    corners = np.array([[0, 0], [side, 0], [side, side], [0, side]], np.float32)
    for number in range(int(seconds * RATE)):
        frame = _wall()
        _paste(frame, person, 10, HEIGHT - 300)
        lean = 14 * np.sin(number / 17)
        leaning = np.array([[0, lean], [0, -lean], [0, lean], [0, -lean]])
        there = corners + leaning + (370 + 5 * np.sin(number / 7), 70)
        bent = cv2.getPerspectiveTransform(corners, np.asarray(there, np.float32))
        cv2.warpPerspective(printed, bent, (WIDTH, HEIGHT), frame, borderMode=cv2.BORDER_TRANSPARENT)
        yield frame


def dimmed(frames: Iterable[Pixels], part: float) -> Iterator[Pixels]:
    """The same with so little of the light."""
    return ((frame * part).astype(np.uint8) for frame in frames)


def out_of_focus(frames: Iterable[Pixels], sigma: float) -> Iterator[Pixels]:
    """The same through a lens that does not focus."""
    return (np.asarray(cv2.GaussianBlur(frame, (0, 0), sigma), np.uint8) for frame in frames)


def _wall() -> Pixels:
    return np.full((HEIGHT, WIDTH, 3), WALL, np.uint8)


def _paste(frame: Pixels, image: Pixels, left: int, top: int) -> None:
    """Puts the part of an image that lies inside the frame there."""
    right, cut = min(WIDTH, left + image.shape[1]), max(0, -left)
    if right > left + cut:
        frame[top : top + image.shape[0], left + cut : right] = image[:, cut : right - left]
