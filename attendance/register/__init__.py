"""The register of a session. `mark` is the only function that writes marks."""

from attendance.register.codes import ABSENT, ARRIVED, HERE, LATE, PRESENT
from attendance.register.marking import mark
from attendance.register.opening import open_session, start_now
from attendance.register.requests import MarkRequest, Outcome, Result
from attendance.register.signing import close_session, mark_remaining, unmarked_students

__all__ = [
    "ABSENT",
    "ARRIVED",
    "HERE",
    "LATE",
    "PRESENT",
    "MarkRequest",
    "Outcome",
    "Result",
    "close_session",
    "mark",
    "mark_remaining",
    "open_session",
    "start_now",
    "unmarked_students",
]
