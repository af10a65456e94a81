"""The outcomes of a request to mark."""

from enum import StrEnum


class Outcome(StrEnum):
    CREATED = "created"
    CHANGED = "changed"
    ALREADY = "already_marked"
    REFUSED = "refused"
