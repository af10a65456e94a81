"""Every time limit after which data are deleted, in one list.

`delete_expired` deletes by this list, and the public privacy page is made from it.
"""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from django.db import transaction
from django.db.models import Exists, OuterRef
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from attendance.access import lockout
from attendance.calendar.sessions import lock_session
from attendance.faces import photograph_cache
from attendance.models import OutboxEvent, RejectedMatch, Review, SchoolSettings, Session
from attendance.people import consents
from attendance.register import evidence
from attendance.register.signing import delete_undecided_faces

# Undecided faces of a session whose register nobody signed are kept this long after its end.
UNDECIDED_FACES_KEPT: Final = dt.timedelta(hours=12)
# Readers of outbox events catch up within this time.
OUTBOX_EVENTS_KEPT: Final = dt.timedelta(days=7)


@dataclass(frozen=True, slots=True, eq=False)
class TimeLimit:
    """What is deleted, where it is stored, how long it is kept (as text), and the function that deletes it.

    `what` and `where` are lazy translations. `delete` takes the present time; it does not run in a transaction.
    """

    what: Any
    where: Any
    how_long: Callable[[SchoolSettings], str]
    delete: Callable[[dt.datetime], object]


def delete_expired(*, now: dt.datetime) -> None:
    """Delete all data whose time limit has passed."""
    for limit in TIME_LIMITS:
        limit.delete(now)


def delete_old_undecided_faces(*, now: dt.datetime) -> int:
    """Delete undecided faces of sessions that ended long ago and were not signed. Return how many sessions."""
    with_faces = Session.objects.filter(ends_at__lt=now - UNDECIDED_FACES_KEPT).filter(
        Exists(Review.objects.filter(session=OuterRef("pk")))
        | Exists(RejectedMatch.objects.filter(session=OuterRef("pk")))
    )
    session_ids = list(with_faces.values_list("pk", flat=True))
    for session_id in session_ids:
        with transaction.atomic():
            delete_undecided_faces(lock_session(session_id))
    return len(session_ids)


def delete_old_outbox_events(*, now: dt.datetime) -> int:
    """Delete outbox events that every reader has had time to read. Return how many."""
    return OutboxEvent.objects.filter(created_at__lt=now - OUTBOX_EVENTS_KEPT).delete()[0]


def _days(count: int) -> str:
    return ngettext("%(n)s day", "%(n)s days", count) % {"n": count}


def _hours(duration: dt.timedelta) -> str:
    count = duration // dt.timedelta(hours=1)
    return ngettext("%(n)s hour", "%(n)s hours", count) % {"n": count}


_ENCRYPTED: Final = gettext_lazy("encrypted in the school's database")
_DATABASE: Final = gettext_lazy("in the school's database")

TIME_LIMITS: Final = (
    TimeLimit(
        gettext_lazy("Enrolment photographs and templates"),
        _ENCRYPTED,
        lambda _school: _("until the consent ends or the data are erased"),
        lambda now: consents.delete_faces_without_consent(now=now),
    ),
    TimeLimit(
        gettext_lazy("Templates of photographs that were tried at enrolment"),
        gettext_lazy("in the server's memory, and encrypted in its cache"),
        lambda _school: _hours(photograph_cache.KEPT),
        lambda now: photograph_cache.delete_expired(now=now),
    ),
    TimeLimit(
        gettext_lazy("Evidence of a mark: one small picture of the face"),
        _ENCRYPTED,
        lambda school: _days(school.evidence_days),
        lambda now: evidence.expire(now=now),
    ),
    TimeLimit(
        gettext_lazy("Faces that wait for the teacher's decision"),
        _ENCRYPTED,
        lambda _school: (
            _("until the register is signed, at most %(duration)s after the end of the session")
            % {"duration": _hours(UNDECIDED_FACES_KEPT)}
        ),
        lambda now: delete_old_undecided_faces(now=now),
    ),
    TimeLimit(
        gettext_lazy("Failed logins: name and network address"),
        _DATABASE,
        lambda _school: _hours(lockout.FAILURES_KEPT),
        lambda now: lockout.delete_expired(now=now),
    ),
    TimeLimit(
        gettext_lazy("Notes that a register changed, without names"),
        _DATABASE,
        lambda _school: _days(OUTBOX_EVENTS_KEPT.days),
        lambda now: delete_old_outbox_events(now=now),
    ),
)
