"""The face engine: from images to embeddings and templates. Knows neither Django nor students.

    from recognition.engine import Engine
    faces = Engine.load().analyse(rgb)

Importing this package loads only numpy; other libraries are loaded when `Engine` is first used.
"""

from typing import TYPE_CHECKING

from recognition.engine.errors import EngineError
from recognition.engine.types import SPACE, Detection, Face, Quality

if TYPE_CHECKING:
    from recognition.engine.pipeline import Engine

__all__ = ["SPACE", "Detection", "Engine", "EngineError", "Face", "Quality"]


def __getattr__(name: str) -> object:
    """Import `Engine`, and with it OpenCV, dlib and a runtime, at its first use."""
    if name != "Engine":
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg)
    from recognition.engine.pipeline import Engine

    return Engine
