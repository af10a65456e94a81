"""A second alignment for faces that are hard to see."""

from collections.abc import Iterator

import numpy as np
import pytest

from recognition.engine import Engine, Face
from recognition.engine.embedding.align import Aligner
from recognition.engine.embedding.encoder import unit
from recognition.engine.images.image import decode
from recognition.engine.opencv import cv2
from recognition.engine.types import Array, Pixels
from tests import material

Looked = tuple[Face, Face]


@pytest.fixture(scope="module")
def count_second_alignments(engine: Engine) -> list[list[Looked]]:
    """Of forty people each picture's first face, seen quickly and with care."""

    def faces(rgb: Pixels) -> Iterator[Looked]:
        best = engine.detect(rgb)[:1]
        yield from zip(engine.encode(rgb, best, quick=True), engine.encode(rgb, best), strict=True)

    people = list(material.lfw().values())[:40]
    return [[pair for path in paths for pair in faces(decode(path.read_bytes()))] for paths in people]


def hard(pair: Looked) -> bool:
    return bool((pair[0].template != pair[1].template).any())


def test_only_hard_faces_are_aligned_twice(count_second_alignments: list[list[Looked]]) -> None:
    pairs = [pair for pictures in count_second_alignments for pair in pictures]
    assert 0.1 < np.mean([hard(pair) for pair in pairs]) < 0.5
    assert np.mean([quick.quality.score for quick, careful in pairs if hard((quick, careful))]) < np.mean(
        [quick.quality.score for quick, careful in pairs if not hard((quick, careful))]
    )


def test_second_alignment_changes_only_the_template(count_second_alignments: list[list[Looked]]) -> None:
    for quick, careful in (pair for pictures in count_second_alignments for pair in pictures):
        assert careful.box == quick.box
        assert careful.quality.score == quick.quality.score
        np.testing.assert_array_equal(careful.embedding, quick.embedding)
        np.testing.assert_allclose(np.linalg.norm(careful.template), 1, atol=1e-5)


def test_second_alignment_brings_hard_faces_nearer_to_their_person(
    count_second_alignments: list[list[Looked]],
) -> None:
    gained = []
    for pictures in count_second_alignments:
        for at, (quick, careful) in enumerate(pictures):
            if hard((quick, careful)):
                others = unit(
                    np.mean([face.template for face, _ in pictures[:at] + pictures[at + 1 :]], axis=0)
                )
                gained.append(
                    np.linalg.norm(quick.template - others) - np.linalg.norm(careful.template - others)
                )
    assert len(gained) > 20
    assert np.mean(gained) > 0.005


@pytest.mark.parametrize(("turn", "size"), [(0, 4.0), (20, 1.0), (-35, 1.0), (90, 1.0), (180, 2.0)])
def test_second_chip_is_upright_for_any_rotation_and_size(
    engine: Engine, lfw_pictures: list[Pixels], turn: float, size: float
) -> None:
    aligner = Aligner(None)
    rgb = lfw_pictures[0]
    points = found(engine, rgb)
    move = cv2.getRotationMatrix2D((125, 125), turn, size)
    move[:, 2] += 125 * (size - 1)
    side = round(250 * size)
    turned = cv2.warpAffine(rgb, move, (side, side), flags=cv2.INTER_CUBIC)
    there = (points @ move[:, :2].T + move[:, 2]).astype(np.float32)
    one, other = engine.embed(
        np.stack([aligner.align_by_landmarks(rgb, points), aligner.align_by_landmarks(turned, there)])
    )
    assert np.linalg.norm(one - other) < 0.15


def found(engine: Engine, rgb: Pixels) -> Array:
    landmarks = engine.detect(rgb)[0].landmarks
    assert landmarks is not None
    return landmarks
