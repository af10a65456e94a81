"""Create and change sessions, and lock their rows. Opening and signing belong to `attendance.register`."""

import datetime as dt
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from attendance.core import audit, policy
from attendance.core.clock import local_date
from attendance.core.errors import Refused
from attendance.core.policy import Action
from attendance.models import SchoolClass, Session, User

MAX_DURATION = dt.timedelta(hours=24)


def create(
    *, class_id: UUID, starts_at: dt.datetime, ends_at: dt.datetime, title: str = "", actor: User | None
) -> Session:
    """Create a planned session. Its date is that of its start in the school's zone. Raises `Refused`."""
    with transaction.atomic():
        school_class = lock_class(class_id)
        policy.require(actor, Action.RUN_SESSION, school_class, on=local_date(starts_at))
        _check_times(starts_at, ends_at)
        if Session.objects.filter(school_class=school_class, starts_at=starts_at).exists():
            raise Refused("already", _("This class already has a session at that time."))
        session = Session.objects.create(
            school_class=school_class,
            title=title.strip()[:120],
            starts_at=starts_at,
            ends_at=ends_at,
            date=local_date(starts_at),
            created_by=actor,
        )
        audit.record(actor, "session_created", session)
        return session


def change(*, session_id: UUID, actor: User | None, **fields: Any) -> Session:
    """Change the title, or the times of a session that was not opened yet. Raises `Refused`."""
    with transaction.atomic():
        session = lock_session(session_id)
        policy.require(actor, Action.RUN_SESSION, session)
        changed = sorted(name for name, value in fields.items() if getattr(session, name) != value)
        if {"starts_at", "ends_at"} & set(changed) and session.state != Session.State.PLANNED:
            raise Refused(
                "already", _("The register was already opened. Its times can no longer be changed.")
            )
        for name in changed:
            setattr(session, name, fields[name])
        _check_times(session.starts_at, session.ends_at)
        session.date = local_date(session.starts_at)
        policy.require(actor, Action.RUN_SESSION, session)
        others = Session.objects.filter(school_class=session.school_class, starts_at=session.starts_at)
        if others.exclude(pk=session.pk).exists():
            raise Refused("already", _("This class already has a session at that time."))
        if changed:
            session.save(update_fields=[*changed, "date"])
            audit.record(actor, "session_changed", session, fields=",".join(changed))
        return session


def lock_session(session_id: UUID) -> Session:
    """Lock the session's row until the transaction ends, and return it. Raises `Refused`: no_such_session."""
    session = (
        Session.objects.select_for_update(of=("self",))
        .select_related("school_class")
        .filter(pk=session_id)
        .first()
    )
    if session is None:
        raise Refused("no_such_session", _("There is no such session."))
    return session


def lock_class(class_id: UUID) -> SchoolClass:
    """Lock the class's row, so that two sessions are not created for one lesson, and return it. Raises `Refused`."""
    school_class = (
        SchoolClass.objects.select_for_update(no_key=True).filter(pk=class_id, archived_at=None).first()
    )
    if school_class is None:
        raise Refused("no_such_class", _("There is no such class, or it is archived."))
    return school_class


def _check_times(starts_at: dt.datetime, ends_at: dt.datetime) -> None:
    if ends_at <= starts_at:
        raise Refused("ends_before_it_starts", _("The session must end after it starts. Check the times."))
    if ends_at - starts_at > MAX_DURATION:
        raise Refused("too_long", _("A session lasts at most 24 hours. Check the times."))
