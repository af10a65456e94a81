"""System checks of the house."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.conf import LazySettings
from django.core.checks import run_checks

from config import checks


def test_the_project_has_no_fault() -> None:
    assert [message for message in run_checks() if message.id and message.id.startswith("config.")] == []


def test_a_mistyped_name_is_warned_of(settings: LazySettings) -> None:
    settings.SETTINGS_WARNINGS = ["FACE_DEVISE is not a setting of Rollcall and does nothing"]
    assert [message.id for message in checks.mistyped_names()] == ["config.W001"]


def test_a_folder_of_somebody_else_is_a_fault(settings: LazySettings) -> None:
    # /proc takes no file from anybody, root included, but os.access believes root: a name that is no folder to enter.
    settings.VAR_DIR = Path("/proc/version")
    assert [message.id for message in checks.folders_are_writable()] == ["config.E002"]


@pytest.mark.django_db
def test_the_pool_is_measured_against_postgresql(settings: LazySettings) -> None:
    assert checks.pool_fits(databases=["default"]) == []
    settings.DB_POOL_SIZE = 500
    (message,) = checks.pool_fits(databases=["default"])
    assert message.id == "config.E003"
    assert "raise max_connections" in str(message.hint)
    assert checks.pool_fits(databases=None) == []


def test_the_pool_may_just_fit() -> None:
    assert checks.pool_message(50, 60) == []
    assert len(checks.pool_message(51, 60)) == 1
