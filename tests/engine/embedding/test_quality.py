"""Quality falls where a picture gets worse, and rejecting by it is worth something."""

from collections.abc import Callable

import numpy as np
import pytest

from recognition.engine import Engine, Quality
from recognition.engine.embedding.quality import pose
from recognition.engine.images.image import decode
from recognition.engine.opencv import cv2
from recognition.engine.types import Pixels
from tests import material

FRONTAL = np.array([[40, 50], [80, 50], [60, 74], [45, 92], [75, 92]], np.float32)


def quality(engine: Engine, rgb: Pixels) -> Quality:
    return max(engine.analyse(rgb), key=lambda face: face.box[2] - face.box[0]).quality


def blurred(rgb: Pixels) -> Pixels:
    return np.asarray(cv2.GaussianBlur(rgb, (0, 0), 5), np.uint8)


def darkened(rgb: Pixels) -> Pixels:
    return (rgb // 12).astype(np.uint8)


def small(rgb: Pixels) -> Pixels:
    canvas = np.full_like(rgb, 90)
    canvas[90:150, 90:150] = cv2.resize(rgb, (60, 60), interpolation=cv2.INTER_AREA)
    return canvas


@pytest.mark.parametrize("worse", [blurred, darkened, small])
def test_worse_image_has_a_lower_score(
    engine: Engine, lfw_pictures: list[Pixels], worse: Callable[[Pixels], Pixels]
) -> None:
    drops = [
        quality(engine, rgb).score - quality(engine, worse(rgb)).score
        for rgb in lfw_pictures[:8]
        if engine.detect(worse(rgb))
    ]
    assert len(drops) >= 4
    assert np.mean(drops) > 0.1
    assert min(drops) > -0.05


def test_each_part_measures_its_property(engine: Engine, lfw_pictures: list[Pixels]) -> None:
    rgb = lfw_pictures[0]
    good = quality(engine, rgb)
    assert quality(engine, blurred(rgb)).sharpness < good.sharpness / 3
    assert quality(engine, darkened(rgb)).light < good.light / 3
    assert quality(engine, small(rgb)).eye_distance < good.eye_distance / 3
    assert 0 <= good.occlusion <= 0.2


def test_face_over_the_border_has_occlusion(engine: Engine, lfw_pictures: list[Pixels]) -> None:
    rgb = lfw_pictures[0]
    cut = np.ascontiguousarray(rgb[:, 110:])
    assert quality(engine, cut).occlusion > quality(engine, rgb).occlusion + 0.1


def test_pose_has_the_documented_signs() -> None:
    assert pose(FRONTAL) == pytest.approx((0, 0, 0), abs=3)
    right, down, clockwise = FRONTAL.copy(), FRONTAL.copy(), FRONTAL.copy()
    right[2, 0] += 12
    down[2, 1] += 8
    turn = np.deg2rad(25)
    clockwise = (FRONTAL @ np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])).astype(
        np.float32
    )
    assert pose(right)[0] > 20
    assert pose(down)[1] > 10
    assert pose(clockwise)[2] == pytest.approx(25, abs=0.1)
    assert pose(clockwise)[0] == pytest.approx(pose(FRONTAL)[0], abs=1)


def test_rejection_of_the_worst_tenth_lowers_the_error(engine: Engine) -> None:
    """Distances of probes to the mean of their own person, on twenty people of LFW: the tail gets shorter."""
    distances, scores = [], []
    for paths in list(material.lfw().values())[:20]:
        faces = [
            max(engine.analyse(decode(path.read_bytes())), key=lambda face: face.score) for path in paths[:6]
        ]
        mean = np.mean([face.template for face in faces[:3]], axis=0)
        mean /= np.linalg.norm(mean)
        distances += [float(np.linalg.norm(face.template - mean)) for face in faces[3:]]
        scores += [face.quality.score for face in faces[3:]]
    kept = np.array(scores) > np.quantile(scores, 0.1)
    rejected = ~kept
    assert np.mean(np.array(distances)[rejected]) > np.mean(np.array(distances)[kept])
