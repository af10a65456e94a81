"""Make camera frames from photographs: people who walk past, stand together or hold up a print."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np

from tests.browser.camera import HEIGHT, WIDTH, Pixels

# Photographs by the name of the student.
People = Mapping[str, tuple[Path, ...]]

RYDER, CRUISE, SPIELBERG, BLAIR = "Winona Ryder", "Tom Cruise", "Steven Spielberg", "Tony Blair"
STUDENT_NAMES = (RYDER, CRUISE, SPIELBERG, BLAIR)

# Frames per second.
FRAME_RATE = 30

WALL = (128, 128, 128)
# Pixels per second.
WALK_SPEED = 90


def load_square(picture: Path, side: int) -> Pixels:
    """Read a photograph as a BGR square with sides of `side` pixels."""
    image = cv2.imread(str(picture))
    return np.asarray(cv2.resize(image, (side, side), interpolation=cv2.INTER_AREA), np.uint8)


def walk_past(pictures: Sequence[Path], side: int = 240) -> Iterator[Pixels]:
    """Yield frames in which people walk from left to right, one behind the other, until the last has left."""
    people = [load_square(picture, side) for picture in pictures]
    distance = int(side * 0.7)
    for step in range(0, WIDTH + side + distance * (len(people) - 1), WALK_SPEED // FRAME_RATE):
        frame = _wall()
        for place, person in enumerate(people):
            _paste(frame, person, step - side - place * distance, (HEIGHT - side) // 2)
        yield frame


def stand_together(people: Sequence[Sequence[Path]], seconds: float) -> Iterator[Pixels]:
    """Yield frames of people side by side who sway a little and change their photograph each second."""
    side = min(WIDTH // len(people), HEIGHT - 20)
    space = WIDTH / len(people)
    faces = [[load_square(picture, side) for picture in pictures] for pictures in people]
    for number in range(int(seconds * FRAME_RATE)):
        frame = _wall()
        for place, images in enumerate(faces):
            sway = int(6 * np.sin(number / 11 + place))
            left = int(space * (place + 0.5) - side / 2) + sway
            _paste(frame, images[number // FRAME_RATE % len(images)], left, (HEIGHT - side) // 2)
        yield frame


def hold_up_print(holder: Path, picture: Path, seconds: float) -> Iterator[Pixels]:
    """Yield frames of a person who holds up a print beside their own face; the print tilts and moves."""
    person, printed = (
        load_square(holder, 300),
        cv2.copyMakeBorder(load_square(picture, 200), *[12] * 4, cv2.BORDER_CONSTANT),
    )
    printed[:12] = printed[-12:] = printed[:, :12] = printed[:, -12:] = 245
    side = len(printed)
    corners = np.array([[0, 0], [side, 0], [side, side], [0, side]], np.float32)
    for number in range(int(seconds * FRAME_RATE)):
        frame = _wall()
        _paste(frame, person, 10, HEIGHT - 300)
        lean = 14 * np.sin(number / 17)
        leaning = np.array([[0, lean], [0, -lean], [0, lean], [0, -lean]])
        target = corners + leaning + (370 + 5 * np.sin(number / 7), 70)
        transform = cv2.getPerspectiveTransform(corners, np.asarray(target, np.float32))
        cv2.warpPerspective(printed, transform, (WIDTH, HEIGHT), frame, borderMode=cv2.BORDER_TRANSPARENT)
        yield frame


def dim(frames: Iterable[Pixels], brightness: float) -> Iterator[Pixels]:
    """Multiply the brightness of frames by `brightness`."""
    return ((frame * brightness).astype(np.uint8) for frame in frames)


def blur(frames: Iterable[Pixels], sigma: float) -> Iterator[Pixels]:
    """Blur frames with a Gaussian of `sigma` pixels."""
    return (np.asarray(cv2.GaussianBlur(frame, (0, 0), sigma), np.uint8) for frame in frames)


def _wall() -> Pixels:
    return np.full((HEIGHT, WIDTH, 3), WALL, np.uint8)


def _paste(frame: Pixels, image: Pixels, left: int, top: int) -> None:
    """Paste the part of an image that lies inside the frame."""
    right, cut = min(WIDTH, left + image.shape[1]), max(0, -left)
    if right > left + cut:
        frame[top : top + image.shape[0], left + cut : right] = image[:, cut : right - left]
