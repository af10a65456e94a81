"""The engine's numbers are face_recognition's."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from recognition.engine import Engine
from recognition.engine.embedding.align import Aligner
from recognition.engine.embedding.encoder import unit
from recognition.engine.images.image import resize_longer
from recognition.engine.networks.model_files import ENCODER_FILE, FIVE_POINTS_FILE, locate
from recognition.engine.reference import library
from recognition.engine.types import Box, Pixels
from tests import material

# The limit in f32; 1.5e-6 was measured.
NEAR = 1e-4


@pytest.fixture(scope="session")
def face_recognition() -> Any:
    return library()


def boxes_of(places: list[tuple[int, int, int, int]]) -> list[tuple[int, int, int, int]]:
    return [(left, top, right, bottom) for top, right, bottom, left in places]


def assert_same_as_the_library(engine: Engine, api: Any, rgb: Pixels) -> int:
    places = api.face_locations(rgb)
    embeddings = api.face_encodings(rgb, places)
    faces = engine.analyse(rgb)
    assert [face.box for face in faces] == boxes_of(places)
    for face, embedding in zip(faces, embeddings, strict=True):
        assert np.linalg.norm(face.embedding - embedding) <= NEAR
    return len(faces)


def test_hog_equals_face_recognition_on_groups(
    load: Callable[..., Engine], face_recognition: Any, photographs: list[Pixels]
) -> None:
    material.need("faces", "groups", "training.xml")  # without its groups there are not so many faces
    engine = load(detector="hog", precision="f32")
    assert sum(assert_same_as_the_library(engine, face_recognition, rgb) for rgb in photographs) >= 30


def test_hog_equals_face_recognition_on_portraits(
    load: Callable[..., Engine], face_recognition: Any, lfw_pictures: list[Pixels]
) -> None:
    engine = load(detector="hog", precision="f32")
    assert sum(assert_same_as_the_library(engine, face_recognition, rgb) for rgb in lfw_pictures) >= 29


def test_reference_backend_equals_face_recognition(
    load: Callable[..., Engine], face_recognition: Any, photographs: list[Pixels]
) -> None:
    assert assert_same_as_the_library(load(backend="reference"), face_recognition, photographs[0]) >= 1


def test_cnn_boxes_equal_face_recognition(
    load: Callable[..., Engine], face_recognition: Any, photographs: list[Pixels]
) -> None:
    engine = load(detector="cnn", precision="f32")
    smallest = [resize_longer(rgb, 640) for rgb in sorted(photographs, key=lambda rgb: rgb.size)[:2]]
    portrait = np.ascontiguousarray(smallest[0][: smallest[0].shape[0] * 3 // 4])
    for rgb in (*smallest, portrait):
        found = boxes_of(face_recognition.face_locations(rgb, model="cnn"))
        assert [face.box for face in engine.detect(rgb)] == found


def test_chips_equal_dlib(engine: Engine, face_recognition: Any, lfw_pictures: list[Pixels]) -> None:
    import dlib

    predictor = dlib.shape_predictor(str(locate(FIVE_POINTS_FILE, None)))
    network = dlib.face_recognition_model_v1(str(locate(ENCODER_FILE, None)))
    aligner, box = Aligner(None), (70, 80, 180, 190)
    for rgb in lfw_pictures[:10]:
        shape = predictor(rgb, dlib.rectangle(*box))
        chip = aligner.align(rgb, box).chip
        assert np.array_equal(chip, dlib.get_face_chip(rgb, shape, 150, 0.25))
        whole = np.array(network.compute_face_descriptor(rgb, shape))
        assert np.linalg.norm(engine.embed(chip[None])[0] - whole) <= NEAR


def test_box_over_the_border_gives_a_chip(lfw_pictures: list[Pixels]) -> None:
    aligner = Aligner(None)
    outside: list[Box] = [
        (-90.0, -80.0, 60.0, 70.0),
        (200.0, 200.0, 400.0, 400.0),
        (-5.0, -5.0, 900.0, 900.0),
    ]
    for box in outside:
        assert aligner.align(lfw_pictures[0], box).chip.shape == (150, 150, 3)


def test_many_chips_give_the_embeddings_of_single_ones(engine: Engine) -> None:
    chips = np.random.default_rng(4).integers(0, 256, (19, 150, 150, 3), dtype=np.uint8)
    one_by_one = np.concatenate([engine.embed(chip[None]) for chip in chips])
    assert np.abs(engine.embed(chips) - one_by_one).max() < 1e-5


def test_template_is_the_unit_mean_of_chip_and_mirror(engine: Engine, lfw_pictures: list[Pixels]) -> None:
    (detection, *_) = engine.detect(lfw_pictures[0])
    (face,) = engine.encode(lfw_pictures[0], [detection])
    assert np.linalg.norm(face.template) == pytest.approx(1, abs=1e-6)
    assert face.template @ unit(face.embedding) > 0.95
    (mirrored,) = engine.encode(np.ascontiguousarray(lfw_pictures[0][:, ::-1]), [_mirrored(detection, 250)])
    assert np.linalg.norm(mirrored.template - face.template) < 0.15


def _mirrored(detection: Any, width: int) -> Any:
    left, top, right, bottom = detection.box
    marks = detection.landmarks[[1, 0, 2, 4, 3]] * [-1, 1] + [width - 1, 0]
    return type(detection)(
        (width - right, top, width - left, bottom), detection.score, marks.astype(np.float32)
    )
