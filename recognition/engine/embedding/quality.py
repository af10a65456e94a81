"""Quality of a face, from its chip, its landmarks and how well chip and mirror image agree."""

import math

import numpy as np

from recognition.engine.opencv import cv2
from recognition.engine.types import Array, Pixels, Quality

# Pixels of the chip with the inner face; background and hair around it do not count for sharpness and light.
_INNER = slice(30, 125)

# How far the nose stands out of the plane of the eyes, in distances between the eyes. The nose is beside the middle
# of the eyes by this times the sine of the yaw.
_NOSE_DEPTH = 0.55
# The place of the nose between eyes (0) and mouth (1) in a level face, and its change for each radian of pitch.
_NOSE_LEVEL, _NOSE_PITCH = 0.56, 0.6


# The weight of each part in the score. Agreement predicts errors best on LFW, then the detector's score. Size,
# sharpness, light and roll hardly vary there; they exclude bad images of a school's camera.
_AGREEMENT, _SCORE, _POSE, _GATE = 4.0, 2.0, 1.0, 0.5


def assess(chip: Pixels, landmarks: Array, score: float, agreement: float) -> Quality:
    """Return the quality of a face.

    `chip` (150, 150, 3) is RGB, `landmarks` (5, 2) are in pixels of the image, `score` is the detector's, `agreement`
    that of `Encoding`.

    Rejecting the tenth of LFW's probes with the lowest score lowers the false non-match rate of the others from 3.1 to
    2.0 % at an FPIR of 1 %, and from 14.0 to 11.9 % at 0.1 % (docs/benchmarks.md).
    """
    grey = cv2.cvtColor(chip[_INNER, _INNER], cv2.COLOR_RGB2GRAY)
    eye_distance = float(np.hypot(*(landmarks[1] - landmarks[0])))
    sharpness = float(cv2.Laplacian(grey, cv2.CV_32F).var())
    light = float(grey.mean()) / 255
    yaw, pitch, roll = pose(landmarks)
    parts = (
        (_AGREEMENT, _between(agreement, 0.975, 0.995)),
        (_SCORE, _between(score, 0.45, 0.95)),
        (_POSE, _between(abs(yaw), 60, 5)),
        (_POSE, _between(abs(pitch), 40, 3)),
        (_GATE, _between(eye_distance, 8, 30)),
        (_GATE, _between(math.log(sharpness + 1), math.log(15), math.log(120))),
        (_GATE, min(_between(light, 0.06, 0.25), _between(light, 0.97, 0.85))),
        (_GATE, _between(abs(roll), 80, 40)),
    )
    return Quality(
        eye_distance=eye_distance,
        sharpness=sharpness,
        light=light,
        yaw=yaw,
        pitch=pitch,
        roll=roll,
        occlusion=max(_outside(grey), _between(agreement, 0.98, 0.93)),
        score=_mean(parts),
    )


def _mean(parts: tuple[tuple[float, float], ...]) -> float:
    """Return the weighted geometric mean of (weight, part), so that one bad part counts much; none is below 0.05."""
    weight = sum(weight for weight, _ in parts)
    return math.exp(sum(weight * math.log(0.05 + 0.95 * part) for weight, part in parts) / weight)


def _outside(grey: Pixels) -> float:
    """Return the part of the face outside the image, which dlib fills with pure black."""
    return 1 - float(cv2.countNonZero(grey)) / grey.size


def pose(landmarks: Array) -> tuple[float, float, float]:
    """Return approximate yaw, pitch and roll in degrees from five landmarks (5, 2).

    They are positive for a face turned to the image's right, downwards, and clockwise.
    """
    points = landmarks.astype(np.float64)
    across = points[1] - points[0]
    roll = math.atan2(across[1], across[0])
    upright = points @ np.array([[math.cos(roll), -math.sin(roll)], [math.sin(roll), math.cos(roll)]])
    eyes, mouth, nose = upright[:2].mean(axis=0), upright[3:].mean(axis=0), upright[2]
    middle = eyes[0] + (mouth[0] - eyes[0]) * 0.5
    # The distance between the eyes, or nearly that from eyes to mouth, which does not shrink when the head turns.
    size = max(float(np.hypot(*across)), 0.9 * float(mouth[1] - eyes[1]), 1e-6)
    yaw = math.asin(float(np.clip((nose[0] - middle) / size / _NOSE_DEPTH, -1, 1)))
    level = (nose[1] - eyes[1]) / max(float(mouth[1] - eyes[1]), 1e-6)
    pitch = float(np.clip((level - _NOSE_LEVEL) / _NOSE_PITCH, -1.5, 1.5))
    return math.degrees(yaw), math.degrees(pitch), math.degrees(roll)


def _between(value: float, worst: float, best: float) -> float:
    """Return 0 at `worst` and beyond, 1 at `best` and beyond, and a straight line between."""
    return float(np.clip((value - worst) / (best - worst), 0, 1))
