"""The rules that a mark must pass: what may be said of a student, and what becomes of it.

`attendance.register` calls these in its transaction, with the session's row locked; nobody else does.
"""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from django.db.models import F
from django.utils.translation import gettext as _

from attendance import blocks, policy
from attendance.calendar import minutes_late
from attendance.errors import Refused
from attendance.evidence import Seen
from attendance.models import (
    Attempt,
    AttendanceCode,
    Consent,
    Mark,
    MarkEvent,
    SchoolSettings,
    Session,
    Source,
    Student,
    User,
)
from attendance.policy import Action

PRESENT, LATE, ABSENT = "/", "L", "N"
HERE = frozenset({AttendanceCode.Status.PRESENT, AttendanceCode.Status.LATE})
ARRIVED: Final = "arrived"
"""In place of a letter: present or late, as the clock says."""
CLOCK_TOLERANCE = dt.timedelta(minutes=2)
EARLIEST_SIGHT = dt.timedelta(hours=12)
"""A sighting from longer before the session's start than this comes from a clock that is wrong."""
NONCE_LENGTH = 64


class Outcome(StrEnum):
    CREATED = "created"
    CHANGED = "changed"
    ALREADY = "already_marked"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True, eq=False)
class Result:
    """What became of a mark.

    `reason` is empty when it was written, else a code out of `Attempt.Reason`, or `conflict` (the mark is of
    another revision) or `repeated` (the nonce was stored before).
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
        """The refusal for a person who marked, as a sentence."""
        sentences = {
            "conflict": _("Somebody else has changed this mark. Look at it, then decide."),
            Attempt.Reason.NOT_A_MEMBER: _("The student is not in this class on that day."),
            Attempt.Reason.DOUBTFUL_CLOCK: _(
                "The time of the mark cannot be right. Check the device's clock."
            ),
        }
        sentence = sentences.get(self.reason) or _("The register does not take this mark.")
        return Refused(str(self.reason), sentence, extra)


@dataclass(frozen=True, slots=True, eq=False)
class Claim:
    """What somebody, or the camera, says of a student in a session. `letter` None takes the mark back."""

    session: Session
    student: Student
    letter: str | None
    source: Source
    actor: User | None
    seen_at: dt.datetime
    now: dt.datetime
    reason: str = ""
    note: str | None = None
    nonce: str | None = None
    seen: Seen | None = None
    revision: int | None = None
    sent_at: dt.datetime | None = None

    @property
    def by_person(self) -> bool:
        return self.source.is_human


def repeated(claim: Claim) -> Result | None:
    """The answer of the first time, where this nonce was stored before."""
    if claim.nonce is None:
        return None
    if not 0 < len(claim.nonce) <= NONCE_LENGTH:
        raise Refused("bad_nonce", _("A nonce has 1 to 64 characters."))
    event = MarkEvent.objects.select_related("mark").filter(source=claim.source, nonce=claim.nonce).first()
    if event is None:
        return None
    if (event.session_id, event.student_id) != (claim.session.pk, claim.student.pk):
        raise nonce_reused()
    return Result(Outcome.ALREADY, "repeated", event.mark, event, claim.session.version)


def nonce_reused() -> Refused:
    return Refused("nonce_reused", _("This nonce belongs to another mark. Make a new one for each mark."))


def refused(claim: Claim) -> Result | None:
    """The first rule that speaks against the claim, counted as an attempt where it concerns the student."""
    expected = Student.objects.expected(claim.session.date, claim.session.school_class_id)
    if not expected.filter(pk=claim.student.pk).exists():
        return count(claim, Attempt.Reason.NOT_A_MEMBER)
    if _doubtful(claim):
        return count(claim, Attempt.Reason.DOUBTFUL_CLOCK)
    return _refused_to_a_person(claim) if claim.by_person else _refused_to_the_camera(claim)


def _doubtful(claim: Claim) -> bool:
    """Whether the clock that says when the student was seen cannot be right; our own is never asked."""
    if claim.seen_at == claim.now:
        return False
    if claim.sent_at is not None and abs(claim.sent_at - claim.now) > CLOCK_TOLERANCE:
        return True
    early = claim.session.starts_at - EARLIEST_SIGHT
    return not early <= claim.seen_at <= claim.now + CLOCK_TOLERANCE


def _refused_to_the_camera(claim: Claim) -> Result | None:
    if not claim.session.is_open:
        return count(claim, Attempt.Reason.SESSION_CLOSED)
    if not Consent.objects.valid(claim.now).filter(student=claim.student).exists():
        return count(claim, Attempt.Reason.NO_CONSENT)
    face = None if claim.seen is None else claim.seen.template
    if face is not None and blocks.hold(claim.session, claim.student.pk, face):
        return count(claim, Attempt.Reason.BLOCKED)
    return None


def _refused_to_a_person(claim: Claim) -> Result | None:
    if claim.session.state == Session.State.CLOSED and not claim.reason.strip():
        raise Refused("reason_needed", _("The register is closed. Say why it is corrected."))
    if claim.revision is None:
        return None
    current = Mark.objects.filter(session=claim.session, student=claim.student).first()
    if claim.revision != (current.revision if current else 0):
        return Result(Outcome.REFUSED, "conflict", current, None, claim.session.version)
    return None


def standing(claim: Claim, current: Mark | None) -> Result | None:
    """The answer where what stands already settles the claim, else None: it is to be written.

    The camera never changes what stands. A person repeating it changes nothing, unless the note is another; and
    "arrived" of somebody who is here already must not make a punctual student late.
    """
    if current is None:
        if claim.letter is None:
            return Result(Outcome.ALREADY, Attempt.Reason.ALREADY_MARKED, None, None, claim.session.version)
        return None
    here = current.code is not None and current.code.status in HERE
    if not claim.by_person:
        if current.code is None and not Source(current.source).is_human:
            return None
        return count(claim, Attempt.Reason.ALREADY_MARKED if here else Attempt.Reason.CONTRADICTS, current)
    same = here if claim.letter == ARRIVED else claim.letter == current.code_id
    if same and (claim.note is None or claim.note.strip() == current.note):
        return count(claim, Attempt.Reason.ALREADY_MARKED, current)
    return None


def count(claim: Claim, reason: Attempt.Reason, current: Mark | None = None) -> Result:
    """Count what is not written, one row per session, student, source and reason."""
    attempt, created = Attempt.objects.get_or_create(
        session=claim.session,
        student=claim.student,
        source=claim.source,
        reason=reason,
        defaults={"first_at": claim.now, "last_at": claim.now},
    )
    if not created:
        Attempt.objects.filter(pk=attempt.pk).update(count=F("count") + 1, last_at=claim.now)
    already = reason == Attempt.Reason.ALREADY_MARKED
    return Result(
        Outcome.ALREADY if already else Outcome.REFUSED, reason, current, None, claim.session.version
    )


def code_of(claim: Claim) -> AttendanceCode | None:
    """The code that the claim's letter stands for. Raises `Refused`: no such letter, or one of the office."""
    if claim.letter is None:
        return None
    letter = claim.letter
    if letter == ARRIVED:
        limit = SchoolSettings.load().late_after_minutes
        letter = LATE if minutes_late(claim.session.starts_at, claim.seen_at) > limit else PRESENT
    code = AttendanceCode.objects.filter(letter=letter).first()
    if code is None:
        raise Refused("no_such_code", _("The register has no letter “%(letter)s”.") % {"letter": letter})
    office = claim.actor is None or policy.may(claim.actor, Action.MANAGE_SCHOOL)
    if not code.for_teachers and not office:
        raise Refused("code_of_the_office", _("Only the office may use “%(letter)s”.") % {"letter": letter})
    return code


def lateness(claim: Claim, first_seen_at: dt.datetime | None) -> int | None:
    """Minutes late for the letter “late”: by when the student was first seen, unknown where nobody saw it."""
    return None if first_seen_at is None else minutes_late(claim.session.starts_at, first_seen_at)


def first_seen(claim: Claim, before: dt.datetime | None) -> dt.datetime | None:
    """When the student was first seen in this session; a correction after its end says nothing about that."""
    if before is not None:
        return min(before, claim.seen_at)
    return claim.seen_at if claim.seen_at <= claim.session.ends_at else None
