"""Login, lockout, one-time password and language."""

from __future__ import annotations

import unicodedata
from typing import Literal

import pytest
from django.contrib.auth.hashers import make_password
from django.test import Client
from django.urls import reverse

from attendance.access.lockout import FAILURES_UNTIL_LOCK
from attendance.models import AuditEvent
from tests.web.conftest import Visitor
from tests.world import PASSWORD, World

Form = Literal["NFC", "NFD"]
NEW = "seven green bicycles"


def log_in(client: Client, name: str, password: str) -> str:
    return client.post(
        reverse("login"), {"username": name, "password": password}, follow=True
    ).content.decode()


def test_login_leads_a_teacher_to_today(world: World) -> None:
    page = log_in(Client(), "teacher", PASSWORD)
    assert world.school_class.name in page
    assert "Continue" in page


def test_login_is_locked_after_guesses_even_with_right_password(world: World) -> None:
    client = Client()
    for _guess in range(FAILURES_UNTIL_LOCK):
        assert "do not match" in log_in(client, "teacher", "a guess")
    assert "Too many failed logins" in log_in(client, "teacher", PASSWORD)


@pytest.mark.parametrize(("stored", "typed"), [("NFC", "NFD"), ("NFD", "NFC"), ("NFC", "NFC")])
def test_password_in_other_unicode_form_is_accepted(world: World, stored: Form, typed: Form) -> None:
    password = "Zoë läuft über Gräben"
    world.teacher.set_password(unicodedata.normalize(stored, password))
    world.teacher.save()
    page = log_in(Client(), "teacher", unicodedata.normalize(typed, password))
    assert world.school_class.name in page


def test_password_stored_as_typed_is_accepted(world: World) -> None:
    password = unicodedata.normalize("NFD", "Zoë läuft über Gräben")
    world.teacher.password = make_password(password)
    world.teacher.save()
    assert world.school_class.name in log_in(Client(), "teacher", password)


def test_lockout_leaves_other_addresses(world: World) -> None:
    for _guess in range(FAILURES_UNTIL_LOCK):
        log_in(Client(REMOTE_ADDR="192.0.2.1"), "teacher", "a guess")
    assert world.school_class.name in log_in(Client(REMOTE_ADDR="192.0.2.2"), "teacher", PASSWORD)


def test_one_time_password_opens_only_the_password_page(world: World, visitor: Visitor) -> None:
    world.teacher.must_change_password = True
    world.teacher.save()
    client = visitor("teacher")
    assert client.get(reverse("today"))["Location"] == reverse("password")
    assert client.get(reverse("live", args=[world.session.pk]))["Location"] == reverse("password")
    form = {"old_password": PASSWORD, "new_password1": NEW, "new_password2": NEW}
    assert client.post(reverse("password"), form)["Location"] == reverse("today")
    assert client.get(reverse("today")).status_code == 200
    assert AuditEvent.objects.filter(action="password_changed", actor=world.teacher).exists()


@pytest.mark.parametrize(
    ("old", "new"), [("not it", NEW), (PASSWORD, PASSWORD), (PASSWORD, "1234567890"), (PASSWORD, "short")]
)
def test_invalid_new_password_changes_nothing(old: str, new: str, world: World, visitor: Visitor) -> None:
    form = {"old_password": old, "new_password1": new, "new_password2": new}
    assert visitor("teacher").post(reverse("password"), form).status_code == 200
    world.teacher.refresh_from_db()
    assert world.teacher.check_password(PASSWORD)


def test_language_of_person_goes_before_the_browsers(world: World, visitor: Visitor) -> None:
    world.teacher.language = "de"
    world.teacher.save()
    page = visitor("teacher").get(reverse("today"), HTTP_ACCEPT_LANGUAGE="en").content.decode()
    assert '<html lang="de"' in page


def test_login_never_redirects_to_other_hosts(world: World) -> None:
    form = {"username": "teacher", "password": PASSWORD, "next": "https://evil.example/"}
    assert Client().post(reverse("login"), form)["Location"] == "/"
