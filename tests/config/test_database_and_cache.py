"""PostgreSQL and the cache as the settings set them up."""

import pytest
from django.conf import settings
from django.core.cache import cache
from django.db import connection


@pytest.mark.django_db
def test_database_has_the_statement_timeout() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SHOW statement_timeout")
        assert cursor.fetchone() == ("30s",)
    assert settings.DB_STATEMENT_TIMEOUT == 30_000


@pytest.mark.django_db
def test_database_of_tests_is_their_own() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_database(), current_user")
        assert cursor.fetchone() == ("test_rollcall", "rollcall")


@pytest.mark.django_db
def test_database_role_is_no_superuser() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT rolsuper, rolcreaterole, rolbypassrls FROM pg_roles WHERE rolname = current_user"
        )
        assert cursor.fetchone() == (False, False, False)


def test_cache_returns_bytes_of_digits_as_bytes() -> None:
    cache.set("digits", b"12345")
    cache.set("values", {"a": [1, "two", None]})
    assert cache.get("digits") == b"12345"
    assert cache.get("values") == {"a": [1, "two", None]}


def test_cache_reads_a_forged_pickle_as_a_miss() -> None:
    import pickle

    client = cache.client.get_client()  # type: ignore[attr-defined]
    client.set(cache.make_key("forged"), pickle.dumps({"a": 1}))
    assert cache.get("forged") is None
