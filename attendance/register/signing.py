"""Sign a register and open it again; give all unmarked students one code. Nothing else marks them in bulk."""

import datetime as dt
import json
from collections.abc import Collection
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from attendance.calendar.sessions import lock_session
from attendance.core import policy
from attendance.core.errors import Refused
from attendance.core.policy import Action
from attendance.models import Blob, Mark, RejectedMatch, Review, Session, Signature, Source, Student, User
from attendance.register.marking import write
from attendance.register.opening import change_state
from attendance.register.requests import MarkRequest, PendingMark, Result
from attendance.register.state import signed_register
from recognition.crypto import keyring


def sign(
    *,
    session_id: UUID,
    actor: User,
    now: dt.datetime,
    unmarked: str | None = None,
    students: Collection[UUID] | None = None,
) -> Session:
    """Sign the register; `unmarked` is the code that unmarked students get, None leaves them.

    `students` are the unmarked students that the person saw; where others are unmarked now, `conflict` is raised. None
    skips this check.

    The marks, the state, the signature and the deletion of undecided faces are one transaction. Does nothing where
    the register is signed. Raises `Refused`.
    """
    with transaction.atomic():
        session = lock_session(session_id)
        policy.require(actor, Action.RUN_SESSION, session)
        if session.is_signed:
            return session
        check_unmarked(session, students)
        if unmarked is not None:
            mark_remaining(
                session_id=session.pk,
                code=unmarked,
                expected=len(unmarked_students(session)),
                actor=actor,
                now=now,
                reason=_("signed again") if session.was_signed else "",
                source=Source.SIGNING,
            )
            session.refresh_from_db(fields=["version"])
        delete_undecided_faces(session)
        session.signed_at, session.signed_by = now, actor
        change_state(session, Session.State.SIGNED, actor=actor)
        add_signature(session, Signature.Act.SIGNED, actor=actor, now=now)
        return session


def reopen(*, session_id: UUID, actor: User, now: dt.datetime, reason: str) -> Session:
    """Open a signed register again. Earlier signatures stay, and a new one records the reason. Raises `Refused`."""
    with transaction.atomic():
        session = lock_session(session_id)
        policy.require(actor, Action.RUN_SESSION, session)
        if not session.is_signed:
            return session
        if not reason.strip():
            raise Refused("reason_needed", _("The register is signed. Give a reason for opening it again."))
        change_state(session, Session.State.OPEN, actor=actor)
        add_signature(session, Signature.Act.REOPENED, actor=actor, now=now, reason=reason)
        return session


def add_signature(
    session: Session, act: Signature.Act, *, actor: User, now: dt.datetime, reason: str = ""
) -> Signature:
    """Store the register as it is now, with a keyed digest, in the caller's transaction."""
    signature = Signature(
        session=session,
        act=act,
        version=session.version,
        signed_by=actor,
        signed_at=now,
        reason=reason.strip()[:300],
        snapshot=signed_register(session),
    )
    signature.hmac = digest_of(signature)
    signature.save(force_insert=True)
    return signature


def digest_of(signature: Signature) -> str:
    """Return the keyed digest of everything that a signature says, in hex."""
    content: dict[str, Any] = {
        "session": str(signature.session_id),
        "act": str(signature.act),
        "version": signature.version,
        "by": str(signature.signed_by_id),
        "at": signature.signed_at.astimezone(dt.UTC).isoformat(),
        "reason": signature.reason,
        "register": signature.snapshot,
    }
    return keyring().digest(json.dumps(content, sort_keys=True).encode(), "signature")


def mark_remaining(
    *,
    session_id: UUID,
    code: str,
    expected: int,
    actor: User,
    now: dt.datetime,
    reason: str = "",
    source: Source = Source.TEACHER,
    students: Collection[UUID] | None = None,
) -> tuple[Result, ...]:
    """Give every unmarked student one code. `expected` is the number that the person saw, `students` (if given) are the
    students themselves; where others are unmarked now, `conflict` is raised."""
    with transaction.atomic():
        session = lock_session(session_id)
        policy.require(actor, Action.MARK, session)
        check_unmarked(session, students)
        rows = unmarked_students(session)
        if len(rows) != expected:
            raise _conflict(rows, {"unmarked": len(rows)})
        request = {"code": code, "source": source, "actor": actor, "now": now, "reason": reason}
        return tuple(_mark_one(session, student, request) for student in rows)


def check_unmarked(session: Session, expected: Collection[UUID] | None) -> None:
    """Raise `conflict` unless exactly these students are unmarked (None: do not check).

    `extra` has their number, and who was added or removed.
    """
    if expected is None:
        return
    rows = unmarked_students(session)
    now, before = {student.pk for student in rows}, set(expected)
    if now == before:
        return
    added = [_named(student) for student in rows if student.pk not in before]
    removed = [
        _named(student) for student in Student.objects.filter(pk__in=before - now).order_by("sort_key", "pk")
    ]
    raise _conflict(rows, {"unmarked": len(rows), "added": added, "removed": removed})


def _named(student: Student) -> dict[str, str]:
    return {"id": str(student.pk), "name": student.name}


def _conflict(unmarked: Collection[Student], extra: dict[str, Any]) -> Refused:
    message = ngettext(
        "%(count)d student is unmarked now. Check the register, then confirm again.",
        "%(count)d students are unmarked now. Check the register, then confirm again.",
        len(unmarked),
    )
    return Refused("conflict", message % {"count": len(unmarked)}, extra)


def _mark_one(session: Session, student: Student, request: dict[str, Any]) -> Result:
    mark_request = MarkRequest(session_id=session.pk, student_id=student.pk, **request)
    return write(PendingMark(mark_request, session, student))


def unmarked_students(session: Session) -> list[Student]:
    """Return the students expected on the session's day who have no mark."""
    marked = Mark.objects.filter(session=session).exclude(code=None).values("student")
    return list(Student.objects.in_class(session.school_class, session.date).exclude(pk__in=marked))


def delete_undecided_faces(session: Session) -> None:
    """Delete reviews and rejected matches with their crops: they serve this session only."""
    crops = list(Review.objects.filter(session=session).exclude(crop=None).values_list("crop", flat=True))
    Review.objects.filter(session=session).delete()
    RejectedMatch.objects.filter(session=session).delete()
    Blob.objects.filter(pk__in=crops).delete()
