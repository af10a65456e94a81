"""Keys that do not fit the database are noticed at start."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import SystemCheckError

from attendance.core import key_check
from attendance.models import KeyCheck
from recognition.crypto import Keyring, key_id

pytestmark = pytest.mark.django_db

OLD, NEW, FOREIGN = (base64.b64encode(letter * 32).decode() for letter in (b"o", b"n", b"f"))


def problem_with(settings: Any, *keys: str) -> str | None:
    settings.FACE_DATA_KEYS = keys
    return key_check.check_and_register()


def test_right_key_is_accepted_again(settings: Any) -> None:
    assert problem_with(settings, OLD) is None
    assert problem_with(settings, OLD) is None
    assert KeyCheck.objects.count() == 1


def test_wrong_key_is_refused_by_name_and_gets_no_check_value(settings: Any) -> None:
    problem_with(settings, OLD)
    problem = problem_with(settings, FOREIGN)
    assert problem is not None
    assert key_id(b"o" * 32).hex() in problem
    assert KeyCheck.objects.count() == 1


def test_new_key_is_accepted_only_with_the_old_one(settings: Any) -> None:
    problem_with(settings, OLD)
    assert problem_with(settings, NEW, OLD) is None
    assert KeyCheck.objects.count() == 2
    assert problem_with(settings, NEW) is not None


def test_damaged_check_value_is_a_problem(settings: Any) -> None:
    problem_with(settings, OLD)
    KeyCheck.objects.update(sealed=Keyring((b"o" * 32,)).seal(b"x", "somewhere", "else"))
    problem = problem_with(settings, OLD)
    assert problem is not None
    assert "damaged" in problem


def test_other_check_value_is_a_problem(settings: Any) -> None:
    problem_with(settings, OLD)
    name = key_id(b"o" * 32).hex()
    KeyCheck.objects.update(sealed=Keyring((b"o" * 32,)).seal(b"x", key_check.CONTEXT, name))
    problem = problem_with(settings, OLD)
    assert problem is not None
    assert "is wrong" in problem


def test_missing_key_is_a_problem(settings: Any) -> None:
    assert problem_with(settings) is not None


def test_system_check_reports_a_wrong_key(settings: Any) -> None:
    problem_with(settings, OLD)
    call_command("check", "--database", "default", "--tag", "database")
    settings.FACE_DATA_KEYS = (FOREIGN,)
    with pytest.raises(SystemCheckError, match=r"attendance\.E001"):
        call_command("check", "--database", "default", "--tag", "database")
