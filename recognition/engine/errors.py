"""Every way the engine can fail, each with a code for machines and a message that says what to do."""

from typing import ClassVar


class EngineError(Exception):
    """Base of all errors of the engine. `extra` holds plain values that JSON can carry."""

    default_code: ClassVar[str] = "engine_error"

    def __init__(
        self, message: str, *, code: str | None = None, extra: dict[str, object] | None = None
    ) -> None:
        super().__init__(message)
        self.code = code or self.default_code
        self.message = message
        self.extra = extra or {}


class BadImage(EngineError):
    """A picture that cannot be used.

    Codes: empty, truncated, unreadable, too_large, too_many_pixels, unsupported_format, wrong_shape,
    wrong_type.
    """

    default_code = "unreadable"


class ModelMissing(EngineError):
    """A model file is not there; the message says how to get it."""

    default_code = "model_missing"


class ModelDamaged(EngineError):
    """A model file is not the file it should be: cut short, changed, or another one."""

    default_code = "model_damaged"


class RuntimeUnavailable(EngineError):
    """The device, precision or library asked for does not exist on this machine."""

    default_code = "runtime_unavailable"


class WrongSpace(EngineError):
    """Templates of two spaces were to be compared."""

    default_code = "wrong_space"


class DamagedGallery(EngineError):
    """Bytes that are not a gallery, or no longer one."""

    default_code = "damaged_gallery"


class Stopped(EngineError):
    """The engine has been closed."""

    default_code = "stopped"
