"""Real servers for every test: a PostgreSQL and a Valkey of this pytest session's own, out of the wheels.

The environment is set as this file is imported, before Django reads it; anything the developer's shell says about
Rollcall is put aside, so that a test gives the same answer everywhere. Valkey starts with the session, PostgreSQL with
the first test that needs a database. Sessions that run side by side share nothing.
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

from config import paths
from launcher import embedded
from launcher.processes import Child

if TYPE_CHECKING:
    from tests.world import World

pytest_plugins = ["tests.absent", "tests.engine_cost"]

VAR = Path(tempfile.mkdtemp(prefix="rollcall-test-"))
paths.make_secrets(VAR / "secrets")
(VAR / "static").mkdir()
PLACE = embedded.Place(
    var=VAR,
    sockets=embedded.sockets_folder(VAR),
    durable=False,
    may_create_databases=True,
    max_connections=120,
)
ADDRESSES = paths.Addresses.in_folder(PLACE.sockets, paths.read_secret(PLACE.secrets, "database_password"))
ENVIRONMENT = {
    "DJANGO_SETTINGS_MODULE": "config.settings",
    "VAR_DIR": str(VAR),
    "DATABASE_URL": ADDRESSES.database_url,
    "REDIS_URL": ADDRESSES.redis_url,
    "SECRET_KEY": "only-for-tests-" * 4,
    "FACE_DATA_KEYS": base64.b64encode(b"only for tests, 32 bytes of them").decode(),
    "PUBLIC_URL": "http://testserver http://localhost http://127.0.0.1",
}


def _is_ours(name: str) -> bool:
    bare = name.removesuffix("_FILE")
    ours = {*ENVIRONMENT, "TRUSTED_PROXIES", "TIME_ZONE", "LANGUAGE_CODE", "METRICS_TOKEN", "MAX_UPLOAD_SIZE"}
    return bare in ours or bare.startswith(("FACE_", "DB_", "REDIS_", "FAISS_", "MAX_IMAGE_", "IMAGE_"))


for _name in [name for name in os.environ if _is_ours(name)]:
    del os.environ[_name]
os.environ.update(ENVIRONMENT)


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--soak` is what `make soak` says: tests that can run for long then do."""
    parser.addoption("--soak", action="store_true", help="run soak tests in full")


def pytest_configure() -> None:
    """Loads Django with the environment above; pytest-django would read the settings before it is set."""
    django.setup()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_setupnodes() -> None:
    """Runners beside each other inherit this environment, and pytest-django would read it before theirs is set."""
    os.environ.pop("DJANGO_SETTINGS_MODULE", None)


# How long one example takes is a matter of who else uses the machine.
hypothesis.settings.register_profile("any machine", deadline=None)
hypothesis.settings.load_profile("any machine")


def pytest_unconfigure() -> None:
    """The folder goes when the servers in it have gone."""
    shutil.rmtree(VAR, ignore_errors=True)


@pytest.fixture(scope="session", autouse=True)
def valkey() -> Iterator[Child]:
    """The Valkey that the cache, Celery and the channel layer of this session use."""
    child = embedded.start_valkey(PLACE)
    yield child
    child.stop()


@pytest.fixture(scope="session")
def postgres() -> Iterator[Child]:
    """The PostgreSQL of this session."""
    child = embedded.start_postgres(PLACE)
    yield child
    child.stop()


@pytest.fixture(scope="session")
def django_db_modify_db_settings(postgres: Child) -> None:
    """Starts PostgreSQL before pytest-django makes its database in it.

    A pool keeps the address that it was first given. One that was opened before the test database exists would lend
    connections to the other one, so none may be left.
    """
    from dj_db_conn_pool.core import pool_container
    from django.db import connections

    connections.close_all()
    pool_container.dispose()
    pool_container.clear()


@pytest.fixture(scope="session")
def soak(request: pytest.FixtureRequest) -> bool:
    """Whether soak tests run in full."""
    return bool(request.config.getoption("--soak"))


@pytest.fixture(scope="session", autouse=True)
def light_settings() -> None:
    """A password hash that costs nothing (real ones are slow on purpose), and static files without `collectstatic`."""
    from django.conf import settings

    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    plain = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    settings.STORAGES = settings.STORAGES | {"staticfiles": plain}


@pytest.fixture(autouse=True)
def clean_cache() -> Iterator[None]:
    """Each test leaves an empty cache to the next."""
    yield
    from django.core.cache import cache

    cache.delete_pattern("*")  # type: ignore[attr-defined]  # django-redis has more than Django's caches


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None) -> None:
    """Lets the emptying of tables after a transactional test pass the guards of what is append-only.

    The letters and settings that migrations wrote are put back, so that the next test finds them. A server that is
    still at work may meet the emptying in a deadlock; whoever PostgreSQL then ends must ask again.
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
    """The small school of tests/world.py."""
    from tests.world import build

    return build()
