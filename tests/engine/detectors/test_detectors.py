"""Where the faces are: every detector, big pictures, and one space for all."""

import xml.etree.ElementTree as ET
from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest

from recognition.engine import Engine
from recognition.engine.detectors.base import canvas_size, suppress
from recognition.engine.detectors.sizing import detection_side
from recognition.engine.detectors.tiles import OVERLAP, TILE, merge, tiles
from recognition.engine.opencv import cv2
from recognition.engine.types import Box, Detection, Pixels
from tests import material
from tests.engine.conftest import read

Truth = list[tuple[Pixels, list[Box]]]


@pytest.fixture(scope="session")
def truth() -> Truth:
    """The pictures with true boxes of shared/faces/groups."""
    pictures: Truth = []
    for name in ("training.xml", "testing.xml"):
        listed = material.need("faces", "groups", name)
        for image in ET.parse(listed).getroot().iter("image"):
            path = listed.parent / str(image.get("file"))
            boxes = [_box(box) for box in image.iter("box") if box.get("ignore") != "1"]
            if path.exists():
                pictures.append((read(path), boxes))
    return pictures


def _box(element: ET.Element) -> Box:
    left, top, width, height = (float(str(element.get(name))) for name in ("left", "top", "width", "height"))
    return left, top, left + width, top + height


def centre(box: Box) -> tuple[float, float]:
    return (box[0] + box[2]) / 2, (box[1] + box[3]) / 2


def near(one: Box, other: Box) -> bool:
    (x, y), (u, v) = centre(one), centre(other)
    return bool(np.hypot(x - u, y - v) < 0.4 * (one[2] - one[0]))


@pytest.mark.parametrize(
    ("detector", "at_least"), [("centerface", 43), ("yunet", 42), ("ssd", 41), ("hog", 43), ("cnn", 38)]
)
def test_faces_of_groups_are_detected(
    load: Callable[..., Engine], truth: Truth, detector: str, at_least: int
) -> None:
    engine = load(detector=detector, precision="f32")
    found = wrong = total = 0
    for rgb, boxes in truth:
        seen = engine.detect(rgb)
        found += sum(any(near(box, face.box) for face in seen) for box in boxes)
        wrong += sum(seen[i].score < seen[i + 1].score for i in range(len(seen) - 1))
        total += len(boxes)
    assert total == 43
    assert found >= at_least
    assert wrong == 0


@pytest.mark.parametrize("detector", ["yunet", "ssd", "hog", "cnn"])
def test_all_detectors_give_templates_of_one_space(
    load: Callable[..., Engine], engine: Engine, lfw_pictures: list[Pixels], detector: str
) -> None:
    other, apart = load(detector=detector, precision="f32"), []
    for rgb in lfw_pictures[: 8 if detector == "cnn" else 30]:
        for face in engine.analyse(rgb)[:1]:
            apart += [
                float(np.linalg.norm(face.template - seen.template))
                for seen in other.analyse(rgb)
                if near(face.box, seen.box)
            ]
    assert other.space == engine.space
    assert len(apart) >= 7
    # The same face through two detectors; two pictures of one person are 0.2 to 0.35 apart.
    assert np.median(apart) < 0.05
    assert max(apart) < 0.2


def hall(pictures: list[Pixels], side: int) -> tuple[Pixels, list[Box]]:
    """A 3840x2160 picture with portraits in rows, their faces about `side` pixels wide, and where they are."""
    picture = np.full((2160, 3840, 3), 90, np.uint8)
    size, boxes = round(side * 250 / 85), []
    for at in range(60):
        left, top = 40 + (at % 12) * 318, 60 + (at // 12) * 430
        portrait = pictures[at % len(pictures)]
        picture[top : top + size, left : left + size] = cv2.resize(
            portrait, (size, size), interpolation=cv2.INTER_AREA
        )
        boxes.append((left + size * 0.3, top + size * 0.25, left + size * 0.7, top + size * 0.75))
    return picture, boxes


def test_tiled_detection_finds_each_face_of_a_hall_once(engine: Engine, lfw_pictures: list[Pixels]) -> None:
    picture, boxes = hall(lfw_pictures, 30)
    found = engine.detect(picture, tiled=True)
    counts = [sum(near(box, face.box) for face in found) for box in boxes]
    assert max(counts) == 1
    assert sum(counts) >= 59
    assert len(engine.detect(picture)) < len(found) / 2


def test_face_between_two_tiles_is_detected_once(engine: Engine, lfw_pictures: list[Pixels]) -> None:
    for width in (60, 250, 700):
        picture = np.full((1200, 1920, 3), 90, np.uint8)
        side = width * 2
        at = 960 - width, 10
        portrait = cv2.resize(lfw_pictures[0], (min(side, 1100),) * 2)
        picture[at[1] : at[1] + len(portrait), at[0] : at[0] + len(portrait)] = portrait
        assert len(engine.detect(picture, tiled=True)) == 1


def test_tiles_cover_an_image_and_overlap() -> None:
    for width, height in ((961, 200), (3840, 2160), (8000, 961)):
        covered = np.zeros((height, width), np.uint8)
        for left, top, right, bottom in tiles(width, height):
            assert right - left <= TILE
            assert bottom - top <= TILE
            covered[top:bottom, left:right] += 1
        assert covered.min() >= 1
        starts = sorted({left for left, *_ in tiles(width, height)})
        assert all(TILE - (b - a) >= OVERLAP for a, b in pairwise(starts))


def test_merge_keeps_the_better_of_two_boxes_of_one_face() -> None:
    whole, part, apart = (0.0, 0.0, 40.0, 50.0), (2.0, 20.0, 38.0, 49.0), (60.0, 0.0, 100.0, 50.0)
    faces = [Detection(part, 0.6, None), Detection(whole, 0.9, None), Detection(apart, 0.5, None)]
    assert [face.box for face in merge(faces)] == [whole, apart]


def test_suppress_keeps_the_best_of_overlapping_boxes() -> None:
    boxes = np.array([[0, 0, 10, 10], [1, 1, 11, 11], [50, 50, 60, 60]], np.float32)
    assert suppress(boxes, np.array([0.5, 0.9, 0.7], np.float32), 0.4) == [1, 2]


def test_detection_side_is_a_fraction_between_320_and_960(engine: Engine) -> None:
    slow = type(engine.runtime)("OpenVINO", "cpu", "f32", (), engine.runtime.compile)
    assert [detection_side(longer, 0.75, slow) for longer in (100, 640, 1000, 4000)] == [320, 480, 750, 960]
    assert [detection_side(longer, None, slow) for longer in (100, 640, 1000, 4000)] == [320, 480, 640, 960]
    reduced = [detection_side(longer, None, slow, reduced=True) for longer in (100, 640, 1000, 4000)]
    assert reduced == [320, 320, 480, 640]
    assert detection_side(640, 0.75, slow, reduced=True) == 480


def test_usual_camera_shapes_fill_their_canvas() -> None:
    for side in (320, 480, 640, 960):
        for across, down in ((4, 3), (16, 9), (3, 4), (9, 16)):
            longer = max(across, down)
            rows, columns = (round(side * part / longer) for part in (down, across))
            height, width = canvas_size(rows, columns)
            assert height >= rows
            assert width >= columns
            assert height * width <= 1.07 * rows * columns


def test_smaller_scale_finds_fewer_small_faces(
    load: Callable[..., Engine], lfw_pictures: list[Pixels]
) -> None:
    picture = np.ascontiguousarray(hall(lfw_pictures, 30)[0][:960, :1280])
    found = [len(load(precision="f32", scale=scale).detect(picture)) for scale in (0.25, 0.75)]
    assert found[0] < found[1]


def test_tiny_and_upside_down_images_are_searched(engine: Engine, lfw_pictures: list[Pixels]) -> None:
    tiny = cv2.resize(lfw_pictures[0], (36, 36), interpolation=cv2.INTER_AREA)
    picture = np.full((480, 640, 3), 90, np.uint8)
    picture[200:236, 300:336] = tiny
    assert len(engine.analyse(picture)) <= 1
    assert all(
        face.quality.score < 0.75 for face in engine.analyse(np.ascontiguousarray(lfw_pictures[0][::-1]))
    )


def test_face_at_the_border_is_encoded(engine: Engine, lfw_pictures: list[Pixels]) -> None:
    faces = [
        face for cut in (90, 110) for face in engine.analyse(np.ascontiguousarray(lfw_pictures[0][:, cut:]))
    ]
    assert faces
    assert all(np.isfinite(face.template).all() for face in faces)


def test_sixty_faces_are_analysed(engine: Engine, lfw_pictures: list[Pixels]) -> None:
    picture, boxes = hall(lfw_pictures, 60)
    faces = engine.analyse(picture, tiled=True)
    assert len(faces) >= len(boxes) - 1
    assert len({face.box for face in faces}) == len(faces)
