"""Users, tokens and devices: secrets shown once, rights by role, and revocation."""

from __future__ import annotations

import re

import pytest
from django.test import Client
from django.utils import timezone

from attendance.access import devices, lockout, tokens
from attendance.core.errors import Refused
from attendance.models import ApiToken, AuditEvent, Device, LoginFailure, Role, User
from tests.world import PASSWORD, World

pytestmark = pytest.mark.django_db

USERS = "/admin/attendance/user/"


def secret_in(text: str) -> str:
    found = re.search(r'<output id="rc-secret"[^>]*>([^<]+)<', text)
    assert found, "no secret is shown"
    return found.group(1)


def staff(**changes: str) -> dict[str, str]:
    return {"username": "ivy", "role": "teacher", "is_active": "on", "_save": "Save"} | changes


def test_new_user_gets_a_one_time_password_shown_once(world: World, head: Client) -> None:
    answer = head.post(f"{USERS}add/", staff(first_name="Ivy"))
    password = secret_in(answer.content.decode())
    user = User.objects.get(username="ivy")
    assert user.check_password(password)
    assert user.must_change_password
    assert "no-store" in answer["Cache-Control"]
    assert password not in head.get(f"{USERS}{user.pk}/change/").content.decode()
    assert password not in str(head.cookies)


def test_username_in_other_case_is_refused(world: World, head: Client) -> None:
    answer = head.post(f"{USERS}add/", staff(username="TEACHER"))
    assert "exists already" in answer.content.decode()


def test_one_time_password_ends_the_old_one(world: World, head: Client) -> None:
    address = f"{USERS}{world.teacher.pk}/new-password/"
    assert head.get(address).status_code == 200
    world.teacher.refresh_from_db()
    assert world.teacher.check_password(PASSWORD)
    password = secret_in(head.post(address).content.decode())
    world.teacher.refresh_from_db()
    assert world.teacher.check_password(password)
    assert world.teacher.must_change_password
    assert AuditEvent.objects.filter(action="password_reset", row=str(world.teacher.pk)).exists()


def test_registrar_adds_neither_users_nor_passwords(world: World, office: Client) -> None:
    assert office.post(f"{USERS}add/", staff()).status_code == 403
    assert office.post(f"{USERS}{world.administrator.pk}/new-password/").status_code == 403
    assert office.post(f"{USERS}{world.registrar.pk}/change/", staff(role="administrator")).status_code == 403


def test_administrator_cannot_change_the_own_role(world: World, head: Client) -> None:
    address = f"{USERS}{world.administrator.pk}/change/"
    for change in ({"role": "teacher"}, {"is_active": ""}):
        answer = head.post(address, staff(username="administrator", **{"role": "administrator", **change}))
        assert "Only another administrator" in answer.content.decode()
    world.administrator.refresh_from_db()
    assert (world.administrator.role, world.administrator.is_active) == (Role.ADMINISTRATOR, True)


def test_superuser_who_becomes_a_teacher_loses_all_rights(world: World, head: Client) -> None:
    User.objects.filter(pk=world.other_teacher.pk).update(is_superuser=True, role=Role.ADMINISTRATOR)
    head.post(f"{USERS}{world.other_teacher.pk}/change/", staff(username="other_teacher"))
    world.other_teacher.refresh_from_db()
    assert (world.other_teacher.role, world.other_teacher.is_superuser) == (Role.TEACHER, False)


def test_lockout_is_lifted_for_all_addresses_and_audited(world: World, head: Client) -> None:
    for address in ("10.0.0.1", "10.0.0.2"):
        for _ in range(lockout.FAILURES_UNTIL_LOCK):
            lockout.record_failure("Teacher", address, now=timezone.now())
    lockout.record_failure("other_teacher", "10.0.0.1", now=timezone.now())
    with pytest.raises(Refused, match="failed logins"):
        lockout.check("teacher", "10.0.0.2", now=timezone.now())
    assert "Unlock account" in head.get(USERS).content.decode()
    action = {"action": "lift_lockout", "_selected_action": [str(world.teacher.pk), str(world.viewer.pk)]}
    said = head.post(USERS, action, follow=True).content.decode()
    assert "1 account was unlocked." in said
    for address in ("10.0.0.1", "10.0.0.2"):
        lockout.check("teacher", address, now=timezone.now())
    # Nobody else's failures are forgotten, and who lifted it is known.
    assert LoginFailure.objects.get().username == "OTHER_TEACHER"
    noted = AuditEvent.objects.get(action="lockout_lifted")
    assert (noted.actor, noted.row) == (world.administrator, str(world.teacher.pk))
    assert "None of these accounts was locked." in head.post(USERS, action, follow=True).content.decode()
    assert AuditEvent.objects.filter(action="lockout_lifted").count() == 1


def test_registrar_lifts_no_lockout(world: World, office: Client) -> None:
    lockout.record_failure("teacher", "10.0.0.1", now=timezone.now())
    action = {"action": "lift_lockout", "_selected_action": [str(world.teacher.pk)]}
    assert office.post(USERS, action).status_code == 403
    with pytest.raises(Refused, match="do not have access"):
        lockout.lift(users=[world.teacher], actor=world.registrar)
    assert LoginFailure.objects.count() == 1


def test_token_is_shown_once_works_and_is_revoked(world: World, head: Client) -> None:
    form = {"user": str(world.registrar.pk), "name": "timetable"}
    plain = secret_in(head.post("/admin/attendance/apitoken/add/", form).content.decode())
    token = ApiToken.objects.get()
    assert tokens.authenticate(plain) == token
    assert token.user == world.registrar
    assert plain not in head.get("/admin/attendance/apitoken/").content.decode()
    assert plain not in head.get(f"/admin/attendance/apitoken/{token.pk}/change/").content.decode()
    action = {"action": "revoke", "_selected_action": [str(token.pk)]}
    assert head.post("/admin/attendance/apitoken/", action).status_code == 302
    assert tokens.authenticate(plain) is None


def test_token_with_used_name_is_an_error_of_the_form(world: World, head: Client) -> None:
    tokens.create(user=world.registrar, name="timetable", actor=None)
    form = {"user": str(world.registrar.pk), "name": "timetable"}
    answer = head.post("/admin/attendance/apitoken/add/", form)
    assert answer.status_code == 200
    assert ApiToken.objects.count() == 1


def test_device_is_revoked_at_once(world: World, office: Client) -> None:
    _code, plain = devices.create_code(
        session_id=world.session.pk, kind="camera", actor=world.teacher, now=world.now
    )
    _device, secret = devices.exchange(code=plain, label="back row", now=world.now)
    device = Device.objects.get()
    action = {"action": "revoke", "_selected_action": [str(device.pk)]}
    assert office.post("/admin/attendance/device/", action).status_code == 302
    assert devices.authenticate(secret, world.session.pk) is None
