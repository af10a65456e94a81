"""Motion detection: an empty view without motion is not searched, and nobody who comes into it is missed."""

import numpy as np
import pytest

from recognition.engine.images.image import decode, encode_jpeg
from recognition.engine.opencv import cv2
from recognition.engine.types import Pixels
from recognition.streams.frame_results import FrameError, FrameResult
from recognition.streams.motion import OVERLOADED_DELAY, SEARCH_AFTER, SEARCH_AFTER_REDUCED, MotionDetector
from tests import material
from tests.engine.images.test_image import save
from tests.recognition.streams.test_frame_pipeline import Camera

FACE_SIDE = 32
SMALL = (160, 240)


def noisy_frame(seed: int, *, noise: float, ground: Pixels | None = None) -> bytes:
    """Return a frame as a camera takes it: random noise on the same view."""
    view = np.full((480, 640, 3), 120, np.uint8) if ground is None else ground
    drawn = np.random.default_rng(seed).normal(0, noise, view.shape)
    return encode_jpeg(np.clip(view + drawn, 0, 255).astype(np.uint8))


@pytest.fixture
def camera() -> Camera:
    return Camera()


def count_detections(camera: Camera, *frames: bytes) -> list[int]:
    """Return the number of detections after each of the frames, with nobody in front of the camera."""
    detections = []
    for picture in frames:
        assert isinstance(camera.frame(picture=picture), FrameResult)
        detections.append(len(camera.engine.reduced))
    return detections


def test_empty_view_with_noise_is_searched_once(camera: Camera) -> None:
    assert count_detections(camera, *(noisy_frame(seed, noise=4) for seed in range(9))) == [1] * 9
    assert camera.monitor.figures().counters["no_motion"] == 8


def test_every_frame_with_a_person_is_searched(camera: Camera) -> None:
    camera.frames(9, 3)
    assert len(camera.engine.reduced) == 9
    assert camera.monitor.figures().counters["no_motion"] == 0


def test_person_is_detected_in_the_first_frame(camera: Camera) -> None:
    count_detections(camera, *(noisy_frame(seed, noise=4) for seed in range(4)))
    view = np.full((480, 640, 3), 120, np.uint8)
    view[200:232, 300:332] = 140
    result = camera.frame(3, picture=noisy_frame(5, noise=4, ground=view))
    assert isinstance(result, FrameResult)
    assert len(result.faces) == 1


def test_empty_view_is_searched_again_after_its_time(camera: Camera) -> None:
    soonest, latest = (int(seconds / 0.3) for seconds in SEARCH_AFTER)
    picture = noisy_frame(1, noise=4)
    detections = count_detections(camera, *[picture] * (latest + 2))
    assert detections[soonest - 1] == 1
    assert detections[-1] in {2, 3}


def test_next_search_is_delayed_when_overloaded(camera: Camera) -> None:
    camera.waited = 600.0
    picture = noisy_frame(1, noise=4)
    camera.context.reduced_left = 0
    detections = count_detections(camera, *[picture] * int((SEARCH_AFTER[1] + OVERLOADED_DELAY) / 0.3 + 2))
    assert detections[int((SEARCH_AFTER[0] + OVERLOADED_DELAY) / 0.3) - 1] == 1
    assert camera.engine.reduced == [False, False]


def test_face_without_motion_is_tracked_once_it_was_found(camera: Camera) -> None:
    camera.waited = 600.0
    picture = noisy_frame(1, noise=4)
    count_detections(camera, picture)
    results = [
        camera.frame(3, picture=picture) for _ in range(int((SEARCH_AFTER[1] + OVERLOADED_DELAY) / 0.3) + 10)
    ]
    result = [bool(result.faces) for result in results if isinstance(result, FrameResult)]
    assert all(result[result.index(True) :])
    assert len(result) - result.index(True) >= 9


def test_view_is_searched_until_nobody_is_found(camera: Camera) -> None:
    camera.frames(4, 3)
    assert count_detections(camera, *(noisy_frame(seed, noise=4) for seed in range(3))) == [5, 5, 5]
    assert len(camera.frames(1, 3)[0].faces) == 0


def test_reduced_search_that_finds_nobody_is_followed_by_a_full_one(camera: Camera) -> None:
    camera.waited = 60.0
    camera.frames(2, 3)
    picture = noisy_frame(1, noise=4)
    detections = count_detections(
        camera, *[picture] * int((SEARCH_AFTER_REDUCED[1] + OVERLOADED_DELAY) / 0.3 + 2)
    )
    assert detections[int((SEARCH_AFTER_REDUCED[0] + OVERLOADED_DELAY) / 0.3) - 1] == 3
    assert camera.engine.reduced == [True, False, True, False]


def test_moving_view_gets_mostly_reduced_searches_when_overloaded(camera: Camera) -> None:
    camera.waited = 60.0
    views = [np.full((480, 640, 3), 60 + 20 * step, np.uint8) for step in range(9)]
    count_detections(camera, *(noisy_frame(1, noise=4, ground=view) for view in views))
    assert camera.engine.reduced == [True, False, True, True, True, True, True, False, True]


def test_person_who_left_is_forgotten_without_motion(camera: Camera) -> None:
    camera.frames(4, 3)
    picture = noisy_frame(1, noise=4)
    count_detections(camera, *[picture] * 9)
    assert camera.context.tracker.ids == frozenset()
    assert camera.monitor.figures().counters["no_motion"] == 8


def test_damaged_frame_of_an_empty_view_is_an_error(camera: Camera) -> None:
    whole = noisy_frame(1, noise=4)
    count_detections(camera, whole, whole)
    for data in (whole[: len(whole) // 2], whole[:-2], b"", b"nothing"):
        assert isinstance(camera.frame(picture=data), FrameError)
    assert camera.monitor.figures().counters["bad_frames"] == 4


def test_frames_of_another_size_or_format_are_searched(camera: Camera) -> None:
    small = encode_jpeg(np.full((360, 640, 3), 120, np.uint8))
    png = save(np.full((480, 640, 3), 120, np.uint8), "PNG")
    assert count_detections(camera, noisy_frame(1, noise=4), small, small, png, png) == [1, 2, 2, 3, 4]


@pytest.mark.parametrize(("noise", "light"), [(0, 1.0), (4, 1.0), (0, 0.5)])
def test_every_face_is_noticed_on_a_background_of_its_colour(noise: float, light: float) -> None:
    """Without hair and shoulders, 32 pixels wide: the smallest that the detector finds as reliably as larger ones."""
    rng = np.random.default_rng(2)
    missed = []
    for name, (path, *_) in material.lfw().items():
        face = cv2.resize(decode(path.read_bytes())[75:185, 75:175] * light, (FACE_SIDE, FACE_SIDE))
        view = np.full((*SMALL, 3), face.reshape(-1, 3).mean(axis=0), np.uint8)
        motion = MotionDetector()
        motion.record_empty(noisy_frame(1, noise=noise, ground=view), 0.0, reduced=False)
        assert motion.can_skip(noisy_frame(2, noise=noise, ground=view), 0.1, overloaded=False)
        oval = np.zeros((FACE_SIDE, FACE_SIDE), np.uint8)
        cv2.circle(oval, (FACE_SIDE // 2, FACE_SIDE // 2), FACE_SIDE // 2, 1, thickness=-1)
        left, top = rng.integers(0, (SMALL[1] - FACE_SIDE, SMALL[0] - FACE_SIDE))
        place = view[top : top + FACE_SIDE, left : left + FACE_SIDE]
        place[oval > 0] = face[oval > 0]
        if motion.can_skip(noisy_frame(3, noise=noise, ground=view), 0.2, overloaded=False):
            missed.append(name)
    assert missed == []
