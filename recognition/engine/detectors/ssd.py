"""OpenCV's SSD face detector through its DNN module, for large faces. It runs on CUDA where OpenCV was built for it.

Every image or tile is searched at 300 x 300, the only size for which its graph is right: at 320 its boxes are 0.14 of
their side beside the face, at 512 they are anywhere. The 8-bit TensorFlow file of `opencv_3rdparty` and its graph are
downloaded by `manage.py fetch_models`.
"""

import threading
from pathlib import Path
from typing import Any

import numpy as np

from recognition.engine.detectors import base
from recognition.engine.networks.model_files import SSD_FILE, SSD_GRAPH_FILE, verified
from recognition.engine.opencv import cv2
from recognition.engine.types import Box, Detection, Pixels

_MEAN_BGR = (104.0, 177.0, 123.0)
_THRESHOLD = 0.5
_OVERLAP = 0.4
_SIDE = 300
# Right, down and size of dlib's HOG box relative to this detector's (`base.hog_box_from`): the mean of 48 images of
# LFW.
_TO_HOG = (-0.02, 0.057, 0.944)


class Ssd:
    """The detector. Thread-safe: each thread has its own OpenCV network, because that keeps its input as state."""

    name = "ssd"
    scales = False

    def __init__(self, models_dir: Path | None) -> None:
        self._files = (str(verified(SSD_FILE, models_dir)), str(verified(SSD_GRAPH_FILE, models_dir)))
        self.device = "cuda" if cuda_devices() else "cpu"
        self._local = threading.local()

    def detect(self, rgb: Pixels, side: int) -> list[Detection]:  # noqa: ARG002 - has one size
        """Return the faces of `rgb`, best first, without landmarks."""
        network = self._network()
        # Converted to BGR first: OpenCV's versions differ in how `swapRB` affects the order of the means.
        small = cv2.cvtColor(cv2.resize(rgb, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA), cv2.COLOR_RGB2BGR)
        network.setInput(cv2.dnn.blobFromImage(small, mean=_MEAN_BGR))
        # Rows of (image, class, score, left, top, right, bottom), the box in parts of the image's sides.
        rows = np.asarray(network.forward(), np.float32).reshape(-1, 7)
        rows = rows[rows[:, 2] > _THRESHOLD]
        height, width = rgb.shape[:2]
        boxes = rows[:, 3:7] * np.array([width, height, width, height], np.float32)
        return base.detections_of(boxes, rows[:, 2], None, _OVERLAP)

    def hog_box(self, detection: Detection) -> Box:
        """Return the HOG-like box for the detector's box."""
        return base.hog_box_from(detection.box, *_TO_HOG)

    def _network(self) -> Any:
        network = getattr(self._local, "network", None)
        if network is None:
            network = self._local.network = cv2.dnn.readNetFromTensorflow(*self._files)
            if self.device == "cuda":
                network.setPreferableBackend(cv2.dnn.DNN_BACKEND_CUDA)
                network.setPreferableTarget(cv2.dnn.DNN_TARGET_CUDA)
        return network


def cuda_devices() -> int:
    """Return how many CUDA devices OpenCV can use: none unless it was built with CUDA."""
    return int(cv2.cuda.getCudaEnabledDeviceCount()) if hasattr(cv2, "cuda") else 0
