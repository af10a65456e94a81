"""Lock a name for an address after failed logins, longer each time. Kept in PostgreSQL, so it survives Redis.

The lock is per name and address, so that guessing from elsewhere does not lock out a teacher.
"""

import datetime as dt
import math
from collections.abc import Iterable

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from attendance.core import audit, policy
from attendance.core.errors import Refused
from attendance.core.policy import Action
from attendance.models import LoginFailure, User

# The failed login that locks for the first time.
FAILURES_UNTIL_LOCK = 5
FIRST_LOCK = dt.timedelta(minutes=1)
LONGEST_LOCK = dt.timedelta(hours=1)
# Failures older than this no longer count, and are deleted.
FAILURES_KEPT = dt.timedelta(hours=24)
# Stands for a client without an address, that of a Unix socket. Nothing listens on it.
NO_ADDRESS = "0.0.0.0"  # noqa: S104


def check(username: str, address: str | None, *, now: dt.datetime) -> None:
    """Raise `Refused("locked")` while the name is locked for this address; `extra["seconds"]` is the time left."""
    row = LoginFailure.objects.filter(username=_name(username), address=address or NO_ADDRESS).first()
    if row is None or row.locked_until is None or row.locked_until <= now:
        return
    seconds = math.ceil((row.locked_until - now).total_seconds())
    raise Refused(
        "locked",
        _("Too many failed logins. Try again in %(minutes)d minutes.") % {"minutes": math.ceil(seconds / 60)},
        {"seconds": seconds},
    )


def record_failure(username: str, address: str | None, *, now: dt.datetime) -> None:
    """Count a failed login. The fifth locks for a minute, each further one for twice as long, up to an hour."""
    with transaction.atomic():
        row, _created = LoginFailure.objects.select_for_update().get_or_create(
            username=_name(username), address=address or NO_ADDRESS, defaults={"last_at": now}
        )
        row.count = row.count + 1 if now - row.last_at < FAILURES_KEPT else 1
        row.last_at = now
        if row.count >= FAILURES_UNTIL_LOCK:
            doublings = min(row.count - FAILURES_UNTIL_LOCK, 10)
            row.locked_until = now + min(FIRST_LOCK * 2**doublings, LONGEST_LOCK)
        row.save()


def record_success(username: str, address: str | None) -> None:
    """Delete the failures of a name from this address."""
    LoginFailure.objects.filter(username=_name(username), address=address or NO_ADDRESS).delete()


def lift(*, users: Iterable[User], actor: User) -> int:
    """Delete all failures of these users from every address. Return how many of them were locked. Raises `Refused`."""
    policy.require(actor, Action.MANAGE_USERS)
    lifted = 0
    for user in users:
        with transaction.atomic():
            failures = LoginFailure.objects.filter(username=_name(user.username))
            locked = failures.filter(locked_until__gt=timezone.now()).exists()
            if failures.delete()[0]:
                audit.record(actor, "lockout_lifted", user, locked=locked)
            lifted += locked
    return lifted


def delete_expired(*, now: dt.datetime) -> int:
    """Delete failures that no longer count. Return how many rows."""
    return LoginFailure.objects.filter(last_at__lt=now - FAILURES_KEPT).delete()[0]


def _name(username: str) -> str:
    """Return the name as it is counted: case does not matter at login, and PostgreSQL stores no NUL."""
    return username.replace("\0", "").upper()[:150]
