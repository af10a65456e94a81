"""How far a face can be relied upon, from its chip, its landmarks and how well its encoding holds together."""

import math

import numpy as np

from recognition.engine.opencv import cv2
from recognition.engine.types import Array, Pixels, Quality

# The inner face in the chip: background and hair outside say nothing about sharpness or light.
_INNER = slice(30, 125)

# A nose this far (in distances between the eyes) beside the middle of the eyes is a face turned by 90 degrees;
# the rest follows the sine. The nose stands that far out of the plane of the eyes.
_NOSE_DEPTH = 0.55
# The nose's place between the eyes (0) and the mouth (1) in a level face, and what it moves per radian of pitch.
_NOSE_LEVEL, _NOSE_PITCH = 0.56, 0.6


# How much each part counts in the score. Agreement tells most about LFW's probes, then the detector's score;
# size, sharpness, light and tilt hardly vary there and are gates for what a school's camera sees.
_AGREEMENT, _SCORE, _POSE, _GATE = 4.0, 2.0, 1.0, 0.5


def assess(chip: Pixels, landmarks: Array, score: float, agreement: float) -> Quality:
    """The quality of a face: its chip (150, 150, 3) RGB, landmarks (5, 2) in the picture, the detector's score,
    and the agreement of its encoding with its mirror image's (`Encoding.agreement`).

    Rejecting the tenth of LFW's probes with the lowest score lowers the false non-matches among the rest from
    3.1 to 2.0 % at an FPIR of 1 %, and from 14.0 to 11.9 % at 0.1 % (docs/engine.md).
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
    """The weighted geometric mean, so that one bad part spoils the whole; a floor keeps bad ones in order."""
    weight = sum(weight for weight, _ in parts)
    return math.exp(sum(weight * math.log(0.05 + 0.95 * part) for weight, part in parts) / weight)


def _outside(grey: Pixels) -> float:
    """The part of the face that lay outside the picture: dlib fills it with pure black."""
    return 1 - float(cv2.countNonZero(grey)) / grey.size


def pose(landmarks: Array) -> tuple[float, float, float]:
    """Yaw, pitch and roll in degrees, about, from five landmarks: a face turned to the image's right, looking
    down, and turned clockwise has positive ones."""
    points = landmarks.astype(np.float64)
    across = points[1] - points[0]
    roll = math.atan2(across[1], across[0])
    turned = points @ np.array([[math.cos(roll), -math.sin(roll)], [math.sin(roll), math.cos(roll)]])
    eyes, mouth, nose = turned[:2].mean(axis=0), turned[3:].mean(axis=0), turned[2]
    middle = eyes[0] + (mouth[0] - eyes[0]) * 0.5
    # Between the eyes on a frontal face; turned away, the eyes close up but eyes to mouth do not.
    size = max(float(np.hypot(*across)), 0.9 * float(mouth[1] - eyes[1]), 1e-6)
    yaw = math.asin(float(np.clip((nose[0] - middle) / size / _NOSE_DEPTH, -1, 1)))
    level = (nose[1] - eyes[1]) / max(float(mouth[1] - eyes[1]), 1e-6)
    pitch = float(np.clip((level - _NOSE_LEVEL) / _NOSE_PITCH, -1.5, 1.5))
    return math.degrees(yaw), math.degrees(pitch), math.degrees(roll)


def _between(value: float, worst: float, best: float) -> float:
    """0 at `worst` and beyond, 1 at `best` and beyond, a straight line between them."""
    return float(np.clip((value - worst) / (best - worst), 0, 1))
