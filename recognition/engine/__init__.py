"""Faces in pictures, as numbers: pure computation that knows neither Django nor students.

    from recognition.engine import Engine
    faces = Engine.load().analyse(rgb)

Importing this package loads no library beyond numpy; `Engine` comes on first use.
"""

from typing import TYPE_CHECKING

from recognition.engine.errors import EngineError
from recognition.engine.types import SPACE, Detection, Face, Quality

if TYPE_CHECKING:
    from recognition.engine.pipeline import Engine

__all__ = ["SPACE", "Detection", "Engine", "EngineError", "Face", "Quality"]


def __getattr__(name: str) -> object:
    """Load the pipeline, and with it OpenCV, dlib and a runtime, only when somebody wants to run it."""
    if name != "Engine":
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg)
    from recognition.engine.pipeline import Engine

    return Engine
