"""`manage.py settings_table`: docs/settings.md, from the declarations in config/settings.py."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

HEAD = """# Settings

This page is written by `python manage.py settings_table --write` from `config/settings.py`; a test compares the two.

Each setting is an environment variable. Each may be given as `NAME_FILE` instead: a file that holds the value, as
container secrets are. Wrong settings are reported together when Rollcall starts; unknown names that begin with
`FACE_`, `DB_` or `REDIS_` cause a warning.

`make run` takes four variables of its own: `PORT` (8000), `HOST` (127.0.0.1), `HTTPS=1` and `DEMO=DIR`.

| name | default | allowed | what it does |
|---|---|---|---|
"""


class Command(BaseCommand):
    """Prints the table, or writes it where it belongs."""

    help = "Print the table of settings, or write docs/settings.md with --write."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--write", action="store_true", help="write docs/settings.md")

    def handle(self, *_args: Any, write: bool, **_options: Any) -> None:
        if write:
            (settings.BASE_DIR / "docs" / "settings.md").write_text(table(), encoding="utf-8")
        else:
            self.stdout.write(table(), ending="")


def table() -> str:
    """The whole page, in the order of declaration."""
    rows = (
        f"| `{each.name}` | {f'`{each.default}`' if each.default else ''} | {each.allowed} | {each.purpose} |\n"
        for each in settings.DECLARED_SETTINGS
    )
    return HEAD + "".join(rows)
