"""The one engine of this process: built under a lock at first use, with what the settings say."""

import threading

import numpy as np
from django.conf import settings

from recognition import lifecycle
from recognition.engine import Engine

CAMERA_SHAPES = ((360, 640), (480, 640))

_lock = threading.Lock()
_engine: Engine | None = None


def engine() -> Engine:
    """The engine, loaded at the first call. Thread-safe; a process that used it must not fork."""
    global _engine
    with _lock:
        if _engine is None:
            _engine = Engine.load(
                detector=settings.FACE_DETECTION_MODEL,
                precision=settings.FACE_PRECISION,
                device=settings.FACE_DEVICE,
                workers=settings.FACE_RECOGNITION_WORKERS,
                scale=settings.FACE_DETECTION_SCALE,
                models_dir=settings.FACE_MODELS_DIR,
                cache_dir=settings.FACE_MODELS_DIR,
                # Its own memory would keep the faces of strangers: `recognition.cache` keeps those of enrolment.
                cache_size=0,
            )
        return _engine


def warm_engine(*, coarse: bool = False) -> None:
    """Load, and look at the two shapes that nearly all cameras send: a network is compiled at its first picture.

    `coarse`: as hurried looks do, which have networks of their own.
    """
    eyes = engine()
    for shape in CAMERA_SHAPES:
        eyes.detect(np.zeros((*shape, 3), np.uint8), coarse=coarse)


def close_engine() -> None:
    """Stop the engine's threads; the next `engine()` builds a new one."""
    global _engine
    with _lock:
        if _engine is not None:
            _engine.close()
            _engine = None


# Registered before whatever uses the engine (it imports this module), so that it is closed after it.
lifecycle.on_stop(close_engine)
