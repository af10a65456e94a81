"""The error that all packages raise where a rule forbids something."""

from collections.abc import Mapping
from typing import Any


class Refused(Exception):
    """A rule said no: `code` is for programs, `message` tells a person what to do, `extra` holds further data.

    Entry points (pages, API, sockets, admin) turn it into their own answer.
    """

    def __init__(self, code: str, message: str, extra: Mapping[str, Any] | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.extra: dict[str, Any] = dict(extra or {})

    def as_dict(self) -> dict[str, Any]:
        return {"code": self.code, "message": self.message, "extra": self.extra}
