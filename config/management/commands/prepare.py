"""`manage.py prepare`: do what is needed between a started database and accepting requests. May be repeated."""

from __future__ import annotations

import hashlib
import json
import secrets
from typing import Any

from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import OperationalError, connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder

from attendance.core import key_check
from attendance.models import User
from attendance.models.users import Role

# Folders of static files that no page uses. Without them the first start takes half the time.
UNUSED_STATIC_FOLDERS = ("redoc", "rest_framework")


class Command(BaseCommand):
    """Migrate, check keys and settings, collect changed static files, create the first administrator.

    Standard output gets one line of JSON with `administrator` and `password`, both empty unless the administrator was
    created now. Progress is written to standard error.
    """

    help = "Migrate, check, collect static files, create the first administrator."
    requires_system_checks = []

    def handle(self, *_args: Any, **_options: Any) -> None:
        self.stderr.write("  tables", ending="\n")
        if problem := connection_problem() or old_database_problem():
            raise CommandError(problem)
        call_command("migrate", interactive=False, verbosity=0)
        if key_problem := key_check.check_and_register():
            raise CommandError(key_problem)
        call_command("check", databases=["default"], verbosity=0)
        try:
            call_command("messages", compile=True, verbosity=0)
        except PermissionError as error:  # in an image or another user's checkout they are compiled already
            self.stderr.write(
                f"  translations are not compiled again ({error.strerror}: {error.filename})", ending="\n"
            )
        collect_static(self)
        name, password = create_first_administrator()
        self.stdout.write(json.dumps({"administrator": name, "password": password}))


def connection_problem() -> str:
    """Return what to do if PostgreSQL cannot be reached, else an empty string."""
    try:
        connection.ensure_connection()
    except OperationalError as error:
        remedy = "start it with `make run`" if settings.EMBEDDED_DATABASE else "check DATABASE_URL"
        return f"PostgreSQL cannot be reached, {remedy} ({str(error).splitlines()[0]})"
    return ""


def old_database_problem() -> str:
    """Return what to do if the database was made by migrations that this code does not have, else an empty string."""
    known = MigrationLoader(None).disk_migrations
    applied = MigrationRecorder(connection).applied_migrations()
    unknown = sorted(name for app, name in applied if app == "attendance" and (app, name) not in known)
    if not unknown:
        return ""
    if settings.EMBEDDED_DATABASE:
        owner = f"the data folder {settings.VAR_DIR}"
        remedy = "Move or delete the folder, or set VAR_DIR to another one, then start again"
    else:
        owner = f"the database {settings.DATABASES['default']['NAME']!r} in DATABASE_URL"
        remedy = "Set DATABASE_URL to an empty database, then start again"
    return (
        f"{owner} belongs to an earlier development version of Rollcall, whose data this version cannot read "
        f"(unknown migrations: {', '.join(unknown)}). {remedy}"
    )


def collect_static(command: BaseCommand) -> None:
    """Collect and compress static files if any has changed since the last time."""
    digest_file = settings.STATIC_ROOT / ".collected"
    digest = static_digest()
    if digest_file.exists() and digest_file.read_text(encoding="ascii") == digest:
        return
    command.stderr.write("  static files", ending="\n")
    call_command("collectstatic", interactive=False, verbosity=0, ignore_patterns=list(UNUSED_STATIC_FOLDERS))
    digest_file.write_text(digest, encoding="ascii")


def static_digest() -> str:
    """Return a digest of the name, size and time of all static files."""
    digest = hashlib.sha256()
    for finder in get_finders():
        for path, storage in sorted(finder.list([]), key=lambda item: item[0]):
            digest.update(f"{path}|{storage.size(path)}|{storage.get_modified_time(path)}\n".encode())
    return digest.hexdigest()


def create_first_administrator() -> tuple[str, str]:
    """Create an administrator if there are no users. Return name and one-time password, both empty otherwise."""
    if User.objects.exists():
        return "", ""
    password = secrets.token_urlsafe(12)
    user = User.objects.create_superuser(
        username="admin", password=password, role=Role.ADMINISTRATOR, must_change_password=True
    )
    return user.username, password
