"""Open a session, or start one now."""

import datetime as dt
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from attendance.calendar import sessions
from attendance.calendar.sessions import lock_session
from attendance.core import audit, policy
from attendance.core.clock import local_date
from attendance.core.errors import Refused
from attendance.core.policy import Action
from attendance.models import SchoolClass, Session, User
from attendance.register import broadcast
from attendance.register.state import session_message
from attendance.register.versions import raise_version

# Starting now means a planned session that begins within this time.
EARLY = dt.timedelta(minutes=15)


def open_session(*, session_id: UUID, actor: User, now: dt.datetime) -> Session:
    """Open a planned session. Does nothing where it is open. A signed register is opened by `signing.reopen`.

    Raises `Refused`.
    """
    with transaction.atomic():
        session = lock_session(session_id)
        policy.require(actor, Action.RUN_SESSION, session)
        if session.is_open:
            return session
        if session.state != Session.State.PLANNED:
            raise Refused("not_planned", _("This session was signed or cancelled. It cannot be started."))
        session.opened_at, session.opened_by = now, actor
        change_state(session, Session.State.OPEN, actor=actor)
        return session


def change_state(session: Session, state: Session.State, *, actor: User) -> None:
    """Save the session with its new state and notify sockets, in the caller's transaction under the session's lock."""
    session.state = state
    session.save()
    raise_version(session)
    audit.record(actor, f"session_{state}", session)
    broadcast.publish_on_commit(session.pk, session_message(session))


def start_now(*, class_id: UUID, actor: User, now: dt.datetime, minutes: int = 60) -> Session:
    """Return the class's session that is open now; else the planned one that is due, opened; else a new one.

    Two teachers who start at the same moment get the same session.
    """
    with transaction.atomic():
        school_class = sessions.lock_class(class_id)
        policy.require(actor, Action.RUN_SESSION, school_class, on=local_date(now))
        session = _due(school_class, now) or sessions.create(
            class_id=class_id,
            starts_at=now,
            ends_at=now + dt.timedelta(minutes=minutes),
            actor=actor,
        )
        return open_session(session_id=session.pk, actor=actor, now=now)


def _due(school_class: SchoolClass, now: dt.datetime) -> Session | None:
    near = Session.objects.filter(school_class=school_class, ends_at__gt=now, starts_at__lte=now + EARLY)
    for state in (Session.State.OPEN, Session.State.PLANNED):
        if session := near.filter(state=state).order_by("starts_at").first():
            return session
    return None
