"""dlib's HOG detector: `face_recognition`'s own boxes, for comparing with it and for replacing it.

Frontal faces from 40 pixels up (the picture is enlarged once, as `face_recognition.face_locations` does).
"""

import threading

import numpy as np

from recognition.engine.types import Box, Detection, Pixels

# `face_recognition.face_locations` enlarges once by default.
UPSAMPLE = 1
# A larger picture is not enlarged: of 8.3 megapixels dlib's pyramid takes gigabytes already.
_MAX_ENLARGED = 8_400_000


class Hog:
    """One dlib object per thread: a shared one ends the process (FACTS)."""

    name = "hog"
    scales = False

    def __init__(self) -> None:
        self._local = threading.local()

    def detect(self, rgb: Pixels, side: int) -> list[Detection]:  # noqa: ARG002 - it always looks in full size
        """`face_recognition.face_locations(rgb)`: the same boxes, cut at the border, in the same order."""
        import dlib

        detector = getattr(self._local, "detector", None)
        if detector is None:
            detector = self._local.detector = dlib.get_frontal_face_detector()
        upsample = UPSAMPLE if rgb.shape[0] * rgb.shape[1] <= _MAX_ENLARGED else 0
        boxes, scores, _ = detector.run(np.ascontiguousarray(rgb), upsample, 0.0)
        return [
            Detection(
                box=cut(rgb, box.left(), box.top(), box.right(), box.bottom()), score=score, landmarks=None
            )
            for box, score in zip(boxes, scores, strict=True)
        ]

    def hog_box(self, detection: Detection) -> Box:
        """The box itself."""
        return detection.box


def cut(rgb: Pixels, left: float, top: float, right: float, bottom: float) -> Box:
    """The box within the picture, as `face_recognition` cuts it."""
    height, width = rgb.shape[:2]
    return max(left, 0), max(top, 0), min(right, width), min(bottom, height)
