"""The request and the result of `register.mark`."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _

from attendance.core.errors import Refused
from attendance.models import (
    ApiToken,
    Attempt,
    Device,
    Mark,
    MarkEvent,
    Session,
    Source,
    Student,
    User,
)
from attendance.register.outcomes import Outcome
from recognition.engine.types import Array


@dataclass(frozen=True, slots=True, eq=False)
class MatchEvidence:
    """The evidence of a recognition.

    `distance` and `margin` are L2 distances of unit templates; `samples` and `photographs` are the numbers of samples
    of the track and of photographs of the student; `crop` is a JPEG. `template` (128,), of length 1, is compared with
    rejected matches and not stored.
    """

    distance: float
    margin: float | None
    confidence: float | None
    samples: int
    photographs: int
    space: str
    camera: str = ""
    crop: bytes | None = None
    template: Array | None = None


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class MarkRequest:
    """A mark to be written, changed or undone.

    `code` is the letter of an attendance code, `ARRIVED` (present or late, by the time of arrival) or None (undo).
    `seen_at` is now unless given; `sent_at` is now by the clock that gave `seen_at`. `nonce` makes a repetition
    harmless, for the same token, device or person. `revision`, if given, must be the mark's present one (0: none yet).
    `actor` None is the system itself, such as a paired device.
    """

    session_id: UUID
    student_id: UUID
    code: str | None
    source: Source
    actor: User | None
    now: dt.datetime
    token: ApiToken | None = None
    device: Device | None = None
    seen_at: dt.datetime | None = None
    reason: str = ""
    note: str | None = None
    nonce: str | None = None
    evidence: MatchEvidence | None = None
    revision: int | None = None
    sent_at: dt.datetime | None = None

    @property
    def by_person(self) -> bool:
        return self.source.is_human


@dataclass(frozen=True, slots=True, eq=False)
class PendingMark:
    """A request with its session and student, as they were read under their locks."""

    request: MarkRequest
    session: Session
    student: Student

    @property
    def seen_at(self) -> dt.datetime:
        return self.request.seen_at or self.request.now


@dataclass(frozen=True, slots=True, eq=False)
class Result:
    """The result of a request.

    `reason` is empty where the mark was written, else a code of `Attempt.Reason`, or `conflict` (the mark has another
    revision) or `repeated` (the nonce was stored before).
    """

    outcome: Outcome
    reason: str = ""
    mark: Mark | None = None
    event: MarkEvent | None = None
    version: int = 0

    @property
    def written(self) -> bool:
        return self.outcome in {Outcome.CREATED, Outcome.CHANGED}

    @property
    def refused(self) -> bool:
        return self.outcome is Outcome.REFUSED

    def refusal(self, extra: Mapping[str, Any] | None = None) -> Refused:
        """Return the refusal as a sentence for the person who marked."""
        sentences = {
            "conflict": _("Somebody else has changed this mark. Check it, then decide."),
            Attempt.Reason.NOT_A_MEMBER: _("The student is not in this class on that day."),
            Attempt.Reason.DOUBTFUL_CLOCK: _(
                "The time of the mark cannot be right. Check the device's clock."
            ),
        }
        sentence = sentences.get(self.reason) or _("This mark cannot be saved.")
        return Refused(str(self.reason), sentence, extra)
