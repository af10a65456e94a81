"""OpenCV with what must be set before and right after its import; the engine imports it from here alone.

`OPENCV_IO_MAX_IMAGE_PIXELS` is read once, at import: it bounds what `imdecode` will allocate. One thread
per call, because calls come from several workers and OpenCV's own pool would fight them for the cores.
"""

import os

os.environ.setdefault("OPENCV_IO_MAX_IMAGE_PIXELS", str(1 << 27))

import cv2

cv2.setNumThreads(1)

__all__ = ["cv2"]
