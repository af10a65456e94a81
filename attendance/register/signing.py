"""Sign a register: a person closes it, and "not seen" becomes a code only here."""

import datetime as dt
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from attendance.calendar.sessions import lock_session
from attendance.core import policy
from attendance.core.errors import Refused
from attendance.core.policy import Action
from attendance.models import Blob, Block, Mark, Review, Session, Source, Student, User
from attendance.register.marking import write
from attendance.register.opening import change_state
from attendance.register.requests import MarkRequest, PendingMark, Result


def close_session(*, session_id: UUID, actor: User, now: dt.datetime, unmarked: str | None = None) -> Session:
    """Sign the register; `unmarked` is the code that unmarked students get, None leaves them.

    The marks, the state and the end of the review crops are one transaction. Closed already: nothing happens.
    """
    with transaction.atomic():
        session = lock_session(session_id)
        policy.require(actor, Action.RUN_SESSION, session)
        if unmarked is not None and session.state != Session.State.CLOSED:
            mark_remaining(
                session_id=session.pk,
                code=unmarked,
                expected=len(unmarked_students(session)),
                actor=actor,
                now=now,
                source=Source.CLOSE,
            )
            session.refresh_from_db(fields=["version"])
        delete_undecided_faces(session)
        if session.state != Session.State.CLOSED:
            session.closed_at, session.closed_by = now, actor
            change_state(session, Session.State.CLOSED, actor=actor)
        return session


def mark_remaining(
    *,
    session_id: UUID,
    code: str,
    expected: int,
    actor: User,
    now: dt.datetime,
    reason: str = "",
    source: Source = Source.TEACHER,
) -> tuple[Result, ...]:
    """Give every unmarked student one code. `expected` is the number that the person saw; where it is another now,
    `conflict` is raised, since somebody arrived or was marked meanwhile."""
    with transaction.atomic():
        session = lock_session(session_id)
        policy.require(actor, Action.MARK, session)
        students = unmarked_students(session)
        if len(students) != expected:
            raise Refused(
                "conflict",
                _("%(count)d students are unmarked now. Look again, then confirm.")
                % {"count": len(students)},
                {"unmarked": len(students)},
            )
        requests = [
            MarkRequest(
                session_id=session.pk,
                student_id=student.pk,
                code=code,
                source=source,
                actor=actor,
                now=now,
                reason=reason,
            )
            for student in students
        ]
        return tuple(
            write(PendingMark(request, session, student))
            for request, student in zip(requests, students, strict=True)
        )


def unmarked_students(session: Session) -> list[Student]:
    """Return the students expected on the session's day who have no mark."""
    marked = Mark.objects.filter(session=session).exclude(code=None).values("student")
    return list(Student.objects.in_class(session.school_class, session.date).exclude(pk__in=marked))


def delete_undecided_faces(session: Session) -> None:
    """Delete what was kept of undecided faces and rejected matches: it serves this session only."""
    crops = list(Review.objects.filter(session=session).exclude(crop=None).values_list("crop", flat=True))
    Review.objects.filter(session=session).delete()
    Block.objects.filter(session=session).delete()
    Blob.objects.filter(pk__in=crops).delete()
