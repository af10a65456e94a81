"""The one engine of this process, made at first use with what the settings say."""

from __future__ import annotations

from typing import Final

import numpy as np
from django.conf import settings

from recognition.engine.pipeline import Engine
from recognition.process import PROCESS

# Height and width of the frames that nearly all cameras send.
CAMERA_SHAPES: Final = ((360, 640), (480, 640))


def _load_engine() -> Engine:
    return Engine.load(
        detector=settings.FACE_DETECTION_MODEL,
        precision=settings.FACE_PRECISION,
        device=settings.FACE_DEVICE,
        workers=settings.FACE_RECOGNITION_WORKERS,
        scale=settings.FACE_DETECTION_SCALE,
        models_dir=settings.FACE_MODELS_DIR,
        cache_dir=settings.FACE_MODELS_DIR,
        # The engine's own cache would keep faces of strangers; `recognition.encoding_cache` keeps those of enrolment.
        cache_size=0,
    )


ENGINE: Final = PROCESS.part(_load_engine, Engine.close)


def engine() -> Engine:
    """Return the engine of this process, loaded at the first call as the settings say."""
    return ENGINE.get()


def warm_engine(*, reduced: bool = False) -> None:
    """Detect on an empty frame of each usual shape, because a network is compiled at its first image.

    `reduced`: compile the networks of reduced detection.
    """
    for shape in CAMERA_SHAPES:
        engine().detect(np.zeros((*shape, 3), np.uint8), reduced=reduced)
