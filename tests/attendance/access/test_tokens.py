"""API tokens of other systems."""

from __future__ import annotations

import datetime as dt
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from attendance.access import tokens
from attendance.core.errors import Refused
from attendance.models import ApiToken, AuditEvent, User
from tests.world import World

pytestmark = pytest.mark.django_db


def test_token_is_shown_once_and_stored_as_digest(world: World) -> None:
    token, plain = tokens.create(user=world.teacher, name="timetable", actor=world.teacher)
    assert plain.startswith("rc_")
    assert plain not in str(ApiToken.objects.filter(pk=token.pk).values().get())
    assert tokens.authenticate(plain) == token
    assert tokens.authenticate(plain + "x") is None
    assert tokens.authenticate("\udcff\0 not even text") is None


def test_revoked_token_and_token_of_inactive_user_are_refused(world: World) -> None:
    token, plain = tokens.create(user=world.teacher, name="a", actor=None)
    _, other = tokens.create(user=world.registrar, name="a", actor=None)
    tokens.revoke(token=token, actor=world.administrator)
    User.objects.filter(pk=world.registrar.pk).update(is_active=False)
    assert tokens.authenticate(plain) is None
    assert tokens.authenticate(other) is None
    assert AuditEvent.objects.filter(action="token_revoked").count() == 1


def test_token_use_is_recorded_at_most_once_a_minute(world: World) -> None:
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
def test_token_for_another_user_needs_an_administrator(world: World, who: str, code: str) -> None:
    with pytest.raises(Refused) as refusal:
        tokens.create(user=world.viewer, name="a", actor=getattr(world, who))
    assert refusal.value.code == code


def test_token_name_is_needed_and_unique_per_user(world: World) -> None:
    tokens.create(user=world.teacher, name="a", actor=None)
    for name, code in (("a", "already"), (" ", "name_needed")):
        with pytest.raises(Refused) as refusal:
            tokens.create(user=world.teacher, name=name, actor=None)
        assert refusal.value.code == code


def owner(plain: str) -> User:
    token = tokens.authenticate(plain)
    assert token is not None
    return token.user


def test_create_token_command_prints_a_valid_token(world: World) -> None:
    out = StringIO()
    call_command("create_token", "TEACHER", stdout=out)
    call_command("create_token", "teacher", "--name", "timetable", stdout=out)
    assert [owner(plain) for plain in out.getvalue().split()] == [world.teacher] * 2
    with pytest.raises(CommandError, match="no user"):
        call_command("create_token", "nobody")
    with pytest.raises(CommandError, match="name"):
        call_command("create_token", "teacher", "--name", "timetable")
