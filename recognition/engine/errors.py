"""The errors of the engine, each with a code for programs and a message that says what to do."""

from typing import ClassVar


class EngineError(Exception):
    """Base of all errors of the engine; `extra` holds values for JSON."""

    default_code: ClassVar[str] = "engine_error"

    def __init__(
        self, message: str, *, code: str | None = None, extra: dict[str, object] | None = None
    ) -> None:
        super().__init__(message)
        self.code = code or self.default_code
        self.message = message
        self.extra = extra or {}


class BadImage(EngineError):
    """An image that cannot be used.

    Codes: empty, truncated, unreadable, too_large, too_many_pixels, unsupported_format, wrong_shape,
    wrong_type.
    """

    default_code = "unreadable"


class ModelMissing(EngineError):
    """A model file is missing; the message says how to get it."""

    default_code = "model_missing"


class ModelDamaged(EngineError):
    """A model file is not the published one: cut short, changed, or another file."""

    default_code = "model_damaged"


class RuntimeUnavailable(EngineError):
    """The requested device, precision, detector or library is not available on this machine."""

    default_code = "runtime_unavailable"


class WrongSpace(EngineError):
    """Templates of two spaces cannot be compared."""

    default_code = "wrong_space"


class DamagedGallery(EngineError):
    """Bytes that are not a gallery of this version, or are damaged."""

    default_code = "damaged_gallery"


class Stopped(EngineError):
    """The engine has been closed."""

    default_code = "stopped"
