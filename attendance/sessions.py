"""Sittings of a class: planned, or started on the spot. Opening and closing belong to `attendance.register`."""

import datetime as dt
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, OuterRef
from django.utils.translation import gettext as _

from attendance import audit, policy, register
from attendance.calendar import local_date
from attendance.errors import Refused
from attendance.models import Block, Review, SchoolClass, Session, User
from attendance.policy import Action

FACES_KEPT = dt.timedelta(hours=12)
LONGEST = dt.timedelta(hours=24)
EARLY = dt.timedelta(minutes=15)
"""A planned session that begins within this time is the one that is meant when a teacher starts now."""


def create(
    *,
    class_id: UUID,
    starts_at: dt.datetime,
    ends_at: dt.datetime,
    title: str = "",
    actor: User | None,
    now: dt.datetime,  # noqa: ARG001 - the doors' common shape
) -> Session:
    """Plan a session; its day is the school's own date at its start."""
    with transaction.atomic():
        school_class = _class(class_id)
        policy.require(actor, Action.RUN_SESSION, school_class, on=local_date(starts_at))
        _check_times(starts_at, ends_at)
        if Session.objects.filter(school_class=school_class, starts_at=starts_at).exists():
            raise Refused("already", _("This class has a session at that time already."))
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
    """Change the title, and the times while it was not opened: those of a register are part of what it says."""
    with transaction.atomic():
        session = register.locked(session_id)
        policy.require(actor, Action.RUN_SESSION, session)
        changed = sorted(name for name, value in fields.items() if getattr(session, name) != value)
        if {"starts_at", "ends_at"} & set(changed) and session.state != Session.State.PLANNED:
            raise Refused("already", _("The register was opened. Its times cannot be changed any more."))
        for name in changed:
            setattr(session, name, fields[name])
        _check_times(session.starts_at, session.ends_at)
        session.date = local_date(session.starts_at)
        policy.require(actor, Action.RUN_SESSION, session)
        others = Session.objects.filter(school_class=session.school_class, starts_at=session.starts_at)
        if others.exclude(pk=session.pk).exists():
            raise Refused("already", _("This class has a session at that time already."))
        if changed:
            session.save(update_fields=[*changed, "date"])
            audit.record(actor, "session_changed", session, fields=",".join(changed))
        return session


def start_now(*, class_id: UUID, actor: User, now: dt.datetime, minutes: int = 60) -> Session:
    """The session of this class that is open now; else the planned one that is due, opened; else a new one.

    Two teachers who tap at the same moment get the same session.
    """
    with transaction.atomic():
        school_class = _class(class_id)
        policy.require(actor, Action.RUN_SESSION, school_class, on=local_date(now))
        session = _due(school_class, now) or create(
            class_id=class_id,
            starts_at=now,
            ends_at=now + dt.timedelta(minutes=minutes),
            actor=actor,
            now=now,
        )
        return register.open_session(session_id=session.pk, actor=actor, now=now)


def forget_left_open(*, now: dt.datetime) -> int:
    """Remove undecided faces of sessions that ended half a day ago and that nobody closed; how many sessions."""
    held = Session.objects.filter(ends_at__lt=now - FACES_KEPT).filter(
        Exists(Review.objects.filter(session=OuterRef("pk")))
        | Exists(Block.objects.filter(session=OuterRef("pk")))
    )
    ids = list(held.values_list("pk", flat=True))
    for session_id in ids:
        with transaction.atomic():
            register.forget_faces(register.locked(session_id))
    return len(ids)


def _due(school_class: SchoolClass, now: dt.datetime) -> Session | None:
    around = Session.objects.filter(school_class=school_class, ends_at__gt=now).order_by("starts_at")
    running = around.filter(state=Session.State.OPEN, starts_at__lte=now + EARLY)
    planned = around.filter(state=Session.State.PLANNED, starts_at__lte=now + EARLY)
    return running.first() or planned.first()


def _class(class_id: UUID) -> SchoolClass:
    """The class under its row lock, so that two sessions are not made for one lesson."""
    found = SchoolClass.objects.select_for_update(no_key=True).filter(pk=class_id, archived_at=None).first()
    if found is None:
        raise Refused("no_such_class", _("There is no such class, or it is archived."))
    return found


def _check_times(starts_at: dt.datetime, ends_at: dt.datetime) -> None:
    if ends_at <= starts_at:
        raise Refused("ends_before_it_starts", _("The session must end after it starts. Check the times."))
    if ends_at - starts_at > LONGEST:
        raise Refused("too_long", _("A session lasts at most 24 hours. Check the times."))
