"""dlib's HOG detector: the boxes of `face_recognition`, for comparison and for replacing it.

It finds frontal faces from 40 pixels up (the image is enlarged once, as `face_recognition.face_locations` does).
"""

import threading

import numpy as np

from recognition.engine.types import Box, Detection, Pixels

# `face_recognition.face_locations` enlarges once by default.
UPSAMPLE = 1
# Pixels of the largest image that is enlarged: dlib's pyramid of 8.3 megapixels takes gigabytes.
_MAX_ENLARGED = 8_400_000


class Hog:
    """The detector. Thread-safe: each thread has its own dlib object, because sharing one ends the process."""

    name = "hog"
    scales = False

    def __init__(self) -> None:
        self._local = threading.local()

    def detect(self, rgb: Pixels, side: int) -> list[Detection]:  # noqa: ARG002 - always in full size
        """Return the boxes of `face_recognition.face_locations(rgb)`, clipped to the image, in the same order."""
        import dlib

        detector = getattr(self._local, "detector", None)
        if detector is None:
            detector = self._local.detector = dlib.get_frontal_face_detector()
        upsample = UPSAMPLE if rgb.shape[0] * rgb.shape[1] <= _MAX_ENLARGED else 0
        boxes, scores, _ = detector.run(np.ascontiguousarray(rgb), upsample, 0.0)
        return [
            Detection(
                box=clip_to_image(rgb, box.left(), box.top(), box.right(), box.bottom()),
                score=score,
                landmarks=None,
            )
            for box, score in zip(boxes, scores, strict=True)
        ]

    def hog_box(self, detection: Detection) -> Box:
        """Return the box itself: it is a HOG box already."""
        return detection.box


def clip_to_image(rgb: Pixels, left: float, top: float, right: float, bottom: float) -> Box:
    """Return the part of the box within the image, as `face_recognition` clips it."""
    height, width = rgb.shape[:2]
    return max(left, 0), max(top, 0), min(right, width), min(bottom, height)
