"""The lockout after failed logins."""

from __future__ import annotations

import datetime as dt

import pytest
from django.utils import timezone

from attendance.access import lockout
from attendance.core.errors import Refused
from attendance.models import LoginFailure

pytestmark = pytest.mark.django_db


def fail(times: int, now: dt.datetime, *, name: str = "Teacher", address: str | None = "10.0.0.1") -> None:
    for _ in range(times):
        lockout.record_failure(name, address, now=now)


def seconds_locked(now: dt.datetime, *, name: str = "teacher", address: str | None = "10.0.0.1") -> int:
    try:
        lockout.check(name, address, now=now)
    except Refused as refusal:
        return int(refusal.extra["seconds"])
    return 0


@pytest.mark.parametrize(("failures", "seconds"), [(4, 0), (5, 60), (6, 120), (7, 240), (30, 3600)])
def test_lock_doubles_with_each_failed_login(failures: int, seconds: int) -> None:
    now = timezone.now()
    fail(failures, now)
    assert seconds_locked(now) == seconds
    assert seconds_locked(now + dt.timedelta(seconds=seconds)) == 0


def test_lock_holds_for_one_name_and_address_only() -> None:
    now = timezone.now()
    fail(10, now)
    assert seconds_locked(now, address="10.0.0.2") == 0
    assert seconds_locked(now, name="other") == 0


def test_failures_end_with_a_login_or_after_a_day() -> None:
    now = timezone.now()
    fail(4, now)
    lockout.record_success("TEACHER", "10.0.0.1")
    fail(4, now)
    assert seconds_locked(now) == 0
    fail(1, now + dt.timedelta(hours=25))
    assert LoginFailure.objects.get().count == 1
    assert lockout.delete_expired(now=now + dt.timedelta(days=3)) == 1


def test_name_with_nul_and_excessive_length_is_counted() -> None:
    now = timezone.now()
    fail(5, now, name="a\0" + "x" * 500, address=None)
    assert seconds_locked(now, name="a\0" + "x" * 500, address=None) == 60
