"""The one shape of a refusal: a code for machines, a message that says what to do, and what else is known."""

from collections.abc import Mapping
from typing import Any


class Refused(Exception):
    """Raised by the rooms below; the doors (pages, API, sockets, admin) turn it into their own answer."""

    def __init__(self, code: str, message: str, extra: Mapping[str, Any] | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.extra: dict[str, Any] = dict(extra or {})

    def as_dict(self) -> dict[str, Any]:
        return {"code": self.code, "message": self.message, "extra": self.extra}
