"""YuNet, for very small faces (under 32 pixels) and slow machines: a quarter of CenterFace's time.

Wu, Peng and Yu, "YuNet: A Tiny Millisecond-level Face Detector" (2023), OpenCV Zoo, MIT; downloaded by
`manage.py fetch_models`. The input is BGR from 0 to 255. At strides of 8, 16 and 32 pixels it returns class
and object scores, boxes (shift of the centre and logarithm of the size, in strides) and five landmarks (in strides from
the cell).
"""

from pathlib import Path

import numpy as np

from recognition.engine.detectors import base
from recognition.engine.networks.model_files import YUNET_FILE, read
from recognition.engine.networks.per_shape import NetworkPerShape
from recognition.engine.networks.runtime import Runtime
from recognition.engine.types import Array, Box, Detection, Pixels

_STRIDES = (8, 16, 32)
# At this score there is one false box in ten images of WIDER FACE at 480 pixels (0.67 at 320, 0.77 at 960).
_THRESHOLD = 0.69
_OVERLAP = 0.3


class YuNet:
    """The detector. Thread-safe; `detect` runs on the calling thread."""

    name = "yunet"
    scales = True

    def __init__(self, runtime: Runtime, models_dir: Path | None) -> None:
        model = read(YUNET_FILE, models_dir)
        self._network = NetworkPerShape(runtime.compile(model))

    def detect(self, rgb: Pixels, side: int) -> list[Detection]:
        """Return the faces of `rgb`, best first."""
        canvas, scale = base.fit_on_canvas(rgb, side)
        outputs = self._network(base.blob(canvas, bgr=True))
        parts = [_decode(outputs[level::3], stride, canvas.shape[1]) for level, stride in enumerate(_STRIDES)]
        boxes, scores, landmarks = (np.concatenate(part) for part in zip(*parts, strict=True))
        boxes, landmarks = (np.asarray(part / scale, np.float32) for part in (boxes, landmarks))
        return base.detections_of(boxes, scores, landmarks, _OVERLAP)

    def hog_box(self, detection: Detection) -> Box:
        """Return the box from the landmarks, which are at the same places as CenterFace's."""
        return base.hog_box_of_landmarks(detection)


def _decode(outputs: list[Array], stride: int, width: int) -> tuple[Array, Array, Array]:
    """Return boxes (N, 4), scores (N,) and landmarks (N, 5, 2) of one stride, in pixels of the canvas."""
    classes, objects, boxes, points = (output[0] for output in outputs)
    scores = np.sqrt(np.clip(classes, 0, 1) * np.clip(objects, 0, 1))[:, 0]
    cells = np.flatnonzero(scores > _THRESHOLD)
    rows, columns = np.divmod(cells, width // stride)
    corner = np.stack([columns, rows], axis=1).astype(np.float32)
    centres, halves = (corner + boxes[cells, :2]) * stride, np.exp(boxes[cells, 2:]) * stride / 2
    landmarks = (points[cells].reshape(-1, 5, 2) + corner[:, None]) * stride
    return np.concatenate([centres - halves, centres + halves], axis=1), scores[cells], landmarks
