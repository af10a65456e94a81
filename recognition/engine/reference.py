"""The same answers through the `face_recognition` library: the baseline, the check and the way back.

Its import ends the process where `pkg_resources` is missing, and opens a landmark file whose licence is not
free. A stand-in for `face_recognition_models` cures both: it only says where the free files lie. The library
keeps one dlib object of each kind at module level, and a shared one ends the process: one lock for every call.
"""

import sys
import threading
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from PIL import ImageFile

from recognition.engine.errors import RuntimeUnavailable
from recognition.engine.networks.model_files import (
    ENCODER_FILE,
    FIVE_POINTS_FILE,
    MMOD_FILE,
    verified,
)
from recognition.engine.types import Array, Box, Detection, Pixels

_STAND_IN = "face_recognition_models"
_lock = threading.Lock()
_loaded: Any = None


def library(models_dir: Path | None = None) -> Any:
    """The module `face_recognition.api`, imported once, without the 68-point file.

    Raises RuntimeUnavailable where it is not installed or its import would have ended the process. Hold no
    object of it over threads: go through `Reference`.
    """
    global _loaded
    with _lock:
        if _loaded is None:
            _loaded = _import(models_dir)
        return _loaded


def _import(models_dir: Path | None) -> Any:
    before, lenient = sys.modules.get(_STAND_IN), ImageFile.LOAD_TRUNCATED_IMAGES
    sys.modules[_STAND_IN] = _stand_in(models_dir)
    try:
        from face_recognition import api
    except (ImportError, SystemExit, RuntimeError) as error:
        msg = f"face_recognition cannot be used ({error}): install it and dlib-bin again"
        raise RuntimeUnavailable(msg) from error
    finally:
        # The library makes Pillow accept cut pictures for the whole process; ours are refused.
        ImageFile.LOAD_TRUNCATED_IMAGES = lenient
        if before is None:
            del sys.modules[_STAND_IN]
        else:
            sys.modules[_STAND_IN] = before
    return api


def _stand_in(models_dir: Path | None) -> ModuleType:
    """A module with the four functions of `face_recognition_models`; the 68 points are answered with the five."""
    points = str(verified(FIVE_POINTS_FILE, models_dir))
    paths = {
        "pose_predictor_model_location": points,
        "pose_predictor_five_point_model_location": points,
        "face_recognition_model_location": str(verified(ENCODER_FILE, models_dir)),
        "cnn_face_detector_model_location": str(verified(MMOD_FILE, models_dir)),
    }
    module = ModuleType(_STAND_IN)
    # With the real one's place, so that a thread that looks for the weights meanwhile still finds them.
    module.__spec__ = find_spec(_STAND_IN)
    for name, path in paths.items():
        setattr(module, name, lambda path=path: path)
    return module


class Reference:
    """`face_recognition` as a detector ("hog" or "cnn") and a network; calls wait for each other."""

    scales = False

    def __init__(self, name: str, models_dir: Path | None) -> None:
        if name not in ("auto", "hog", "cnn"):
            msg = f'The backend "reference" has the detectors hog and cnn, not {name}'
            raise RuntimeUnavailable(msg, extra={"detector": name})
        self.name = "cnn" if name == "cnn" else "hog"
        self._api = library(models_dir)

    def detect(self, rgb: Pixels, side: int) -> list[Detection]:  # noqa: ARG002 - it always looks in full size
        """`face_recognition.face_locations(rgb)`; the library gives no scores, so each is 1."""
        with _lock:
            places = self._api.face_locations(rgb, model=self.name)
        return [
            Detection(box=(left, top, right, bottom), score=1.0, landmarks=None)
            for top, right, bottom, left in places
        ]

    def hog_box(self, detection: Detection) -> Box:
        """The box itself."""
        return detection.box

    def embed(self, chips: Pixels) -> Array:
        """(N, 150, 150, 3) uint8 RGB through dlib's own network to (N, 128) float32."""
        with _lock:
            return np.array(
                [self._api.face_encoder.compute_face_descriptor(chip) for chip in chips], np.float32
            )
