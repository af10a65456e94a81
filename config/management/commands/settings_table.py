"""`manage.py settings_table`: write docs/settings.md from the declarations in config/settings.py."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

HEADER = """# Settings

This page is written by `python manage.py settings_table --write` from `config/settings.py`; a test compares the two.

Each setting is an environment variable. Each may be given as `NAME_FILE` instead: a file that holds the value, as
container secrets are. Wrong settings are reported together when Rollcall starts; unknown names that begin with
`FACE_`, `DB_` or `REDIS_` cause a warning.

`make run` takes four variables of its own: `PORT` (8000), `HOST` (127.0.0.1), `HTTPS=1` and `DEMO=DIR`.

| name | default | allowed | what it does |
|---|---|---|---|
"""


class Command(BaseCommand):
    """Print the page, or write it to docs/settings.md."""

    help = "Print the table of settings, or write docs/settings.md with --write."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--write", action="store_true", help="write docs/settings.md")

    def handle(self, *_args: Any, write: bool, **_options: Any) -> None:
        if write:
            (settings.BASE_DIR / "docs" / "settings.md").write_text(settings_page(), encoding="utf-8")
        else:
            self.stdout.write(settings_page(), ending="")


def settings_page() -> str:
    """Return the whole page; settings are in the order of their declaration."""
    rows = (
        f"| `{setting.name}` | {f'`{setting.default}`' if setting.default else ''} | {setting.allowed} "
        f"| {setting.purpose} |\n"
        for setting in settings.DECLARED_SETTINGS
    )
    return HEADER + "".join(rows)
