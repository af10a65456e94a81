"""An empty view in which nothing moves costs nothing, and nobody who comes into one is overlooked."""

import numpy as np
import pytest

from recognition.engine.images.image import decode, encode_jpeg
from recognition.engine.opencv import cv2
from recognition.engine.types import Pixels
from recognition.streams.frame_results import FrameError, FrameResult
from recognition.streams.motion import OVERLOADED_DELAY, SEARCH_AFTER, SEARCH_AFTER_REDUCED, MotionDetector
from tests import material
from tests.engine.images.test_image import save
from tests.recognition.streams.test_frame_pipeline import Room

FACE_SIDE = 32
SMALL = (160, 240)


def sensor(seed: int, *, noise: float, ground: Pixels | None = None) -> bytes:
    """A frame as a camera takes it: each time other noise on the same view."""
    view = np.full((480, 640, 3), 120, np.uint8) if ground is None else ground
    drawn = np.random.default_rng(seed).normal(0, noise, view.shape)
    return encode_jpeg(np.clip(view + drawn, 0, 255).astype(np.uint8))


@pytest.fixture
def room() -> Room:
    return Room()


def looks(room: Room, *pictures: bytes) -> list[int]:
    """How often the detector had been asked after each of the pictures, with nobody before the camera."""
    asked = []
    for picture in pictures:
        assert isinstance(room.frame(picture=picture), FrameResult)
        asked.append(len(room.eyes.reduced))
    return asked


def test_an_empty_view_is_looked_at_once_through_a_sensors_noise(room: Room) -> None:
    assert looks(room, *(sensor(seed, noise=4) for seed in range(9))) == [1] * 9
    assert room.monitor.figures().counters["no_motion"] == 8


def test_where_somebody_stands_every_frame_is_looked_at(room: Room) -> None:
    room.frames(9, 3)
    assert len(room.eyes.reduced) == 9
    assert room.monitor.figures().counters["no_motion"] == 0


def test_whoever_comes_in_is_seen_with_the_same_frame(room: Room) -> None:
    looks(room, *(sensor(seed, noise=4) for seed in range(4)))
    view = np.full((480, 640, 3), 120, np.uint8)
    view[200:232, 300:332] = 140
    seen = room.frame(3, picture=sensor(5, noise=4, ground=view))
    assert isinstance(seen, FrameResult)
    assert len(seen.faces) == 1


def test_an_empty_view_is_looked_at_again_after_a_while(room: Room) -> None:
    soonest, latest = (int(seconds / 0.3) for seconds in SEARCH_AFTER)
    picture = sensor(1, noise=4)
    asked = looks(room, *[picture] * (latest + 2))
    assert asked[soonest - 1] == 1
    assert asked[-1] in {2, 3}


def test_where_a_queue_builds_that_look_waits_for_its_end_but_not_for_ever(room: Room) -> None:
    room.waited = 600.0
    picture = sensor(1, noise=4)
    room.view.reduced_left = 0
    asked = looks(room, *[picture] * int((SEARCH_AFTER[1] + OVERLOADED_DELAY) / 0.3 + 2))
    assert asked[int((SEARCH_AFTER[0] + OVERLOADED_DELAY) / 0.3) - 1] == 1
    assert room.eyes.reduced == [False, False]


def test_a_face_that_changed_nothing_is_followed_once_a_look_has_found_it(room: Room) -> None:
    room.waited = 600.0
    picture = sensor(1, noise=4)
    looks(room, picture)
    found = [
        room.frame(3, picture=picture) for _ in range(int((SEARCH_AFTER[1] + OVERLOADED_DELAY) / 0.3) + 10)
    ]
    seen = [bool(each.faces) for each in found if isinstance(each, FrameResult)]
    assert all(seen[seen.index(True) :])
    assert len(seen) - seen.index(True) >= 9


def test_a_face_that_left_is_followed_by_looks_until_one_finds_nobody(room: Room) -> None:
    room.frames(4, 3)
    assert looks(room, *(sensor(seed, noise=4) for seed in range(3))) == [5, 5, 5]
    assert len(room.frames(1, 3)[0].faces) == 0


def test_a_hurried_look_that_finds_nobody_is_followed_by_a_close_one_in_time(room: Room) -> None:
    room.waited = 60.0
    room.frames(2, 3)
    picture = sensor(1, noise=4)
    asked = looks(room, *[picture] * int((SEARCH_AFTER_REDUCED[1] + OVERLOADED_DELAY) / 0.3 + 2))
    assert asked[int((SEARCH_AFTER_REDUCED[0] + OVERLOADED_DELAY) / 0.3) - 1] == 3
    assert room.eyes.reduced == [True, False, True, False]


def test_a_view_that_is_never_still_is_looked_at_coarsely_in_haste_as_ever(room: Room) -> None:
    room.waited = 60.0
    views = [np.full((480, 640, 3), 60 + 20 * step, np.uint8) for step in range(9)]
    looks(room, *(sensor(1, noise=4, ground=view) for view in views))
    assert room.eyes.reduced == [True, False, True, True, True, True, True, False, True]


def test_whoever_left_a_view_is_forgotten_while_nothing_moves_in_it(room: Room) -> None:
    room.frames(4, 3)
    picture = sensor(1, noise=4)
    looks(room, *[picture] * 9)
    assert room.view.tracker.ids == frozenset()
    assert room.monitor.figures().counters["no_motion"] == 8


def test_a_damaged_frame_of_an_empty_view_is_refused_as_any_other(room: Room) -> None:
    whole = sensor(1, noise=4)
    looks(room, whole, whole)
    for data in (whole[: len(whole) // 2], whole[:-2], b"", b"nothing"):
        assert isinstance(room.frame(picture=data), FrameError)
    assert room.monitor.figures().counters["bad_frames"] == 4


def test_pictures_of_another_size_or_kind_are_looked_at(room: Room) -> None:
    small = encode_jpeg(np.full((360, 640, 3), 120, np.uint8))
    png = save(np.full((480, 640, 3), 120, np.uint8), "PNG")
    assert looks(room, sensor(1, noise=4), small, small, png, png) == [1, 2, 2, 3, 4]


@pytest.mark.parametrize(("noise", "light"), [(0, 1.0), (4, 1.0), (0, 0.5)])
def test_the_face_of_anybody_is_noticed_on_a_ground_of_its_own_colour(noise: float, light: float) -> None:
    """Without hair and shoulders, 32 pixels wide: the smallest that the detector finds as surely as any."""
    rng = np.random.default_rng(2)
    unnoticed = []
    for name, (path, *_) in material.lfw().items():
        face = cv2.resize(decode(path.read_bytes())[75:185, 75:175] * light, (FACE_SIDE, FACE_SIDE))
        view = np.full((*SMALL, 3), face.reshape(-1, 3).mean(axis=0), np.uint8)
        motion = MotionDetector()
        motion.record_empty(sensor(1, noise=noise, ground=view), 0.0, reduced=False)
        assert motion.can_skip(sensor(2, noise=noise, ground=view), 0.1, overloaded=False)
        oval = np.zeros((FACE_SIDE, FACE_SIDE), np.uint8)
        cv2.circle(oval, (FACE_SIDE // 2, FACE_SIDE // 2), FACE_SIDE // 2, 1, thickness=-1)
        left, top = rng.integers(0, (SMALL[1] - FACE_SIDE, SMALL[0] - FACE_SIDE))
        place = view[top : top + FACE_SIDE, left : left + FACE_SIDE]
        place[oval > 0] = face[oval > 0]
        if motion.can_skip(sensor(3, noise=noise, ground=view), 0.2, overloaded=False):
            unnoticed.append(name)
    assert unnoticed == []
