"""After failed logins a name is locked for an address, longer each time; kept in PostgreSQL, so Redis may vanish.

The lock is per name *and* address: a stranger who guesses cannot lock a teacher out of the classroom.
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

FREE_FAILURES = 5
FIRST_LOCK = dt.timedelta(minutes=1)
LONGEST_LOCK = dt.timedelta(hours=1)
FORGOTTEN_AFTER = dt.timedelta(hours=24)
NO_ADDRESS = "0.0.0.0"  # noqa: S104 - stands for a client without an address, a unix socket's; nothing binds to it


def check(username: str, address: str | None, *, now: dt.datetime) -> None:
    """Raise `Refused("locked")` while the name is locked for this address; `extra` has the seconds that are left."""
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
    """Count a failed login; the fifth locks for a minute, each further one for twice as long, up to an hour."""
    with transaction.atomic():
        row, _created = LoginFailure.objects.select_for_update().get_or_create(
            username=_name(username), address=address or NO_ADDRESS, defaults={"last_at": now}
        )
        row.count = row.count + 1 if now - row.last_at < FORGOTTEN_AFTER else 1
        row.last_at = now
        if row.count >= FREE_FAILURES:
            doublings = min(row.count - FREE_FAILURES, 10)
            row.locked_until = now + min(FIRST_LOCK * 2**doublings, LONGEST_LOCK)
        row.save()


def record_success(username: str, address: str | None) -> None:
    """Forget the failures of a name from this address."""
    LoginFailure.objects.filter(username=_name(username), address=address or NO_ADDRESS).delete()


def lift(*, users: Iterable[User], actor: User) -> int:
    """Forget all failures of these people's names, from every address; how many people were locked anywhere."""
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


def forget_old(*, now: dt.datetime) -> int:
    """Remove what no longer locks anybody."""
    return LoginFailure.objects.filter(last_at__lt=now - FORGOTTEN_AFTER).delete()[0]


def _name(username: str) -> str:
    """Names differ only by more than case, as they do at login; no NUL, which PostgreSQL does not store."""
    return username.replace("\0", "").upper()[:150]
