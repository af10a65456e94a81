"""What every detector can do, and what several of them share."""

import threading
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future
from typing import Protocol

import numpy as np

from recognition.engine.errors import BadImage
from recognition.engine.geometry import as_complex, turn
from recognition.engine.networks.runtime import Network, Shape
from recognition.engine.opencv import cv2
from recognition.engine.types import Array, Box, Detection, Pixels

# The detector's longer side is kept within these, per tile (DESIGN.md, FACE_DETECTION_SCALE).
SMALLEST_SIDE, LARGEST_SIDE = 320, 960


class Detector(Protocol):
    """Finds faces. One object serves any number of threads at once."""

    @property
    def name(self) -> str:
        """As in FACE_DETECTION_MODEL."""

    @property
    def scales(self) -> bool:
        """Whether `side` governs it; one that does not looks at the picture in its full size."""

    def detect(self, rgb: Pixels, side: int) -> list[Detection]:
        """The faces of `rgb`, best first, the longer side of the picture brought to `side` pixels."""

    def hog_box(self, detection: Detection) -> Box:
        """The box that dlib's HOG detector would draw there: what the five-point predictor expects."""


class Sized:
    """A network compiled for each input shape that is asked for; the last few stay.

    A static shape runs a fifth faster than a dynamic one, and one camera sends one shape. Any thread may call; a shape
    that is being compiled holds up nobody who needs another one.
    """

    def __init__(self, compile_for: Callable[[Shape], Network], keep: int = 12) -> None:
        self._compile, self._keep = compile_for, keep
        self._lock = threading.Lock()
        self._networks: OrderedDict[Shape, Future[Network]] = OrderedDict()

    def __call__(self, pixels: np.ndarray) -> list[Array]:
        return self._for(pixels.shape).result()(pixels)

    def _for(self, shape: Shape) -> Future[Network]:
        with self._lock:
            if (known := self._networks.get(shape)) is not None:
                self._networks.move_to_end(shape)
                return known
            mine = self._networks[shape] = Future()
            if len(self._networks) > self._keep:
                self._networks.popitem(last=False)
        try:
            mine.set_result(self._compile(shape))
        except BaseException as fault:  # noqa: BLE001 (passed on to all who wait, whatever it is)
            # Whoever waits for this shape shall hear of it, and the next one shall try again.
            mine.set_exception(fault)
            with self._lock:
                self._networks.pop(shape, None)
        return mine


def shrunk(rgb: Pixels, side: int) -> tuple[Pixels, float]:
    """`rgb` with its longer side at `side` pixels, and the scale from the one to the other."""
    height, width = rgb.shape[:2]
    scale = side / max(height, width)
    if scale == 1:
        return rgb, scale
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    how = cv2.INTER_AREA if scale < 0.5 else cv2.INTER_LINEAR
    return cv2.resize(rgb, size, interpolation=how), scale


def canvas_size(rows: int, columns: int) -> tuple[int, int]:
    """The rows and columns of the canvas that a picture of this size is put on.

    Compiling a network for a shape takes as long as ten frames or more, so shapes are few: the longer side is a
    multiple of 160, the shorter one of 96, or of 64 beside 320 (4:3 and 16:9 then lose little or nothing).
    """
    longer = -(-max(rows, columns) // 160) * 160
    step = 64 if longer == SMALLEST_SIDE else 96
    shorter = min(-(-min(rows, columns) // step) * step, longer)
    return (longer, shorter) if rows > columns else (shorter, longer)


def fit(rgb: Pixels, side: int) -> tuple[Pixels, float]:
    """`shrunk`, at the top left of a black canvas out of `canvas_size`; the scale is that of the picture."""
    rgb, scale = shrunk(rgb, side)
    rows, columns = rgb.shape[:2]
    height, width = canvas_size(rows, columns)
    if (height, width) != (rows, columns):
        rgb = cv2.copyMakeBorder(rgb, 0, height - rows, 0, width - columns, cv2.BORDER_CONSTANT)
    return rgb, scale


def blob(rgb: Pixels, *, bgr: bool = False) -> Array:
    """(H, W, 3) uint8 as (1, 3, H, W) float32 from 0 to 255, in the same order of colours or turned to BGR."""
    return np.asarray(cv2.dnn.blobFromImage(rgb, swapRB=bgr), np.float32)


def suppress(boxes: Array, scores: Array, overlap: float) -> list[int]:
    """Non-maximum suppression: which of `boxes` (N, 4: left, top, right, bottom) stay, best first."""
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


def gather(boxes: Array, scores: Array, landmarks: Array | None, overlap: float) -> list[Detection]:
    """Detections out of arrays (N, 4), (N,), (N, 5, 2) or None, those that overlap a better one left out."""
    return [
        Detection(
            box=(float(boxes[at, 0]), float(boxes[at, 1]), float(boxes[at, 2]), float(boxes[at, 3])),
            score=float(scores[at]),
            landmarks=None if landmarks is None else landmarks[at].astype(np.float32),
        )
        for at in suppress(boxes, scores, overlap)
    ]


# CenterFace's mean landmarks in dlib's HOG box: x + iy from its centre, in parts of its side. Measured on 313
# faces of LFW that both find (an eye to the image's left first; HOG's boxes lie a little to the left).
_MEAN_FACE = np.array(
    [-0.1739 - 0.1710j, 0.2360 - 0.1838j, 0.0245 + 0.0576j, -0.1378 + 0.2527j, 0.2035 + 0.2409j]
)


def box_around(landmarks: Array) -> Box:
    """The HOG-like box of five landmarks: that of the mean face, turned and scaled to fit them best."""
    points = as_complex(landmarks)
    turned = turn(_MEAN_FACE, points)
    centre = points.mean() - turned * _MEAN_FACE.mean()
    half = max(abs(turned), 1.0) / 2
    return (
        float(centre.real) - half,
        float(centre.imag) - half,
        float(centre.real) + half,
        float(centre.imag) + half,
    )


def landmark_box(detection: Detection) -> Box:
    """`box_around` the landmarks of a detection that has them."""
    if detection.landmarks is None:
        msg = "This detection has no landmarks: it came from another detector"
        raise BadImage(msg, code="wrong_shape")
    return box_around(detection.landmarks)


def shifted(box: Box, right: float, down: float, size: float) -> Box:
    """A square HOG-like box: `box`'s centre moved, and its mean side scaled, by parts of that mean side."""
    width, height = box[2] - box[0], box[3] - box[1]
    mean = float(np.sqrt(max(width, 1.0) * max(height, 1.0)))
    x, y = (box[0] + box[2]) / 2 + right * mean, (box[1] + box[3]) / 2 + down * mean
    half = size * mean / 2
    return x - half, y - half, x + half, y + half
