"""Keys that do not fit, tokens of other systems, and failed logins."""

from __future__ import annotations

import base64
import datetime as dt
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.core.management.base import SystemCheckError
from django.utils import timezone

from attendance.access import lockout, tokens
from attendance.core import key_check
from attendance.core.errors import Refused
from attendance.models import ApiToken, AuditEvent, KeyCheck, LoginFailure, User
from recognition.crypto import Keyring, key_id
from tests.world import World

pytestmark = pytest.mark.django_db

OLD, NEW, FOREIGN = (base64.b64encode(letter * 32).decode() for letter in (b"o", b"n", b"f"))


def fault_with(settings: Any, *keys: str) -> str | None:
    settings.FACE_DATA_KEYS = keys
    return key_check.fault()


def test_the_right_key_sings(settings: Any) -> None:
    assert fault_with(settings, OLD) is None
    assert fault_with(settings, OLD) is None
    assert KeyCheck.objects.count() == 1


def test_a_wrong_key_is_told_by_name_and_gets_no_canary(settings: Any) -> None:
    fault_with(settings, OLD)
    sentence = fault_with(settings, FOREIGN)
    assert sentence is not None
    assert key_id(b"o" * 32).hex() in sentence
    assert KeyCheck.objects.count() == 1


def test_a_new_key_in_front_is_fine_and_the_old_one_must_stay(settings: Any) -> None:
    fault_with(settings, OLD)
    assert fault_with(settings, NEW, OLD) is None
    assert KeyCheck.objects.count() == 2
    assert fault_with(settings, NEW) is not None


def test_a_canary_that_cannot_sing_is_a_fault(settings: Any) -> None:
    fault_with(settings, OLD)
    KeyCheck.objects.update(sealed=Keyring((b"o" * 32,)).seal(b"x", "somewhere", "else"))
    sentence = fault_with(settings, OLD)
    assert sentence is not None
    assert "damaged" in sentence


def test_no_key_is_a_fault(settings: Any) -> None:
    assert fault_with(settings) is not None


def test_the_system_check_says_the_same(settings: Any) -> None:
    fault_with(settings, OLD)
    call_command("check", "--database", "default", "--tag", "database")
    settings.FACE_DATA_KEYS = (FOREIGN,)
    with pytest.raises(SystemCheckError, match=r"attendance\.E001"):
        call_command("check", "--database", "default", "--tag", "database")


def test_a_token_is_shown_once_and_only_its_digest_is_kept(world: World) -> None:
    token, plain = tokens.create(user=world.teacher, name="timetable", actor=world.teacher)
    assert plain.startswith("rc_")
    assert plain not in str(ApiToken.objects.filter(pk=token.pk).values().get())
    assert tokens.authenticate(plain) == token
    assert tokens.authenticate(plain + "x") is None
    assert tokens.authenticate("\udcff\0 not even text") is None


def test_a_revoked_token_and_a_user_who_left_open_nothing(world: World) -> None:
    token, plain = tokens.create(user=world.teacher, name="a", actor=None)
    _, other = tokens.create(user=world.registrar, name="a", actor=None)
    tokens.revoke(token=token, actor=world.administrator)
    User.objects.filter(pk=world.registrar.pk).update(is_active=False)
    assert tokens.authenticate(plain) is None
    assert tokens.authenticate(other) is None
    assert AuditEvent.objects.filter(action="token_revoked").count() == 1


def test_a_tokens_use_is_noted_at_most_once_a_minute(world: World) -> None:
    token, plain = tokens.create(user=world.teacher, name="a", actor=None)
    tokens.authenticate(plain)
    first = ApiToken.objects.get(pk=token.pk).last_used_at
    tokens.authenticate(plain)
    assert ApiToken.objects.get(pk=token.pk).last_used_at == first
    earlier = timezone.now() - dt.timedelta(minutes=2)
    ApiToken.objects.update(last_used_at=earlier)
    tokens.authenticate(plain)
    again = ApiToken.objects.get(pk=token.pk).last_used_at
    assert again is not None
    assert again > earlier


@pytest.mark.parametrize(("who", "code"), [("teacher", "not_allowed"), ("registrar", "not_allowed")])
def test_tokens_for_others_are_the_administrators(world: World, who: str, code: str) -> None:
    with pytest.raises(Refused) as refusal:
        tokens.create(user=world.viewer, name="a", actor=getattr(world, who))
    assert refusal.value.code == code


def test_two_tokens_of_one_user_have_two_names(world: World) -> None:
    tokens.create(user=world.teacher, name="a", actor=None)
    for name, code in (("a", "already"), (" ", "name_needed")):
        with pytest.raises(Refused) as refusal:
            tokens.create(user=world.teacher, name=name, actor=None)
        assert refusal.value.code == code


def owner(plain: str) -> User:
    token = tokens.authenticate(plain)
    assert token is not None
    return token.user


def test_the_command_prints_a_token_that_works(world: World) -> None:
    out = StringIO()
    call_command("create_token", "TEACHER", stdout=out)
    call_command("create_token", "teacher", "--name", "timetable", stdout=out)
    assert [owner(plain) for plain in out.getvalue().split()] == [world.teacher] * 2
    with pytest.raises(CommandError, match="no user"):
        call_command("create_token", "nobody")
    with pytest.raises(CommandError, match="name"):
        call_command("create_token", "teacher", "--name", "timetable")


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
def test_each_failed_login_locks_longer(failures: int, seconds: int) -> None:
    now = timezone.now()
    fail(failures, now)
    assert seconds_locked(now) == seconds
    assert seconds_locked(now + dt.timedelta(seconds=seconds)) == 0


def test_a_stranger_elsewhere_locks_nobody_out() -> None:
    now = timezone.now()
    fail(10, now)
    assert seconds_locked(now, address="10.0.0.2") == 0
    assert seconds_locked(now, name="other") == 0


def test_a_good_login_and_a_day_forget_the_failures() -> None:
    now = timezone.now()
    fail(4, now)
    lockout.record_success("TEACHER", "10.0.0.1")
    fail(4, now)
    assert seconds_locked(now) == 0
    fail(1, now + dt.timedelta(hours=25))
    assert LoginFailure.objects.get().count == 1
    assert lockout.forget_old(now=now + dt.timedelta(days=3)) == 1


def test_names_that_no_database_stores_do_no_harm() -> None:
    now = timezone.now()
    fail(5, now, name="a\0" + "x" * 500, address=None)
    assert seconds_locked(now, name="a\0" + "x" * 500, address=None) == 60
