"""Every dotted path in the settings, and elsewhere in strings, names something that can be imported."""

from __future__ import annotations

import pkgutil
import re
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.db.migrations.loader import MigrationLoader

from attendance import tasks
from attendance.jobs import queue
from config import settings, urls
from config.celery import app
from tests.material import ROOT

DOTTED_PATH = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)+(:\w+)?")

# Names of models and loggers, which look like dotted paths and are none.
NOT_IMPORTED = {"AUTH_USER_MODEL", "LOGGING"}


def strings(value: Any) -> Iterator[str]:
    """Yield all strings in nested lists and dictionaries, keys included."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        yield from strings([*value.keys(), *value.values()])
    elif isinstance(value, list | tuple):
        for item in value:
            yield from strings(item)


def is_dotted_path(text: str) -> bool:
    """Return whether a string has the form of a dotted path whose first part is an installed package."""
    return DOTTED_PATH.fullmatch(text) is not None and find_spec(text.partition(".")[0]) is not None


DOTTED_PATHS = sorted(
    {
        text
        for name, value in vars(settings).items()
        if name.isupper() and name not in NOT_IMPORTED
        for text in strings(value)
        if is_dotted_path(text)
    }
)


@pytest.mark.parametrize("path", DOTTED_PATHS)
def test_dotted_path_in_settings_is_importable(path: str) -> None:
    assert pkgutil.resolve_name(path) is not None


def test_dotted_paths_in_settings_are_found() -> None:
    """The search above finds paths in each kind of setting."""
    assert set(DOTTED_PATHS) >= {
        *settings.MIDDLEWARE,
        *settings.REST_FRAMEWORK["DEFAULT_PERMISSION_CLASSES"],
        *settings.SPECTACULAR_SETTINGS["POSTPROCESSING_HOOKS"],
        settings.STORAGES["staticfiles"]["BACKEND"],
        settings.CACHES["default"]["OPTIONS"]["SERIALIZER"],
        settings.CELERY_BEAT_SCHEDULER,
    }


def test_installed_applications_and_user_model_exist() -> None:
    assert {configuration.name for configuration in apps.get_app_configs()} == set(settings.INSTALLED_APPS)
    assert apps.get_model(settings.AUTH_USER_MODEL)


def test_log_handlers_are_importable() -> None:
    for handler in settings.LOGGING["handlers"].values():
        assert callable(pkgutil.resolve_name(handler["class"]))


@pytest.mark.parametrize("handler", ["handler400", "handler500"])
def test_error_handler_of_urls_is_callable(handler: str) -> None:
    assert callable(pkgutil.resolve_name(getattr(urls, handler)))


def test_task_names_are_registered() -> None:
    app.loader.import_default_modules()
    scheduled = {entry["task"] for entry in tasks.BEAT_SCHEDULE.values()}
    assert scheduled | {queue.RUN_TASK} <= set(app.tasks)


def test_functions_named_in_migrations_are_importable() -> None:
    """Migrations name them by their dotted path; once migrations have been released, the path cannot change."""
    migrations = [
        migration for label, migration in MigrationLoader(None).disk_migrations if label == "attendance"
    ]
    texts = [
        (ROOT / "attendance" / "migrations" / f"{migration}.py").read_text(encoding="utf-8")
        for migration in migrations
    ]
    paths = {path for text in texts for path in re.findall(r"=(attendance(?:\.\w+)+)", text)}
    assert "attendance.models.base.new_id" in paths
    for path in paths:
        assert callable(pkgutil.resolve_name(path)), path


def test_paths_of_folders_in_settings_exist() -> None:
    for folder in (*settings.STATICFILES_DIRS, *settings.LOCALE_PATHS, *settings.TEMPLATES[0]["DIRS"]):
        assert Path(folder).is_dir()
