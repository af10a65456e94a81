"""OpenCV's SSD face detector through its DNN module: the seed design's choice, and the one that runs on
CUDA where OpenCV was built for it. For large faces (from about 40 pixels in a picture of 300).

The 8 bit TensorFlow file of `opencv_3rdparty` and its graph, got by `manage.py fetch_models`.
"""

import threading
from pathlib import Path
from typing import Any

import numpy as np

from recognition.engine.detectors import base
from recognition.engine.models import SSD_FILE, SSD_GRAPH_FILE, verified
from recognition.engine.opencv import cv2
from recognition.engine.types import Box, Detection, Pixels

_MEAN_BGR = (104.0, 177.0, 123.0)
_THRESHOLD = 0.5
# From this detector's box to dlib's HOG box (`base.shifted`), the mean over LFW.
_TO_HOG = (0.0, 0.0, 1.0)


class Ssd:
    """One OpenCV network per thread: it keeps its input as state."""

    name = "ssd"
    scales = True

    def __init__(self, models_dir: Path | None) -> None:
        self._files = (str(verified(SSD_FILE, models_dir)), str(verified(SSD_GRAPH_FILE, models_dir)))
        self.device = "cuda" if cuda_devices() else "cpu"
        self._local = threading.local()

    def detect(self, rgb: Pixels, side: int) -> list[Detection]:
        """The faces of `rgb`, best first, without landmarks."""
        canvas, scale = base.fit(rgb, side)
        network = self._network()
        network.setInput(cv2.dnn.blobFromImage(canvas, mean=_MEAN_BGR[::-1], swapRB=True))
        found = np.asarray(network.forward(), np.float32).reshape(-1, 7)
        found = found[found[:, 2] > _THRESHOLD]
        height, width = canvas.shape[:2]
        boxes = found[:, 3:7] * np.array([width, height, width, height], np.float32) / np.float32(scale)
        return [
            Detection(
                box=(float(boxes[at, 0]), float(boxes[at, 1]), float(boxes[at, 2]), float(boxes[at, 3])),
                score=float(found[at, 2]),
                landmarks=None,
            )
            for at in base.suppress(boxes, found[:, 2], 0.4)
        ]

    def hog_box(self, detection: Detection) -> Box:
        """From the box alone."""
        return base.shifted(detection.box, *_TO_HOG)

    def _network(self) -> Any:
        network = getattr(self._local, "network", None)
        if network is None:
            network = self._local.network = cv2.dnn.readNetFromTensorflow(*self._files)
            if self.device == "cuda":
                network.setPreferableBackend(cv2.dnn.DNN_BACKEND_CUDA)
                network.setPreferableTarget(cv2.dnn.DNN_TARGET_CUDA)
        return network


def cuda_devices() -> int:
    """How many CUDA devices OpenCV itself can use: none unless it was built for it."""
    return int(cv2.cuda.getCudaEnabledDeviceCount()) if hasattr(cv2, "cuda") else 0
