"""The register of a session. `mark` is the only function that writes marks."""

from attendance.register.codes import ARRIVED
from attendance.register.marking import mark
from attendance.register.outcomes import Outcome
from attendance.register.requests import MarkRequest, MatchEvidence, Result

__all__ = ["ARRIVED", "MarkRequest", "MatchEvidence", "Outcome", "Result", "mark"]
