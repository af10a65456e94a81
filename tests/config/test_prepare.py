"""`manage.py prepare` on a database that this version cannot use."""

import pytest
from django.conf import LazySettings
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder

from config.management.commands.prepare import old_database_problem
from tests.config.test_settings import run

pytestmark = pytest.mark.django_db
UNKNOWN = "0099_of_an_earlier_version"


def test_unreachable_database_is_one_clear_error() -> None:
    address = "postgresql://rollcall:secret@127.0.0.1:1/rollcall"
    result = run(
        "import manage, sys; sys.argv = ['manage.py', 'prepare']; manage.main()", DATABASE_URL=address
    )
    assert result.returncode == 1
    assert "CommandError: PostgreSQL cannot be reached, check DATABASE_URL (" in result.stderr
    assert "Traceback" not in result.stderr


def test_database_of_this_version_is_accepted() -> None:
    assert old_database_problem() == ""


def test_unknown_migration_of_another_application_is_accepted() -> None:
    MigrationRecorder(connection).record_applied("another", UNKNOWN)
    assert old_database_problem() == ""


def test_old_data_folder_is_refused_with_its_path_and_what_to_do(settings: LazySettings) -> None:
    settings.EMBEDDED_DATABASE = True
    MigrationRecorder(connection).record_applied("attendance", UNKNOWN)
    with pytest.raises(CommandError) as caught:
        call_command("prepare")
    assert str(caught.value) == (
        f"the data folder {settings.VAR_DIR} belongs to an earlier development version of Rollcall, whose data this "
        f"version cannot read (unknown migrations: {UNKNOWN}). Move or delete the folder, or set VAR_DIR to another "
        "one, then start again"
    )


def test_old_external_database_is_refused_with_what_to_do(settings: LazySettings) -> None:
    settings.EMBEDDED_DATABASE = False
    MigrationRecorder(connection).record_applied("attendance", UNKNOWN)
    with pytest.raises(CommandError, match="Set DATABASE_URL to an empty database, then start again"):
        call_command("prepare")
