"""OpenCV's SSD face detector through its DNN module: the seed design's choice, and the one that runs on
CUDA where OpenCV was built for it. For large faces: every picture, or tile, is seen at 300 x 300, the one
size its graph is right for (at 320 its boxes lie 0.14 of their side beside the face, at 512 anywhere).

The 8 bit TensorFlow file of `opencv_3rdparty` and its graph, got by `manage.py fetch_models`.
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
# From this detector's box to dlib's HOG-like box (`base.shifted`), the mean over 48 pictures of LFW.
_TO_HOG = (-0.02, 0.057, 0.944)


class Ssd:
    """One OpenCV network per thread: it keeps its input as state."""

    name = "ssd"
    scales = False

    def __init__(self, models_dir: Path | None) -> None:
        self._files = (str(verified(SSD_FILE, models_dir)), str(verified(SSD_GRAPH_FILE, models_dir)))
        self.device = "cuda" if cuda_devices() else "cpu"
        self._local = threading.local()

    def detect(self, rgb: Pixels, side: int) -> list[Detection]:  # noqa: ARG002 - it has one size
        """The faces of `rgb`, best first, without landmarks."""
        network = self._network()
        # Turned to BGR first: what `swapRB` does to the order of the means differs between OpenCV's versions.
        small = cv2.cvtColor(cv2.resize(rgb, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA), cv2.COLOR_RGB2BGR)
        network.setInput(cv2.dnn.blobFromImage(small, mean=_MEAN_BGR))
        found = np.asarray(network.forward(), np.float32).reshape(-1, 7)
        found = found[found[:, 2] > _THRESHOLD]
        height, width = rgb.shape[:2]
        boxes = found[:, 3:7] * np.array([width, height, width, height], np.float32)
        return base.gather(boxes, found[:, 2], None, _OVERLAP)

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
