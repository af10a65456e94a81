"""The rules of a session, and the only writer of marks.

Camera, group photograph, teacher, review, kiosk, API and admin all pass `mark`. It rechecks session, membership,
right and consent in the database, under the session's row lock, in one transaction; refusals and repetitions
are counted as `Attempt`s. A person's word always wins over the camera's.
"""

import datetime as dt
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from django.db import transaction
from django.db.models import F
from django.utils.translation import gettext as _

from attendance import audit, events, policy
from attendance.calendar import minutes_late
from attendance.errors import Refused
from attendance.evidence import Seen, keep_evidence
from attendance.models import (
    Attempt,
    AttendanceCode,
    Consent,
    Mark,
    MarkEvent,
    Membership,
    SchoolSettings,
    Session,
    Source,
    Student,
    User,
)
from attendance.policy import Action

PRESENT, LATE, ABSENT = "/", "L", "N"
HERE = frozenset({AttendanceCode.Status.PRESENT, AttendanceCode.Status.LATE})
ARRIVED = "arrived"
"""In place of a letter: present or late, as the clock says."""
CLOCK_TOLERANCE = dt.timedelta(minutes=2)
LATE_UPLOAD_AFTER = dt.timedelta(minutes=2)


class Outcome(StrEnum):
    CREATED = "created"
    CHANGED = "changed"
    ALREADY = "already_marked"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True, eq=False)
class Result:
    """What became of a mark. `reason` is a code out of `Attempt.Reason` or of `REASONS`, empty when it was written."""

    outcome: Outcome
    reason: str = ""
    mark: Mark | None = None
    event: MarkEvent | None = None
    version: int = 0

    @property
    def written(self) -> bool:
        return self.outcome in {Outcome.CREATED, Outcome.CHANGED}


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
    reason: str
    note: str | None
    nonce: str | None
    seen: Seen | None
    revision: int | None


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
) -> Result:
    """Write, change or take back one mark.

    `nonce` makes a repetition harmless; `revision`, if given, must be the mark's present one (0: none yet), else
    the answer is a refusal `conflict` with the mark as it stands. Raises `Refused` for what cannot be
    counted against a student of the session: no such session, student or letter.
    """
    with transaction.atomic():
        session = locked(session_id)
        claim = Claim(
            session,
            _student(student_id),
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
        )
        return _repeated(claim) or _refused(claim) or _written(claim)


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


def _student(student_id: UUID) -> Student:
    found = Student.objects.filter(pk=student_id).first()
    if found is None:
        raise Refused("no_such_student", _("There is no such student."))
    return found


def _repeated(claim: Claim) -> Result | None:
    if claim.nonce is None:
        return None
    event = MarkEvent.objects.select_related("mark").filter(source=claim.source, nonce=claim.nonce).first()
    if event is None:
        return None
    if (event.session_id, event.student_id) != (claim.session.pk, claim.student.pk):
        raise Refused("nonce_reused", _("This nonce belongs to another mark. Make a new one for each mark."))
    return Result(Outcome.ALREADY, "repeated", event.mark, event, claim.session.version)


def _refused(claim: Claim) -> Result | None:
    """The first rule that speaks against the claim, counted as an attempt where it concerns the student."""
    if claim.actor is not None and not policy.may(claim.actor, Action.MARK, claim.session):
        raise Refused("not_allowed", _("You may not mark this class."))
    member = Membership.objects.filter(student=claim.student, school_class=claim.session.school_class)
    if not member.on(claim.session.date).exists():
        return _count(claim, Attempt.Reason.NOT_A_MEMBER)
    if claim.seen_at > claim.now + CLOCK_TOLERANCE:
        return _count(claim, Attempt.Reason.DOUBTFUL_CLOCK)
    if claim.source.is_human:
        return _refused_to_a_person(claim)
    if not claim.session.is_open:
        return _count(claim, Attempt.Reason.SESSION_CLOSED)
    if not Consent.objects.valid(claim.now).filter(student=claim.student).exists():
        return _count(claim, Attempt.Reason.NO_CONSENT)
    return None


def _refused_to_a_person(claim: Claim) -> Result | None:
    if claim.session.state == Session.State.CLOSED and not claim.reason.strip():
        raise Refused("reason_needed", _("The register is closed. Say why it is corrected."))
    current = Mark.objects.filter(session=claim.session, student=claim.student).first()
    if claim.revision is not None and claim.revision != (current.revision if current else 0):
        return Result(Outcome.REFUSED, "conflict", current, None, claim.session.version)
    return None


def _count(claim: Claim, reason: Attempt.Reason, current: Mark | None = None) -> Result:
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


def _written(claim: Claim) -> Result:
    code = _code(claim)
    current = Mark.objects.select_for_update().filter(session=claim.session, student=claim.student).first()
    if current is not None and not claim.source.is_human:
        return _camera_after(claim, current, code)
    same = current.code_id == _letter(code) if current else code is None
    if same and (claim.note is None or (current is not None and current.note == claim.note)):
        return Result(Outcome.ALREADY, Attempt.Reason.ALREADY_MARKED, current, None, claim.session.version)
    return _store(claim, current, code)


def _camera_after(claim: Claim, current: Mark, code: AttendanceCode | None) -> Result:
    """The camera sees somebody who has a mark: it never changes what stands, it only says so."""
    human = Source(current.source).is_human
    if human and (current.code is None or current.code.status not in HERE):
        return _count(claim, Attempt.Reason.CONTRADICTS, current)
    if current.code is None:
        return _store(claim, current, code)
    return _count(claim, Attempt.Reason.ALREADY_MARKED, current)


def _letter(code: AttendanceCode | None) -> str | None:
    return None if code is None else code.letter


def _code(claim: Claim) -> AttendanceCode | None:
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
    if claim.source.is_human and not code.for_teachers and not office:
        raise Refused("code_of_the_office", _("Only the office may use “%(letter)s”.") % {"letter": letter})
    return code


def _store(claim: Claim, current: Mark | None, code: AttendanceCode | None) -> Result:
    outcome = Outcome.CHANGED if current else Outcome.CREATED
    before = current.code_id if current else None
    row = current or Mark(session=claim.session, student=claim.student, revision=0)
    row.code, row.source, row.marked_by, row.changed_at = code, claim.source, claim.actor, claim.now
    row.revision += 1
    row.note = row.note if claim.note is None else claim.note.strip()[:300]
    arrived = code is not None and code.status in HERE
    row.first_seen_at = (row.first_seen_at or claim.seen_at) if arrived else row.first_seen_at
    late = code is not None and code.status == AttendanceCode.Status.LATE
    row.minutes_late = minutes_late(claim.session.starts_at, claim.seen_at) if late else None
    row.save()
    event = MarkEvent.objects.create(
        mark=row,
        session=claim.session,
        student=claim.student,
        revision=row.revision,
        from_code=before,
        to_code=_letter(code),
        actor=claim.actor,
        source=claim.source,
        reason=claim.reason.strip()[:300],
        seen_at=claim.seen_at,
        stored_at=claim.now,
        late_upload=claim.now - claim.seen_at > LATE_UPLOAD_AFTER,
        nonce=claim.nonce,
    )
    if claim.seen is not None:
        keep_evidence(event=event, seen=claim.seen, now=claim.now)
    version = raise_version(claim.session)
    events.publish_on_commit(claim.session.pk, message_of(row, version))
    return Result(outcome, "", row, event, version)


def raise_version(session: Session) -> int:
    """One more version of the register; the session is under its row lock."""
    session.version += 1
    session.save(update_fields=["version"])
    return session.version


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


def open_session(*, session_id: UUID, actor: User, now: dt.datetime) -> Session:
    """Start the session, or start it again after it was closed. Open already: nothing happens."""
    return _change_state(session_id, actor, now, Session.State.OPEN)


def close_session(*, session_id: UUID, actor: User, now: dt.datetime, unmarked: str | None = None) -> Session:
    """A person signs the register; only here does "not seen" become a letter, if the person says which."""
    with transaction.atomic():
        session = locked(session_id)
        if unmarked is not None and session.is_open:
            for student in unmarked_students(session):
                mark(
                    session_id=session.pk,
                    student_id=student.pk,
                    letter=unmarked,
                    source=Source.CLOSE,
                    actor=actor,
                    now=now,
                )
        return _change_state(session_id, actor, now, Session.State.CLOSED)


def unmarked_students(session: Session) -> list[Student]:
    """The students of the session's day who have no mark that holds."""
    marked = Mark.objects.filter(session=session).exclude(code=None).values("student")
    return list(Student.objects.in_class(session.school_class, session.date).exclude(pk__in=marked))


def _change_state(session_id: UUID, actor: User, now: dt.datetime, state: Session.State) -> Session:
    with transaction.atomic():
        session = locked(session_id)
        if not policy.may(actor, Action.RUN_SESSION, session):
            raise Refused("not_allowed", _("You may not run this class's sessions."))
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
