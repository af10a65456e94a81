"""The protocol of detectors, and functions that several of them use."""

from typing import Protocol

import numpy as np

from recognition.engine.errors import BadImage
from recognition.engine.geometry import as_complex, fit_rotation_and_scale
from recognition.engine.opencv import cv2
from recognition.engine.types import Array, Box, Detection, Pixels

# The smallest and largest longer side, in pixels, of what a detector searches at once (an image or a tile).
SMALLEST_SIDE, LARGEST_SIDE = 320, 960


class Detector(Protocol):
    """Finds faces. Thread-safe."""

    @property
    def name(self) -> str:
        """Return the name in FACE_DETECTION_MODEL."""

    @property
    def scales(self) -> bool:
        """Return whether it obeys `side`; the others search in full size or in one of their own."""

    def detect(self, rgb: Pixels, side: int) -> list[Detection]:
        """Return the faces of `rgb`, best first, after scaling its longer side to `side` pixels."""

    def hog_box(self, detection: Detection) -> Box:
        """Return the box that dlib's HOG detector would return there, which the five-point predictor expects."""


def scale_to_side(rgb: Pixels, side: int) -> tuple[Pixels, float]:
    """Return `rgb` with its longer side at `side` pixels (enlarged if smaller), and the scale."""
    height, width = rgb.shape[:2]
    scale = side / max(height, width)
    if scale == 1:
        return rgb, scale
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    how = cv2.INTER_AREA if scale < 0.5 else cv2.INTER_LINEAR
    return cv2.resize(rgb, size, interpolation=how), scale


def canvas_size(rows: int, columns: int) -> tuple[int, int]:
    """Return the rows and columns of the canvas for an image of this size.

    Compiling a network for a shape takes as long as ten frames or more, so there are few shapes: the longer side is a
    multiple of 160, the shorter one of 96, or of 64 if the longer one is 320 (4:3 and 16:9 then waste little).
    """
    longer = -(-max(rows, columns) // 160) * 160
    step = 64 if longer == SMALLEST_SIDE else 96
    shorter = min(-(-min(rows, columns) // step) * step, longer)
    return (longer, shorter) if rows > columns else (shorter, longer)


def fit_on_canvas(rgb: Pixels, side: int) -> tuple[Pixels, float]:
    """Return the image from `scale_to_side` at the top left of a black canvas of `canvas_size`, and its scale."""
    rgb, scale = scale_to_side(rgb, side)
    rows, columns = rgb.shape[:2]
    height, width = canvas_size(rows, columns)
    if (height, width) != (rows, columns):
        rgb = cv2.copyMakeBorder(rgb, 0, height - rows, 0, width - columns, cv2.BORDER_CONSTANT)
    return rgb, scale


def blob(rgb: Pixels, *, bgr: bool = False) -> Array:
    """Return (H, W, 3) uint8 as (1, 3, H, W) float32 from 0 to 255, as RGB or with `bgr` as BGR."""
    return np.asarray(cv2.dnn.blobFromImage(rgb, swapRB=bgr), np.float32)


def suppress(boxes: Array, scores: Array, overlap: float) -> list[int]:
    """Return the indices of the boxes (N, 4) that non-maximum suppression keeps, best first.

    `overlap` is the intersection over union beyond which the box with the lower score is removed.
    """
    order = np.argsort(-scores, kind="stable")
    areas = np.maximum(0, boxes[:, 2] - boxes[:, 0]) * np.maximum(0, boxes[:, 3] - boxes[:, 1])
    kept: list[int] = []
    while order.size:
        best, order = order[0], order[1:]
        kept.append(int(best))
        low = np.maximum(boxes[best, :2], boxes[order, :2])
        high = np.minimum(boxes[best, 2:], boxes[order, 2:])
        shared = np.prod(np.maximum(0, high - low), axis=1)
        order = order[shared <= overlap * (areas[best] + areas[order] - shared)]
    return kept


def detections_of(boxes: Array, scores: Array, landmarks: Array | None, overlap: float) -> list[Detection]:
    """Return detections from arrays (N, 4), (N,), and (N, 5, 2) or None, after `suppress`; best first."""
    return [
        Detection(
            box=(float(boxes[row, 0]), float(boxes[row, 1]), float(boxes[row, 2]), float(boxes[row, 3])),
            score=float(scores[row]),
            landmarks=None if landmarks is None else landmarks[row].astype(np.float32),
        )
        for row in suppress(boxes, scores, overlap)
    ]


# CenterFace's mean landmarks in dlib's HOG box: x + iy from its centre, in parts of its side; the eye at the image's
# left first. Measured on 313 faces of LFW that both detectors find (HOG's boxes are a little too far left).
_MEAN_FACE = np.array(
    [-0.1739 - 0.1710j, 0.2360 - 0.1838j, 0.0245 + 0.0576j, -0.1378 + 0.2527j, 0.2035 + 0.2409j]
)


def hog_box_around(landmarks: Array) -> Box:
    """Return the HOG-like box of five landmarks (5, 2): that of the mean face, rotated and scaled to fit them."""
    points = as_complex(landmarks)
    factor = fit_rotation_and_scale(_MEAN_FACE, points)
    centre = points.mean() - factor * _MEAN_FACE.mean()
    half = max(abs(factor), 1.0) / 2
    return (
        float(centre.real) - half,
        float(centre.imag) - half,
        float(centre.real) + half,
        float(centre.imag) + half,
    )


def hog_box_of_landmarks(detection: Detection) -> Box:
    """Return `hog_box_around` the landmarks of a detection. Raises BadImage if it has none."""
    if detection.landmarks is None:
        msg = "This detection has no landmarks; it came from another detector"
        raise BadImage(msg, code="wrong_shape")
    return hog_box_around(detection.landmarks)


def hog_box_from(box: Box, right: float, down: float, size: float) -> Box:
    """Return a square HOG-like box: `box` moved right and down, and scaled, by parts of its mean side."""
    width, height = box[2] - box[0], box[3] - box[1]
    mean = float(np.sqrt(max(width, 1.0) * max(height, 1.0)))
    x, y = (box[0] + box[2]) / 2 + right * mean, (box[1] + box[3]) / 2 + down * mean
    half = size * mean / 2
    return x - half, y - half, x + half, y + half
