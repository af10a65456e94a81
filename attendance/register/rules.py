"""The rules that a mark request must pass.

`register.marking` calls these in its transaction, with the session's row locked; nothing else does.
"""

import datetime as dt

from django.db.models import F
from django.utils.translation import gettext as _

from attendance.core.errors import Refused
from attendance.models import Attempt, Consent, Mark, MarkEvent, Source, Student
from attendance.register import rejected_matches
from attendance.register.codes import ARRIVED
from attendance.register.outcomes import Outcome
from attendance.register.requests import PendingMark, Result

CLOCK_TOLERANCE = dt.timedelta(minutes=2)
# A time seen longer before the session's start than this comes from a clock that is wrong.
EARLIEST_SEEN = dt.timedelta(hours=12)
NONCE_LENGTH = 64


def check_repeated(mark: PendingMark) -> Result | None:
    """Return the first result where this nonce was stored before, else None."""
    nonce = mark.request.nonce
    if nonce is None:
        return None
    if not 0 < len(nonce) <= NONCE_LENGTH:
        raise Refused("bad_nonce", _("A nonce has 1 to 64 characters."))
    event = (
        MarkEvent.objects.select_related("mark")
        .filter(
            source=mark.request.source,
            nonce=nonce,
            token=mark.request.token,
            device=mark.request.device,
            **({} if mark.request.token or mark.request.device else {"actor": mark.request.actor}),
        )
        .first()
    )
    if event is None:
        return None
    if (event.session_id, event.student_id) != (mark.session.pk, mark.student.pk):
        raise nonce_reused()
    return Result(Outcome.ALREADY, "repeated", event.mark, event, mark.session.version)


def nonce_reused() -> Refused:
    return Refused("nonce_reused", _("This nonce belongs to another mark. Make a new one for each mark."))


def check_rules(mark: PendingMark) -> Result | None:
    """Return the refusal of the first rule that is not met, counted as an attempt where it concerns the student."""
    expected = Student.objects.expected(mark.session.date, mark.session.school_class_id)
    if not expected.filter(pk=mark.student.pk).exists():
        return count_attempt(mark, Attempt.Reason.NOT_A_MEMBER)
    if _clock_is_wrong(mark):
        return count_attempt(mark, Attempt.Reason.DOUBTFUL_CLOCK)
    return _check_person(mark) if mark.request.by_person else _check_camera(mark)


def _clock_is_wrong(mark: PendingMark) -> bool:
    """Return whether the clock that gave `seen_at` cannot be right; the server's own is not checked."""
    request = mark.request
    if mark.seen_at == request.now:
        return False
    if request.sent_at is not None and abs(request.sent_at - request.now) > CLOCK_TOLERANCE:
        return True
    earliest = mark.session.starts_at - EARLIEST_SEEN
    return not earliest <= mark.seen_at <= request.now + CLOCK_TOLERANCE


def _check_camera(mark: PendingMark) -> Result | None:
    if not mark.session.is_open:
        return count_attempt(mark, Attempt.Reason.SESSION_CLOSED)
    if not Consent.objects.valid(mark.request.now).filter(student=mark.student).exists():
        return count_attempt(mark, Attempt.Reason.NO_CONSENT)
    template = None if mark.request.evidence is None else mark.request.evidence.template
    if template is not None and rejected_matches.is_rejected(mark.session, mark.student.pk, template):
        return count_attempt(mark, Attempt.Reason.REJECTED)
    return None


def _check_person(mark: PendingMark) -> Result | None:
    request = mark.request
    if mark.session.was_signed and not request.reason.strip():
        raise Refused("reason_needed", _("The register was signed. Give a reason for the change."))
    if request.revision is None:
        return None
    current = Mark.objects.filter(session=mark.session, student=mark.student).first()
    if request.revision != (current.revision if current else 0):
        return Result(Outcome.REFUSED, "conflict", current, None, mark.session.version)
    return None


def check_current(mark: PendingMark, current: Mark | None) -> Result | None:
    """Return the result where the current mark already settles the request, else None, and it must be written.

    The camera never changes a mark. A person who repeats it changes nothing, unless the note differs; and "arrived"
    for a student who is on the premises already must not make a punctual student late.
    """
    request = mark.request
    if current is None:
        if request.code is None:
            return Result(Outcome.ALREADY, Attempt.Reason.ALREADY_MARKED, None, None, mark.session.version)
        return None
    on_premises = current.code is not None and current.code.is_on_premises
    if not request.by_person:
        if current.code is None and not Source(current.source).is_human:
            return None
        reason = Attempt.Reason.ALREADY_MARKED if on_premises else Attempt.Reason.CONTRADICTS
        return count_attempt(mark, reason, current)
    same = on_premises if request.code == ARRIVED else request.code == current.letter
    if same and (request.note is None or request.note.strip() == current.note):
        return count_attempt(mark, Attempt.Reason.ALREADY_MARKED, current)
    return None


def count_attempt(mark: PendingMark, reason: Attempt.Reason, current: Mark | None = None) -> Result:
    """Count a request that is not written, one row per session, student, source and reason."""
    now = mark.request.now
    attempt, created = Attempt.objects.get_or_create(
        session=mark.session,
        student=mark.student,
        source=mark.request.source,
        reason=reason,
        defaults={"first_at": now, "last_at": now},
    )
    if not created:
        Attempt.objects.filter(pk=attempt.pk).update(count=F("count") + 1, last_at=now)
    already = reason == Attempt.Reason.ALREADY_MARKED
    outcome = Outcome.ALREADY if already else Outcome.REFUSED
    return Result(outcome, reason, current, None, mark.session.version)
