"""OpenCV with the settings that must be made before and after its import; the engine imports it only from here.

`OPENCV_IO_MAX_IMAGE_PIXELS` is read once, at import, and limits what `imdecode` allocates. Each call uses one thread,
because calls come from several workers and OpenCV's own threads would compete with them for the cores.
"""

import os

os.environ.setdefault("OPENCV_IO_MAX_IMAGE_PIXELS", str(1 << 27))

import cv2

cv2.setNumThreads(1)

__all__ = ["cv2"]
