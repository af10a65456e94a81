"""Every time limit after which something is deleted."""

import datetime as dt
from typing import Final

from django.db import transaction
from django.db.models import Exists, OuterRef

from attendance.access import lockout
from attendance.calendar.sessions import lock_session
from attendance.faces import photograph_cache
from attendance.models import RejectedMatch, Review, Session
from attendance.people import consents
from attendance.register import evidence
from attendance.register.signing import delete_undecided_faces

# Undecided faces of a session that nobody signed.
UNSIGNED_SESSION: Final = dt.timedelta(hours=12)


def delete_expired(*, now: dt.datetime) -> None:
    """Delete what may no longer be kept: evidence, faces without consent, undecided faces, old login failures."""
    evidence.expire(now=now)
    consents.forget_expired(now=now)
    photograph_cache.forget_old(now=now)
    delete_old_undecided_faces(now=now)
    lockout.delete_expired(now=now)


def delete_old_undecided_faces(*, now: dt.datetime) -> int:
    """Delete undecided faces of sessions that ended half a day ago and that nobody signed; how many sessions."""
    with_faces = Session.objects.filter(ends_at__lt=now - UNSIGNED_SESSION).filter(
        Exists(Review.objects.filter(session=OuterRef("pk")))
        | Exists(RejectedMatch.objects.filter(session=OuterRef("pk")))
    )
    session_ids = list(with_faces.values_list("pk", flat=True))
    for session_id in session_ids:
        with transaction.atomic():
            delete_undecided_faces(lock_session(session_id))
    return len(session_ids)
