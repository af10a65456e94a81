"""What the servers answer to a process with our settings."""

import pytest
from django.conf import settings
from django.core.cache import cache
from django.db import connection


@pytest.mark.django_db
def test_postgresql_knows_the_statement_timeout() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SHOW statement_timeout")
        assert cursor.fetchone() == ("30s",)
    assert settings.DB_STATEMENT_TIMEOUT == 30_000


@pytest.mark.django_db
def test_tests_have_a_database_of_their_own() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_database(), current_user")
        assert cursor.fetchone() == ("test_rollcall", "rollcall")


@pytest.mark.django_db
def test_the_application_is_no_superuser() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT rolsuper, rolcreaterole, rolbypassrls FROM pg_roles WHERE rolname = current_user"
        )
        assert cursor.fetchone() == (False, False, False)


def test_bytes_of_digits_stay_bytes_in_the_cache() -> None:
    cache.set("digits", b"12345")
    cache.set("words", {"a": [1, "two", None]})
    assert cache.get("digits") == b"12345"
    assert cache.get("words") == {"a": [1, "two", None]}


def test_a_planted_pickle_is_a_miss() -> None:
    import pickle

    client = cache.client.get_client()  # type: ignore[attr-defined]
    client.set(cache.make_key("planted"), pickle.dumps({"a": 1}))
    assert cache.get("planted") is None
