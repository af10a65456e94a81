"""`mark`, the only writer of marks.

Camera, group photograph, teacher, review, kiosk, API and office all call it. It checks session, membership, right and
consent in the database, under the session's row lock, in one transaction; refusals and repetitions are counted as
`Attempt`s. The camera never changes a mark that a person made.
"""

import datetime as dt
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from attendance.calendar.sessions import lock_session
from attendance.core import policy
from attendance.core.clock import minutes_late
from attendance.core.errors import Refused
from attendance.core.policy import Action
from attendance.models import AttendanceCode, Category, Mark, MarkEvent, Student
from attendance.register import broadcast
from attendance.register.codes import ARRIVED, code_of
from attendance.register.evidence import keep_evidence
from attendance.register.outcomes import Outcome
from attendance.register.requests import MarkRequest, PendingMark, Result
from attendance.register.rules import check_current, check_repeated, check_rules, nonce_reused
from attendance.register.state import mark_message
from attendance.register.versions import raise_version

LATE_UPLOAD_AFTER = dt.timedelta(minutes=2)
TEXT_LENGTH = 300
NONCE_CONSTRAINT = "mark_event_nonce_once"


def mark(request: MarkRequest) -> Result:
    """Write, change or undo one mark.

    Raises `Refused` for what cannot be counted against a student: no right, no such session, student or code.
    """
    try:
        with transaction.atomic():
            session = lock_session(request.session_id)
            policy.require(request.actor, Action.MARK, session)
            student = _student(request.student_id, locked=not request.by_person)
            return write(PendingMark(request, session, student))
    except IntegrityError as error:
        # The same nonce for another session at the same moment: that session's lock is not ours.
        if NONCE_CONSTRAINT in str(error):
            raise nonce_reused() from None
        raise


def write(mark: PendingMark) -> Result:
    """Check and write one mark, in the caller's transaction under the session's lock."""
    return check_repeated(mark) or check_rules(mark) or _write_over_current(mark)


def _student(student_id: UUID, *, locked: bool) -> Student:
    """Return the student; `locked` under a row lock, to wait for a withdrawal of consent that is under way."""
    students = Student.objects.select_for_update(no_key=True) if locked else Student.objects.all()
    student = students.filter(pk=student_id).first()
    if student is None:
        raise Refused("no_such_student", _("There is no such student."))
    return student


def _write_over_current(mark: PendingMark) -> Result:
    current = (
        Mark.objects.select_for_update(of=("self",))
        .select_related("code")
        .filter(session=mark.session, student=mark.student)
        .first()
    )
    return check_current(mark, current) or _store(mark, current, _code(mark))


def _code(mark: PendingMark) -> AttendanceCode | None:
    """Return the requested code, None to undo. Raises `Refused`: code_of_the_office, and as `code_of` does."""
    request = mark.request
    if request.code is None:
        return None
    code = code_of(request.code, mark.session, mark.seen_at)
    office = request.actor is None or policy.may(request.actor, Action.MANAGE_SCHOOL)
    if request.code != ARRIVED and not code.for_teachers and not office:
        raise Refused(
            "code_of_the_office",
            _("Only the office may use the code “%(letter)s”.") % {"letter": code.letter},
        )
    return code


def _store(mark: PendingMark, current: Mark | None, code: AttendanceCode | None) -> Result:
    request, before = mark.request, current.code if current else None
    row = current or Mark(session=mark.session, student=mark.student, revision=0)
    _change(row, mark, code)
    row.save()
    event = _event(row, mark, before)
    if request.evidence is not None:
        keep_evidence(event=event, evidence=request.evidence, now=request.now)
    version = raise_version(mark.session)
    broadcast.publish_on_commit(mark.session.pk, mark_message(row, version))
    return Result(Outcome.CHANGED if current else Outcome.CREATED, "", row, event, version)


def _event(row: Mark, mark: PendingMark, before: AttendanceCode | None) -> MarkEvent:
    """Add the change to the history, with letters and categories as they are now."""
    request, code = mark.request, row.code
    return MarkEvent.objects.create(
        mark=row,
        session=mark.session,
        student=mark.student,
        revision=row.revision,
        from_code=before,
        from_letter=before.letter if before else "",
        from_category=before.category if before else "",
        to_code=code,
        to_letter=code.letter if code else "",
        to_category=code.category if code else "",
        note=row.note,
        minutes_late=row.minutes_late,
        left_at=row.left_at,
        actor=request.actor,
        token=request.token,
        device=request.device,
        source=request.source,
        reason=request.reason.strip()[:TEXT_LENGTH],
        seen_at=mark.seen_at,
        stored_at=request.now,
        late_upload=request.now - mark.seen_at > LATE_UPLOAD_AFTER,
        nonce=request.nonce,
    )


def _change(row: Mark, mark: PendingMark, code: AttendanceCode | None) -> None:
    request = mark.request
    row.code, row.source, row.marked_by, row.changed_at = code, request.source, request.actor, request.now
    row.revision += 1
    row.note = row.note if request.note is None else request.note.strip()[:TEXT_LENGTH]
    on_premises = code is not None and code.is_on_premises
    row.first_seen_at = _first_seen(mark, row.first_seen_at) if on_premises else None
    late = code is not None and code.category == Category.LATE
    # None where nobody saw the arrival.
    seen_at = row.first_seen_at if late else None
    row.minutes_late = None if seen_at is None else minutes_late(mark.session.starts_at, seen_at)


def _first_seen(mark: PendingMark, before: dt.datetime | None) -> dt.datetime | None:
    """Return when the student was first seen in this session, None where only an amendment after its end says so."""
    if before is not None:
        return min(before, mark.seen_at)
    return mark.seen_at if mark.seen_at <= mark.session.ends_at else None
