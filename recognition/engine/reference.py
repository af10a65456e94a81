"""The reference backend: the same results through the `face_recognition` library, as baseline, check and fallback.

The library's import ends the process where `pkg_resources` is missing, and opens a landmark file whose licence is not
free. A substitute for the module `face_recognition_models` avoids both: it only returns the paths of the free files.
The library keeps one dlib object of each kind, and using one from two threads ends the process, so one lock covers
all calls.
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

_MODELS_MODULE = "face_recognition_models"
# Held during every call into the library.
_lock = threading.Lock()
_loaded: Any = None


def library(models_dir: Path | None = None) -> Any:
    """Return the module `face_recognition.api`, imported once, without the 68-point file.

    Its objects are not thread-safe: use `Reference` from several threads. Raises RuntimeUnavailable where it is not
    installed or its import would end the process.
    """
    global _loaded
    with _lock:
        if _loaded is None:
            _loaded = _import(models_dir)
        return _loaded


def _import(models_dir: Path | None) -> Any:
    real_module, accepts_truncated = sys.modules.get(_MODELS_MODULE), ImageFile.LOAD_TRUNCATED_IMAGES
    sys.modules[_MODELS_MODULE] = _substitute_models(models_dir)
    try:
        from face_recognition import api
    except (ImportError, SystemExit, RuntimeError) as error:
        msg = f"face_recognition cannot be used ({error}): install it and dlib-bin again"
        raise RuntimeUnavailable(msg) from error
    finally:
        # The library makes Pillow accept truncated images in the whole process; the engine refuses them.
        ImageFile.LOAD_TRUNCATED_IMAGES = accepts_truncated
        if real_module is None:
            del sys.modules[_MODELS_MODULE]
        else:
            sys.modules[_MODELS_MODULE] = real_module
    return api


def _substitute_models(models_dir: Path | None) -> ModuleType:
    """Return a module like `face_recognition_models`, whose function for 68 points returns the five-point file."""
    points = str(verified(FIVE_POINTS_FILE, models_dir))
    paths = {
        "pose_predictor_model_location": points,
        "pose_predictor_five_point_model_location": points,
        "face_recognition_model_location": str(verified(ENCODER_FILE, models_dir)),
        "cnn_face_detector_model_location": str(verified(MMOD_FILE, models_dir)),
    }
    module = ModuleType(_MODELS_MODULE)
    # With the real module's `__spec__`, another thread that meanwhile locates the model files by it still finds them.
    module.__spec__ = find_spec(_MODELS_MODULE)
    for name, path in paths.items():
        setattr(module, name, lambda path=path: path)
    return module


class Reference:
    """`face_recognition` as a detector ("hog" or "cnn") and a network. Thread-safe; one call runs at a time."""

    scales = False

    def __init__(self, name: str, models_dir: Path | None) -> None:
        if name not in ("auto", "hog", "cnn"):
            msg = f'The backend "reference" has the detectors hog and cnn, not {name}'
            raise RuntimeUnavailable(msg, extra={"detector": name})
        self.name = "cnn" if name == "cnn" else "hog"
        self._api = library(models_dir)

    def detect(self, rgb: Pixels, side: int) -> list[Detection]:  # noqa: ARG002 - always in full size
        """Return the boxes of `face_recognition.face_locations(rgb)`, each with score 1: the library gives none."""
        with _lock:
            boxes = self._api.face_locations(rgb, model=self.name)
        return [
            Detection(box=(left, top, right, bottom), score=1.0, landmarks=None)
            for top, right, bottom, left in boxes
        ]

    def hog_box(self, detection: Detection) -> Box:
        """Return the box itself: it is a HOG box already."""
        return detection.box

    def embed(self, chips: Pixels) -> Array:
        """Return the embeddings (N, 128) float32 of chips (N, 150, 150, 3) uint8 RGB, by dlib's own network."""
        with _lock:
            return np.array(
                [self._api.face_encoder.compute_face_descriptor(chip) for chip in chips], np.float32
            )
