"""Real servers for all tests: each pytest session has its own embedded PostgreSQL and Valkey.

The environment is set when this file is imported, before Django reads it. Settings in the developer's shell are
removed, so that tests give the same result everywhere. Valkey starts with the session, PostgreSQL with the first test
that needs a database. Sessions that run at the same time share nothing.
"""

from __future__ import annotations

import base64
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import django
import hypothesis
import pytest

from config import secret_files
from config.embedded_addresses import EmbeddedAddresses
from launcher.embedded import EmbeddedConfig
from launcher.postgresql import start_postgres
from launcher.processes import Child
from launcher.socket_folder import find_socket_folder
from launcher.valkey import start_valkey

if TYPE_CHECKING:
    from tests.world import World

pytest_plugins = ["tests.absent", "tests.engine_cost"]

VAR = Path(tempfile.mkdtemp(prefix="rollcall-test-"))
secret_files.make_secrets(VAR / "secrets")
(VAR / "static").mkdir()
SERVERS = EmbeddedConfig(
    var=VAR,
    sockets=find_socket_folder(VAR),
    durable=False,
    may_create_databases=True,
    max_connections=120,
)
DATABASE_PASSWORD = secret_files.read_secret(SERVERS.secrets, "database_password")
ADDRESSES = EmbeddedAddresses.for_sockets(SERVERS.sockets, DATABASE_PASSWORD)
ENVIRONMENT = {
    "DJANGO_SETTINGS_MODULE": "config.settings",
    "VAR_DIR": str(VAR),
    "DATABASE_URL": ADDRESSES.database_url,
    "REDIS_URL": ADDRESSES.redis_url,
    "SECRET_KEY": "only-for-tests-" * 4,
    "FACE_DATA_KEYS": base64.b64encode(b"only for tests, 32 bytes of them").decode(),
    "PUBLIC_URL": "http://testserver http://localhost http://127.0.0.1",
}


def _is_setting(name: str) -> bool:
    base = name.removesuffix("_FILE")
    names = {
        *ENVIRONMENT,
        "TRUSTED_PROXIES",
        "TIME_ZONE",
        "LANGUAGE_CODE",
        "METRICS_TOKEN",
        "MAX_UPLOAD_SIZE",
    }
    return base in names or base.startswith(("FACE_", "DB_", "REDIS_", "FAISS_", "MAX_IMAGE_", "IMAGE_"))


for _name in [name for name in os.environ if _is_setting(name)]:
    del os.environ[_name]
os.environ.update(ENVIRONMENT)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--soak`, which `make soak` gives: soak tests then run in full."""
    parser.addoption("--soak", action="store_true", help="run soak tests in full")


def pytest_configure() -> None:
    """Load Django with the environment above; pytest-django would read the settings before it is set."""
    django.setup()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_setupnodes() -> None:
    """Remove what worker processes would inherit: pytest-django would read it before their own environment is set."""
    os.environ.pop("DJANGO_SETTINGS_MODULE", None)


# How long one example takes is a matter of who else uses the machine.
hypothesis.settings.register_profile("any machine", deadline=None)
hypothesis.settings.load_profile("any machine")


def pytest_unconfigure() -> None:
    """Delete the folder, after the servers in it have stopped."""
    shutil.rmtree(VAR, ignore_errors=True)


@pytest.fixture(scope="session", autouse=True)
def valkey() -> Iterator[Child]:
    """Start the Valkey that the cache, Celery and the channel layer of this session use."""
    child = start_valkey(SERVERS)
    yield child
    child.stop()


@pytest.fixture(scope="session")
def postgres() -> Iterator[Child]:
    """Start the PostgreSQL of this session."""
    child = start_postgres(SERVERS)
    yield child
    child.stop()


@pytest.fixture(scope="session")
def django_db_modify_db_settings(postgres: Child) -> None:
    """Start PostgreSQL before pytest-django makes its database in it, and close all connection pools.

    A pool keeps the address that it was made with, and one from before the test database exists has another address.
    """
    from dj_db_conn_pool.core import pool_container
    from django.db import connections

    connections.close_all()
    pool_container.dispose()
    pool_container.clear()


@pytest.fixture(scope="session")
def soak(request: pytest.FixtureRequest) -> bool:
    """Return whether soak tests run in full."""
    return bool(request.config.getoption("--soak"))


@pytest.fixture(scope="session", autouse=True)
def light_settings() -> None:
    """Use a fast password hash (real ones are slow on purpose) and static files without `collectstatic`."""
    from django.conf import settings

    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    plain = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    settings.STORAGES = settings.STORAGES | {"staticfiles": plain}


@pytest.fixture(autouse=True)
def clean_cache() -> Iterator[None]:
    """Empty the cache after each test."""
    yield
    from django.core.cache import cache

    cache.delete_pattern("*")  # type: ignore[attr-defined]  # django-redis has more than Django's caches


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None) -> None:
    """Let the emptying of tables after a transactional test pass the triggers of append-only tables.

    The codes and settings that migrations wrote are restored for the next test. A server that is still working may
    be in a deadlock with the emptying; if PostgreSQL then ends the emptying, it is tried again.
    """
    from django.db import OperationalError, connection, transaction
    from psycopg2.errors import DeadlockDetected

    from tests.world import seed

    def empty(statements: list[str]) -> None:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET LOCAL rollcall.purge = 'on'")
            for sql in statements:
                cursor.execute(sql)

    def flush(sql_list: Iterable[str]) -> None:
        statements = list(sql_list)
        for attempts_left in reversed(range(5)):
            try:
                empty(statements)
                break
            except OperationalError as error:
                if not (isinstance(error.__cause__, DeadlockDetected) and attempts_left):
                    raise
        seed()

    connection.ops.execute_sql_flush = flush  # type: ignore[method-assign]


@pytest.fixture
def world(db: None) -> World:
    """Return the small school of tests/world.py."""
    from tests.world import build

    return build()
