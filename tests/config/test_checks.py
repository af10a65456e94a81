"""System checks of the settings."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.conf import LazySettings
from django.core.checks import run_checks

from config import checks


def test_checks_find_nothing_in_this_project() -> None:
    assert [message for message in run_checks() if message.id and message.id.startswith("config.")] == []


def test_unknown_name_is_warned_of(settings: LazySettings) -> None:
    settings.SETTINGS_WARNINGS = ["FACE_DEVISE is not a setting of Rollcall and does nothing"]
    assert [message.id for message in checks.check_unknown_names()] == ["config.W001"]


def test_var_dir_that_cannot_be_written_is_an_error(settings: LazySettings) -> None:
    # A file: not even root can enter it, while os.access allows root every folder.
    settings.VAR_DIR = Path("/proc/version")
    assert [message.id for message in checks.check_var_dir()] == ["config.E002"]


@pytest.mark.django_db
def test_pool_is_compared_with_postgresql(settings: LazySettings) -> None:
    assert checks.check_pool(databases=["default"]) == []
    settings.DB_POOL_SIZE = 500
    (message,) = checks.check_pool(databases=["default"])
    assert message.id == "config.E003"
    assert "raise max_connections" in str(message.hint)
    assert checks.check_pool(databases=None) == []


def test_pool_may_use_all_connections() -> None:
    assert checks.check_pool_size(50, 60) == []
    assert len(checks.check_pool_size(51, 60)) == 1
