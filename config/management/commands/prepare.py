"""`manage.py prepare`: everything between a started database and an open door. Safe to repeat."""

from __future__ import annotations

import hashlib
import json
import secrets
from typing import Any

from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError

from attendance.core import key_check
from attendance.models import User
from attendance.models.users import Role

UNUSED = ("redoc", "rest_framework")
"""Folders of static files that no page of ours asks for: half the time of the first start."""


class Command(BaseCommand):
    """Migrates, checks, collects static files where they changed, makes the first administrator.

    On standard output it says one line of JSON (`administrator` and `password`, both empty after the first start);
    progress goes to standard error.
    """

    help = "Migrate, check, collect static files, make the first administrator."
    requires_system_checks = []

    def handle(self, *_args: Any, **_options: Any) -> None:
        self.stderr.write("  tables", ending="\n")
        call_command("migrate", interactive=False, verbosity=0)
        if sentence := key_check.fault():
            raise CommandError(sentence)
        call_command("check", databases=["default"], verbosity=0)
        try:
            call_command("messages", compile=True, verbosity=0)
        except PermissionError as why:  # an image or another user's checkout: what was compiled there counts
            self.stderr.write(
                f"  translations are left as they are ({why.strerror}: {why.filename})", ending="\n"
            )
        collect_static(self)
        name, password = first_administrator()
        self.stdout.write(json.dumps({"administrator": name, "password": password}))


def collect_static(command: BaseCommand) -> None:
    """Collects and compresses static files, unless nothing has changed since the last time."""
    stamp = settings.STATIC_ROOT / ".collected"
    digest = static_digest()
    if stamp.exists() and stamp.read_text(encoding="ascii") == digest:
        return
    command.stderr.write("  pages' files", ending="\n")
    call_command("collectstatic", interactive=False, verbosity=0, ignore_patterns=list(UNUSED))
    stamp.write_text(digest, encoding="ascii")


def static_digest() -> str:
    """Changes with the name, size or time of any static file."""
    digest = hashlib.sha256()
    for finder in get_finders():
        for path, storage in sorted(finder.list([]), key=lambda found: found[0]):
            digest.update(f"{path}|{storage.size(path)}|{storage.get_modified_time(path)}\n".encode())
    return digest.hexdigest()


def first_administrator() -> tuple[str, str]:
    """The name and one-time password of an administrator, made where there is no user at all; else nothing twice."""
    if User.objects.exists():
        return "", ""
    password = secrets.token_urlsafe(12)
    user = User.objects.create_superuser(
        username="admin", password=password, role=Role.ADMINISTRATOR, must_change_password=True
    )
    return user.username, password
