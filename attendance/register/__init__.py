"""The register of a session. `mark` is the only function that writes marks."""

from attendance.register.codes import ARRIVED
from attendance.register.marking import mark
from attendance.register.opening import open_session, start_now
from attendance.register.requests import MarkRequest, MatchEvidence, Outcome, Result
from attendance.register.signing import mark_remaining, reopen, sign, unmarked_students

__all__ = [
    "ARRIVED",
    "MarkRequest",
    "MatchEvidence",
    "Outcome",
    "Result",
    "mark",
    "mark_remaining",
    "open_session",
    "reopen",
    "sign",
    "start_now",
    "unmarked_students",
]
