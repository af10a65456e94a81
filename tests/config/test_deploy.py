"""The container files match the code: commands, variables, ports and paths."""

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

from config.checks import check_pool_size
from launcher.server import parse_arguments
from tests.config.test_settings import attributes
from tests.material import ROOT

COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
ROLLCALL_SERVICES = [name for name, service in SERVICES.items() if service["image"] == "rollcall"]
NGINX = (ROOT / "deploy" / "nginx.conf").read_text()
DOCKERFILE = (ROOT / "Dockerfile").read_text()
PYTHON = "/app/.venv/bin/python"


def instructions(word: str) -> list[str]:
    """Return the arguments of each instruction of that name in the Dockerfile, with continued lines joined."""
    joined = DOCKERFILE.replace("\\\n", " ")
    return [line.removeprefix(word).strip() for line in joined.splitlines() if line.startswith(f"{word} ")]


def check_command(command: list[str]) -> None:
    """Fail if a command of Rollcall does not exist or does not know an option."""
    assert command[0] == PYTHON
    if command[1] == "manage.py":
        assert (ROOT / "manage.py").exists()
        assert command[2] in get_commands()
        return
    assert command[1] == "-m"
    module, options = command[2], command[3:]
    assert importlib.util.find_spec(module), module
    if module == "launcher.server":
        assert parse_arguments(options).port == 8000
    if module == "celery":
        assert options[:2] == ["--app", "config.celery"]
        check_celery(options[2], options[3:])


def check_celery(name: str, options: list[str]) -> None:
    """Fail if Celery does not know an option."""
    if name == "inspect":
        assert options == ["ping"]
        return
    parameters = {"worker": worker, "beat": beat}[name].params
    known = {option for parameter in parameters for option in parameter.opts}
    assert {option.partition("=")[0] for option in options} <= known


@pytest.mark.parametrize("name", ROLLCALL_SERVICES)
def test_commands_of_services_exist(name: str) -> None:
    check_command(SERVICES[name]["command"])


@pytest.mark.parametrize("name", SERVICES)
def test_service_has_a_health_check(name: str) -> None:
    health = SERVICES[name]["healthcheck"]
    if health.get("disable"):
        assert name in {"migrate", "beat"}
        return
    assert health["test"][0] == "CMD"
    if name in ROLLCALL_SERVICES:
        check_command(health["test"][1:])


def test_worker_uses_threads() -> None:
    assert {"--pool=threads", "--concurrency=2"} <= set(SERVICES["worker"]["command"])


@pytest.mark.parametrize("name", ROLLCALL_SERVICES)
def test_variables_are_settings(name: str) -> None:
    known = {setting.name for setting in settings.DECLARED_SETTINGS}
    assert {variable.removesuffix("_FILE") for variable in SERVICES[name]["environment"]} <= known


def test_variables_of_the_web_service_are_accepted(tmp_path: Path) -> None:
    contents = {
        "database_url": "postgresql://rollcall:secret@postgres:5432/rollcall",
        "secret_key": "s" * 64,
        "face_data_keys": "A" * 43 + "=",
    }
    environment = {
        "SECRET_KEY": "",
        "FACE_DATA_KEYS": "",
        "DATABASE_URL": "",
        "PUBLIC_URL": "https://rollcall.example",
    }
    for name, value in SERVICES["web"]["environment"].items():
        if name.endswith("_FILE"):
            secret = Path(value).name
            assert secret in SERVICES["web"]["secrets"]
            (tmp_path / secret).write_text(contents[secret])
            environment[name] = str(tmp_path / secret)
        elif "${" not in value:
            environment[name] = value
    values = attributes("EMBEDDED_DATABASE", "EMBEDDED_REDIS", "SESSION_COOKIE_SECURE", **environment)
    assert values == {"EMBEDDED_DATABASE": False, "EMBEDDED_REDIS": False, "SESSION_COOKIE_SECURE": True}


def test_secrets_and_volumes_are_declared() -> None:
    for service in SERVICES.values():
        assert set(service.get("secrets", [])) <= set(COMPOSE["secrets"])
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            assert source in COMPOSE["volumes"] or (ROOT / source).is_file()
    # Nothing under secrets/ may be committed or sent into the image.
    assert "secrets" in (ROOT / ".dockerignore").read_text().split()


def test_services_wait_only_for_services_with_a_health_check() -> None:
    for service in SERVICES.values():
        for other, dependency in service.get("depends_on", {}).items():
            assert dependency["condition"] != "service_healthy" or not SERVICES[other]["healthcheck"].get(
                "disable"
            )


def test_ports_match_from_the_network_to_the_process() -> None:
    listening = set(re.findall(r"listen (\d+)", NGINX))
    assert {mapping.split(":")[1] for mapping in SERVICES["proxy"]["ports"]} == listening
    port = str(parse_arguments(SERVICES["web"]["command"][3:]).port)
    assert re.findall(r"server web:(\d+);", NGINX) == [port]
    assert instructions("EXPOSE") == [port]
    assert urlsplit(SERVICES["web"]["healthcheck"]["test"][-1]).port == int(port)
    # Only the proxy can be reached from outside.
    assert [name for name, service in SERVICES.items() if "ports" in service] == ["proxy"]


def test_health_checks_use_an_existing_address() -> None:
    for url in (SERVICES["web"]["healthcheck"]["test"][-1], re.findall(r"http://[^\"]+", DOCKERFILE)[0]):
        assert resolve(urlsplit(url).path).url_name == "health-ready"


def test_proxy_passes_what_the_application_needs() -> None:
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


def test_postgresql_allows_enough_connections() -> None:
    maximum = int(SERVICES["postgres"]["command"][-1].partition("=")[2])
    assert check_pool_size(settings.DB_POOL_SIZE + settings.DB_MAX_OVERFLOW, maximum - 3) == []


def test_image_is_built_from_the_lock_and_runs_without_root() -> None:
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
    excluded = (ROOT / ".dockerignore").read_text().split()
    for name in ("manage.py", "config", "launcher", "recognition", "attendance", "templates", "static"):
        assert name not in excluded
        listed = subprocess.run(
            ["git", "ls-files", name], cwd=ROOT, capture_output=True, check=True, text=True
        )
        assert listed.stdout, name
