"""The container files against the code: every command, variable, port and path in them."""

from __future__ import annotations

import importlib.util
import re
import subprocess
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml
from celery.bin.beat import beat
from celery.bin.worker import worker
from django.conf import settings
from django.core.management import get_commands
from django.urls import resolve

from config.checks import pool_message
from launcher.server import arguments
from tests.config.test_settings import attributes
from tests.material import ROOT

COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = [name for name, service in SERVICES.items() if service["image"] == "rollcall"]
NGINX = (ROOT / "deploy" / "nginx.conf").read_text()
DOCKERFILE = (ROOT / "Dockerfile").read_text()
PYTHON = "/app/.venv/bin/python"


def instructions(word: str) -> list[str]:
    """What stands behind each of the Dockerfile's instructions of a name, continued lines joined."""
    joined = DOCKERFILE.replace("\\\n", " ")
    return [line.removeprefix(word).strip() for line in joined.splitlines() if line.startswith(f"{word} ")]


def check_command(command: list[str]) -> None:
    """Fails where a command of ours does not exist or does not know an option."""
    assert command[0] == PYTHON
    if command[1] == "manage.py":
        assert (ROOT / "manage.py").exists()
        assert command[2] in get_commands()
        return
    assert command[1] == "-m"
    module, given = command[2], command[3:]
    assert importlib.util.find_spec(module), module
    if module == "launcher.server":
        assert arguments(given).port == 8000
    if module == "celery":
        assert given[:2] == ["--app", "config.celery"]
        check_celery(given[2], given[3:])


def check_celery(name: str, given: list[str]) -> None:
    """Fails where Celery does not know an option."""
    if name == "inspect":
        assert given == ["ping"]
        return
    known = {option for each in {"worker": worker, "beat": beat}[name].params for option in each.opts}
    assert {option.partition("=")[0] for option in given} <= known


@pytest.mark.parametrize("name", OURS)
def test_commands_of_services_exist(name: str) -> None:
    check_command(SERVICES[name]["command"])


@pytest.mark.parametrize("name", SERVICES)
def test_every_service_says_how_its_health_is_asked(name: str) -> None:
    health = SERVICES[name]["healthcheck"]
    if health.get("disable"):
        assert name in {"migrate", "beat"}
        return
    assert health["test"][0] == "CMD"
    if name in OURS:
        check_command(health["test"][1:])


def test_the_worker_never_forks() -> None:
    assert {"--pool=threads", "--concurrency=2"} <= set(SERVICES["worker"]["command"])


@pytest.mark.parametrize("name", OURS)
def test_variables_are_settings(name: str) -> None:
    known = {each.name for each in settings.DECLARED_SETTINGS}
    assert {variable.removesuffix("_FILE") for variable in SERVICES[name]["environment"]} <= known


def test_rollcall_starts_with_these_variables(tmp_path: Path) -> None:
    content = {
        "database_url": "postgresql://rollcall:secret@postgres:5432/rollcall",
        "secret_key": "s" * 64,
        "face_data_keys": "A" * 43 + "=",
    }
    given = {
        "SECRET_KEY": "",
        "FACE_DATA_KEYS": "",
        "DATABASE_URL": "",
        "PUBLIC_URL": "https://rollcall.example",
    }
    for name, value in SERVICES["web"]["environment"].items():
        if name.endswith("_FILE"):
            secret = Path(value).name
            assert secret in SERVICES["web"]["secrets"]
            (tmp_path / secret).write_text(content[secret])
            given[name] = str(tmp_path / secret)
        elif "${" not in value:
            given[name] = value
    found = attributes("EMBEDDED_DATABASE", "EMBEDDED_REDIS", "SESSION_COOKIE_SECURE", **given)
    assert found == {"EMBEDDED_DATABASE": False, "EMBEDDED_REDIS": False, "SESSION_COOKIE_SECURE": True}


def test_secrets_and_volumes_are_declared() -> None:
    for service in SERVICES.values():
        assert set(service.get("secrets", [])) <= set(COMPOSE["secrets"])
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            assert source in COMPOSE["volumes"] or (ROOT / source).is_file()
    # Nothing under secrets/ may be committed or sent into the image.
    assert "secrets" in (ROOT / ".dockerignore").read_text().split()


def test_what_a_service_waits_for_exists() -> None:
    for service in SERVICES.values():
        for other, how in service.get("depends_on", {}).items():
            assert how["condition"] != "service_healthy" or not SERVICES[other]["healthcheck"].get("disable")


def test_ports_meet_from_the_network_to_the_process() -> None:
    listening = set(re.findall(r"listen (\d+)", NGINX))
    assert {mapping.split(":")[1] for mapping in SERVICES["proxy"]["ports"]} == listening
    port = str(arguments(SERVICES["web"]["command"][3:]).port)
    assert re.findall(r"server web:(\d+);", NGINX) == [port]
    assert instructions("EXPOSE") == [port]
    assert urlsplit(SERVICES["web"]["healthcheck"]["test"][-1]).port == int(port)
    # Only the proxy is reached from outside.
    assert [name for name, service in SERVICES.items() if "ports" in service] == ["proxy"]


def test_health_is_asked_at_an_address_that_we_answer() -> None:
    for url in (SERVICES["web"]["healthcheck"]["test"][-1], re.findall(r"http://[^\"]+", DOCKERFILE)[0]):
        assert resolve(urlsplit(url).path).url_name == "health-ready"


def test_the_proxy_passes_what_the_application_needs() -> None:
    for header in (
        "Host $host",
        "X-Forwarded-For $remote_addr",
        "X-Forwarded-Proto $scheme",
        "Upgrade $http_upgrade",
    ):
        assert f"proxy_set_header {header};" in NGINX
    megabytes = int(re.findall(r"client_max_body_size (\d+)m", NGINX)[0])
    assert megabytes * 1024 * 1024 >= settings.MAX_UPLOAD_SIZE
    for path in re.findall(r"/run/secrets/([\w.]+)", NGINX):
        assert path in SERVICES["proxy"]["secrets"]
    trusted = SERVICES["web"]["environment"]["TRUSTED_PROXIES"]
    assert COMPOSE["networks"]["default"]["ipam"]["config"] == [{"subnet": trusted}]


def test_postgresql_gives_out_enough_connections() -> None:
    most = int(SERVICES["postgres"]["command"][-1].partition("=")[2])
    assert pool_message(settings.DB_POOL_SIZE + settings.DB_MAX_OVERFLOW, most - 3) == []


def test_the_image_is_built_from_the_lock_and_runs_without_root() -> None:
    stages = instructions("FROM")
    assert len(stages) == 2
    for version in re.findall(r"python:3\.(\d+)", " ".join(stages)):
        assert 11 <= int(version) <= 13
    install = " ".join(instructions("RUN"))
    assert install.count("--require-hashes") == install.count("pip install") == 2
    assert "requirements.lock" in instructions("COPY")[0]
    (user,) = instructions("USER")
    assert f"useradd --uid 10001 --gid 10001 --no-create-home --home-dir /app {user}" in install


def test_paths_of_the_image_exist() -> None:
    variables = dict(pair.split("=") for pair in instructions("ENV")[0].split())
    assert variables["VAR_DIR"] == "/app/var"
    assert "files:/app/var" in SERVICES["web"]["volumes"]
    check_command([part.strip('", ') for part in instructions("CMD")[-1].strip("[]").split(",")])
    left_out = (ROOT / ".dockerignore").read_text().split()
    for needed in ("manage.py", "config", "recognition", "attendance", "templates", "static"):
        assert needed not in left_out
        listed = subprocess.run(
            ["git", "ls-files", needed], cwd=ROOT, capture_output=True, check=True, text=True
        )
        assert listed.stdout, needed
