"""The register of a session, and the only writer of marks.

Camera, group photograph, teacher, review, kiosk, API and admin all pass `mark`. It rechecks session, membership,
right and consent in the database, under the session's row lock, in one transaction; refusals and repetitions
are counted as `Attempt`s. A person's word always wins over the camera's. The rules stand in `attendance.claims`.
"""

import datetime as dt
from collections.abc import Collection
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from attendance import audit, events, policy
from attendance.claims import (
    ABSENT,
    ARRIVED,
    CLOCK_TOLERANCE,
    HERE,
    LATE,
    PRESENT,
    Claim,
    Outcome,
    Result,
    code_of,
    first_seen,
    lateness,
    nonce_reused,
    refused,
    repeated,
    standing,
)
from attendance.errors import Refused
from attendance.evidence import Seen, keep_evidence
from attendance.models import (
    AttendanceCode,
    Blob,
    Block,
    Mark,
    MarkEvent,
    Review,
    Session,
    Source,
    Student,
    User,
)
from attendance.policy import Action

__all__ = [
    "ABSENT",
    "ARRIVED",
    "CLOCK_TOLERANCE",
    "HERE",
    "LATE",
    "LATE_UPLOAD_AFTER",
    "PRESENT",
    "Outcome",
    "Result",
    "close_session",
    "describe",
    "forget_faces",
    "hold_students",
    "locked",
    "mark",
    "mark_remaining",
    "message_of",
    "open_session",
    "raise_version",
    "session_message",
    "unmarked_students",
]

LATE_UPLOAD_AFTER = dt.timedelta(minutes=2)
TEXT_LENGTH = 300
NONCE_CONSTRAINT = "mark_event_nonce_once_per_source"


def mark(
    *,
    session_id: UUID,
    student_id: UUID,
    letter: str | None,
    source: Source,
    actor: User | None,
    now: dt.datetime,
    seen_at: dt.datetime | None = None,
    reason: str = "",
    note: str | None = None,
    nonce: str | None = None,
    seen: Seen | None = None,
    revision: int | None = None,
    sent_at: dt.datetime | None = None,
) -> Result:
    """Write, change or take back one mark.

    `letter` None takes it back, `ARRIVED` lets the clock choose. `nonce` makes a repetition harmless; `revision`,
    if given, must be the mark's present one (0: none yet), else the answer is a refusal `conflict` with the mark
    as it stands. `sent_at` is now by the clock of `seen_at`. `actor` None is the house itself, a paired device say.
    Raises `Refused` for what cannot be counted against a student: no right, no such session, student or letter.
    """
    try:
        with transaction.atomic():
            session = locked(session_id)
            policy.require(actor, Action.MARK, session)
            student = _student(student_id, steady=not source.is_human)
            claim = Claim(
                session,
                student,
                letter,
                source,
                actor,
                seen_at or now,
                now,
                reason,
                note,
                nonce,
                seen,
                revision,
                sent_at,
            )
            return _decided(claim)
    except IntegrityError as fault:
        # The same nonce for another session at the same moment: that session's lock is not ours.
        if NONCE_CONSTRAINT in str(fault):
            raise nonce_reused() from None
        raise


def _decided(claim: Claim) -> Result:
    return repeated(claim) or refused(claim) or _written(claim)


def locked(session_id: UUID) -> Session:
    """The session under its row lock, until the transaction ends."""
    found = (
        Session.objects.select_for_update(of=("self",))
        .select_related("school_class")
        .filter(pk=session_id)
        .first()
    )
    if found is None:
        raise Refused("no_such_session", _("There is no such session."))
    return found


def _student(student_id: UUID, *, steady: bool) -> Student:
    """The student; `steady` under a row lock, so that a consent that is being withdrawn is waited for."""
    students = Student.objects.select_for_update(no_key=True) if steady else Student.objects.all()
    found = students.filter(pk=student_id).first()
    if found is None:
        raise Refused("no_such_student", _("There is no such student."))
    return found


def hold_students(student_ids: Collection[UUID]) -> None:
    """The same lock on several, in the order of their keys, so that nobody waits in a circle; after `locked`."""
    rows = Student.objects.select_for_update(no_key=True).filter(pk__in=student_ids).order_by("pk")
    list(rows.values_list("pk"))


def _written(claim: Claim) -> Result:
    current = (
        Mark.objects.select_for_update(of=("self",))
        .select_related("code")
        .filter(session=claim.session, student=claim.student)
        .first()
    )
    settled = standing(claim, current)
    return settled or _store(claim, current, code_of(claim))


def _store(claim: Claim, current: Mark | None, code: AttendanceCode | None) -> Result:
    before = current.code_id if current else None
    row = current or Mark(session=claim.session, student=claim.student, revision=0)
    _change(row, claim, code)
    row.save()
    event = MarkEvent.objects.create(
        mark=row,
        session=claim.session,
        student=claim.student,
        revision=row.revision,
        from_code=before,
        to_code=row.code_id,
        actor=claim.actor,
        source=claim.source,
        reason=claim.reason.strip()[:TEXT_LENGTH],
        seen_at=claim.seen_at,
        stored_at=claim.now,
        late_upload=claim.now - claim.seen_at > LATE_UPLOAD_AFTER,
        nonce=claim.nonce,
    )
    if claim.seen is not None:
        keep_evidence(event=event, seen=claim.seen, now=claim.now)
    version = raise_version(claim.session)
    events.publish_on_commit(claim.session.pk, message_of(row, version))
    return Result(Outcome.CHANGED if current else Outcome.CREATED, "", row, event, version)


def _change(row: Mark, claim: Claim, code: AttendanceCode | None) -> None:
    row.code, row.source, row.marked_by, row.changed_at = code, claim.source, claim.actor, claim.now
    row.revision += 1
    row.note = row.note if claim.note is None else claim.note.strip()[:TEXT_LENGTH]
    here = code is not None and code.status in HERE
    row.first_seen_at = first_seen(claim, row.first_seen_at) if here else None
    late = code is not None and code.status == AttendanceCode.Status.LATE
    row.minutes_late = lateness(claim, row.first_seen_at) if late else None


def raise_version(session: Session) -> int:
    """One more version of the register; the session is under its row lock."""
    session.version += 1
    session.save(update_fields=["version"])
    return session.version


def mark_remaining(
    *,
    session_id: UUID,
    letter: str,
    expected: int,
    actor: User,
    now: dt.datetime,
    reason: str = "",
    source: Source = Source.TEACHER,
) -> tuple[Result, ...]:
    """Give every unmarked student one letter. `expected` is how many the person was told; another number is
    refused as `conflict`, since somebody arrived, or was marked, in between."""
    with transaction.atomic():
        session = locked(session_id)
        policy.require(actor, Action.MARK, session)
        students = unmarked_students(session)
        if len(students) != expected:
            raise Refused(
                "conflict",
                _("%(count)d students are unmarked now. Look again, then confirm.")
                % {"count": len(students)},
                {"unmarked": len(students)},
            )
        claims = [Claim(session, student, letter, source, actor, now, now, reason) for student in students]
        return tuple(_decided(claim) for claim in claims)


def unmarked_students(session: Session) -> list[Student]:
    """The students of the session's day who have no mark that holds."""
    marked = Mark.objects.filter(session=session).exclude(code=None).values("student")
    return list(Student.objects.in_class(session.school_class, session.date).exclude(pk__in=marked))


def open_session(*, session_id: UUID, actor: User, now: dt.datetime) -> Session:
    """Start the session, or start it again after it was closed. Open already: nothing happens."""
    return _change_state(session_id, actor, now, Session.State.OPEN)


def close_session(*, session_id: UUID, actor: User, now: dt.datetime, unmarked: str | None = None) -> Session:
    """A person signs the register; only here does "not seen" become a letter, if the person says which.

    The letters, the state and the end of the review crops are one transaction. Closed already: nothing happens.
    """
    with transaction.atomic():
        session = locked(session_id)
        policy.require(actor, Action.RUN_SESSION, session)
        if unmarked is not None and session.state != Session.State.CLOSED:
            count = len(unmarked_students(session))
            mark_remaining(
                session_id=session.pk,
                letter=unmarked,
                expected=count,
                actor=actor,
                now=now,
                source=Source.CLOSE,
            )
        forget_faces(session)
        return _change_state(session_id, actor, now, Session.State.CLOSED)


def forget_faces(session: Session) -> None:
    """Remove what was kept of undecided faces and of "not this person": it serves this sitting only."""
    crops = list(Review.objects.filter(session=session).exclude(crop=None).values_list("crop", flat=True))
    Review.objects.filter(session=session).delete()
    Block.objects.filter(session=session).delete()
    Blob.objects.filter(pk__in=crops).delete()


def _change_state(session_id: UUID, actor: User, now: dt.datetime, state: Session.State) -> Session:
    with transaction.atomic():
        session = locked(session_id)
        policy.require(actor, Action.RUN_SESSION, session)
        if session.state == state:
            return session
        session.state = state
        if state == Session.State.OPEN:
            session.opened_at, session.opened_by = session.opened_at or now, session.opened_by or actor
            session.closed_at = session.closed_by = None
        else:
            session.closed_at, session.closed_by = now, actor
        session.version += 1
        session.save()
        audit.record(actor, f"session_{state}", session)
        events.publish_on_commit(session.pk, session_message(session))
        return session


def message_of(row: Mark, version: int) -> dict[str, object]:
    """The `mark` or `unmark` message of both sockets."""
    return {
        "type": "unmark" if row.code is None else "mark",
        "student": {"id": str(row.student_id), "name": row.student.name},
        "status": None if row.code is None else row.code.status,
        "code": row.code_id,
        "at": row.changed_at.isoformat(),
        "mark": str(row.pk),
        "source": row.source,
        "by": row.marked_by.shown_name if row.marked_by else None,
        "note": row.note,
        "revision": row.revision,
        "minutes_late": row.minutes_late,
        "version": version,
    }


def session_message(session: Session) -> dict[str, object]:
    """The `session` message of both sockets."""
    return {"type": "session", "session": describe(session), "version": session.version}


def describe(session: Session) -> dict[str, object]:
    """The session as sockets and pages show it."""
    return {
        "id": str(session.pk),
        "class": {"id": str(session.school_class_id), "name": session.school_class.name},
        "title": session.title,
        "state": session.state,
        "date": session.date.isoformat(),
        "starts_at": session.starts_at.isoformat(),
        "ends_at": session.ends_at.isoformat(),
    }
