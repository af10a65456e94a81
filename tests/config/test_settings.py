"""Every setting has an effect, seen in a process that is started with it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import pytest
from django.conf import settings
from django.core.management import call_command

from config.management.commands.settings_table import settings_page
from tests.material import ROOT


def run(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a Python process with these variables in its environment."""
    base = {name: value for name, value in os.environ.items() if name not in environment}
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=base | environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def attributes(*names: str, **environment: str) -> dict[str, Any]:
    """Return the values of some settings in a process with these variables in its environment."""
    code = (
        "import json; from django.conf import settings as s\n"
        f"print(json.dumps({{name: getattr(s, name) for name in {names!r}}}, default=str))"
    )
    result = run(code, **environment)
    assert result.returncode == 0, result.stderr
    values: dict[str, Any] = json.loads(result.stdout)
    return values


def refusal(**environment: str) -> str:
    """Return the error of a process that cannot start with these variables."""
    result = run("from django.conf import settings; settings.DEBUG", **environment)
    assert result.returncode != 0
    return result.stderr


def test_settings_document_is_current() -> None:
    assert (ROOT / "docs" / "settings.md").read_text(encoding="utf-8") == settings_page(), (
        "run `python manage.py settings_table --write`"
    )


def test_settings_table_prints_the_document(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("settings_table")
    assert capsys.readouterr().out == settings_page()


def test_documented_names_are_settings() -> None:
    names = {
        *(
            "FACE_RECOGNITION_WORKERS",
            "FACE_DETECTION_MODEL",
            "FACE_DETECTION_SCALE",
            "FACE_ENCODING_CACHE_SIZE",
        ),
        *("REDIS_CACHE_TTL", "FAISS_INDEX_REBUILD_INTERVAL", "DB_POOL_SIZE", "DB_MAX_OVERFLOW"),
        *(
            "DB_STATEMENT_TIMEOUT",
            "MAX_IMAGE_SIZE",
            "IMAGE_QUALITY",
            "DATABASE_URL",
            "REDIS_URL",
            "SECRET_KEY",
        ),
        *("FACE_DATA_KEYS", "PUBLIC_URL", "TRUSTED_PROXIES", "TIME_ZONE", "LANGUAGE_CODE", "MAX_UPLOAD_SIZE"),
        *("FACE_MODELS_DIR", "FACE_DEVICE", "FACE_PRECISION", "METRICS_TOKEN"),
    }
    assert names <= {setting.name for setting in settings.DECLARED_SETTINGS}


def test_defaults_are_as_documented() -> None:
    assert (settings.FACE_RECOGNITION_WORKERS, settings.FACE_DETECTION_MODEL) == (4, "auto")
    assert (settings.FACE_ENCODING_CACHE_SIZE, settings.REDIS_CACHE_TTL) == (1000, 3600)
    assert (settings.DB_POOL_SIZE, settings.DB_MAX_OVERFLOW, settings.DB_STATEMENT_TIMEOUT) == (
        20,
        30,
        30_000,
    )
    assert (settings.MAX_IMAGE_SIZE, settings.IMAGE_QUALITY) == (1024, 85)
    assert settings.FAISS_INDEX_REBUILD_INTERVAL == 86_400


def test_numbers_and_choices_are_read() -> None:
    given = {
        "FACE_RECOGNITION_WORKERS": "2",
        "FACE_DETECTION_MODEL": "yunet",
        "FACE_DETECTION_SCALE": "0.5",
        "FACE_ENCODING_CACHE_SIZE": "10",
        "FAISS_INDEX_REBUILD_INTERVAL": "600",
        "MAX_IMAGE_SIZE": "640",
        "IMAGE_QUALITY": "70",
        "FACE_DEVICE": "cpu",
        "FACE_PRECISION": "f32",
    }
    values = attributes(*given, **given)
    assert {name: str(value) for name, value in values.items()} == given


def test_pool_and_statement_timeout_reach_postgresql(postgres: object) -> None:
    code = (
        "import django; django.setup()\n"
        "from django.db import connection\n"
        "from dj_db_conn_pool.core import pool_container\n"
        "cursor = connection.cursor(); cursor.execute('SHOW statement_timeout'); print(cursor.fetchone()[0])\n"
        "pool = pool_container.get('default'); print(pool.size(), pool._max_overflow)\n"
    )
    result = run(code, DB_STATEMENT_TIMEOUT="1500", DB_POOL_SIZE="3", DB_MAX_OVERFLOW="4")
    assert result.stdout.split("\n")[:2] == ["1500ms", "3 4"], result.stderr


def test_statement_over_the_timeout_is_ended(postgres: object) -> None:
    code = (
        "import django; django.setup()\n"
        "from django.db import OperationalError, connection\n"
        "try: connection.cursor().execute('SELECT pg_sleep(5)')\n"
        "except OperationalError as error: print(error)\n"
    )
    assert "statement timeout" in run(code, DB_STATEMENT_TIMEOUT="200").stdout


def test_cache_expires_after_its_ttl() -> None:
    code = (
        "import django; django.setup()\n"
        "from django.core.cache import cache; cache.set('ttl', 1); print(cache.ttl('ttl'))\n"
    )
    assert 0 < int(run(code, REDIS_CACHE_TTL="77").stdout) <= 77


def test_public_url_decides_hosts_origins_and_cookies() -> None:
    names = ("ALLOWED_HOSTS", "CSRF_TRUSTED_ORIGINS", "SESSION_COOKIE_SECURE", "CSRF_COOKIE_SECURE")
    public = attributes(*names, PUBLIC_URL="https://Roll.School.example:443/ https://10.0.0.7:8443")
    assert public["ALLOWED_HOSTS"] == ["10.0.0.7", "roll.school.example"]
    assert public["CSRF_TRUSTED_ORIGINS"] == ["https://roll.school.example", "https://10.0.0.7:8443"]
    assert public["SESSION_COOKIE_SECURE"] is public["CSRF_COOKIE_SECURE"] is True
    local = attributes(*names, PUBLIC_URL="http://localhost:8000")
    assert local["SESSION_COOKIE_SECURE"] is local["CSRF_COOKIE_SECURE"] is False


def test_language_time_zone_and_folders_are_read() -> None:
    names = ("LANGUAGE_CODE", "TIME_ZONE", "CELERY_TIMEZONE", "FACE_MODELS_DIR", "STATIC_ROOT", "VAR_DIR")
    values = attributes(
        *names, LANGUAGE_CODE="de", TIME_ZONE="Europe/Vienna", VAR_DIR="/srv/v", FACE_MODELS_DIR="/m"
    )
    expected = ("de", "Europe/Vienna", "Europe/Vienna", "/m", "/srv/v/static", "/srv/v")
    assert tuple(values[name] for name in names) == expected
    assert attributes("FACE_MODELS_DIR", VAR_DIR="/srv/v") == {"FACE_MODELS_DIR": "/srv/v/models"}


def test_invalid_values_are_refused_with_what_to_write() -> None:
    text = refusal(
        TIME_ZONE="Mars/Olympus",
        LANGUAGE_CODE="xx",
        TRUSTED_PROXIES="proxy",
        FACE_DATA_KEYS="short",
        REDIS_URL="redis://host/4",
        PUBLIC_URL="https://school.example/roll",
    )
    for name, hint in {
        "TIME_ZONE": "Europe/London",
        "LANGUAGE_CODE": "write one of",
        "TRUSTED_PROXIES": "10.0.0.0/8",
        "FACE_DATA_KEYS": "openssl rand -base64 32",
        "REDIS_URL": "leave the database number out",
        "PUBLIC_URL": "scheme and host only",
    }.items():
        assert any(name in line and hint in line for line in text.splitlines()), (name, text)


def test_keys_are_needed_with_a_public_address_and_not_with_embedded_servers() -> None:
    embedded = dict.fromkeys(("DATABASE_URL", "REDIS_URL", "SECRET_KEY", "FACE_DATA_KEYS"), "")
    assert attributes("EMBEDDED_DATABASE", **embedded, PUBLIC_URL="http://localhost:8000") == {
        "EMBEDDED_DATABASE": True
    }
    assert "SECRET_KEY: must be given" in refusal(**embedded, PUBLIC_URL="https://school.example")


def test_redis_databases_are_separate() -> None:
    values = attributes(
        "CACHES", "CELERY_BROKER_URL", "CHANNEL_LAYERS", REDIS_URL="redis://:p@cache.example:6380"
    )
    assert values["CACHES"]["default"]["LOCATION"] == "redis://:p@cache.example:6380/1"
    assert values["CELERY_BROKER_URL"] == "redis://:p@cache.example:6380/2"
    assert values["CHANNEL_LAYERS"]["dashboards"]["CONFIG"]["hosts"] == ["redis://:p@cache.example:6380/3"]
    assert set(values["CHANNEL_LAYERS"]) == {"dashboards"}


def test_upload_limit_is_also_django_limit() -> None:
    values = attributes("MAX_UPLOAD_SIZE", "DATA_UPLOAD_MAX_MEMORY_SIZE", MAX_UPLOAD_SIZE="2000000")
    assert values == {"MAX_UPLOAD_SIZE": 2_000_000, "DATA_UPLOAD_MAX_MEMORY_SIZE": 2_000_000}
