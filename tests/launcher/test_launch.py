"""`make run`: starting, killing and starting again. The tests share one `var` folder and run in their order."""

from __future__ import annotations

import http.client
import json
import signal
import ssl
import stat
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psycopg2
import pytest
from django.urls import reverse

from config.embedded_addresses import EmbeddedAddresses
from config.secret_files import make_secrets, read_secret
from launcher.embedded import EmbeddedConfig
from launcher.postgresql import start_postgres
from launcher.socket_folder import find_socket_folder
from tests.launcher.launching import Launched, launch, still_running

pytestmark = [pytest.mark.fault, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def var(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder that keeps its database from test to test, as an installation does."""
    return tmp_path_factory.mktemp("installation") / "var"


@pytest.fixture(scope="module")
def first(var: Path) -> Iterator[Launched]:
    """Start the installation for the first time."""
    yield from running_installation(var)


@pytest.fixture(scope="module")
def again(var: Path) -> Iterator[Launched]:
    """Start the same installation again, after the launcher was killed."""
    yield from running_installation(var)


@pytest.fixture
def third(var: Path) -> Iterator[Launched]:
    """Start it once more, after PostgreSQL was killed."""
    yield from running_installation(var)


def running_installation(var: Path) -> Iterator[Launched]:
    """Yield a running installation, and end it afterwards unless the test did."""
    running = launch(var)
    running.wait_until_ready()
    yield running
    if running.process.poll() is None:
        running.end()


def test_first_start_prints_a_one_time_password(first: Launched) -> None:
    assert "administrator: admin   one-time password: " in first.output()
    assert first.get_json("/healthz/live") == (200, {"status": "ok"})


def test_ready_shows_this_machine_the_time_of_each_check(first: Launched) -> None:
    status, answer = first.get_json("/healthz/ready")
    assert (status, answer["status"], answer["degraded"]) == (200, "ok", False)
    assert set(answer["checks"]) == {"database", "cache", "engine"}
    assert all(check["ok"] and check["ms"] > 0 for check in answer["checks"].values())


def test_second_start_on_the_same_folder_names_the_process_that_uses_it(first: Launched, var: Path) -> None:
    second = launch(var)
    assert second.process.wait(60) == 1
    assert f"is in use by process {first.process.pid} of " in second.output()
    assert "Traceback" not in second.output()
    assert first.get_json("/healthz/live")[0] == 200


def test_port_in_use_gets_a_clear_error(first: Launched, tmp_path: Path) -> None:
    other = launch(tmp_path / "var", port=first.port)
    assert other.process.wait(60) == 1
    assert f"port {first.port} at 127.0.0.1 cannot be used" in other.output()
    assert "Traceback" not in other.output()


def test_processes_connect_to_this_machine_only(first: Launched) -> None:
    processes = first.descendants()
    assert {"valkey-server", "postgres"} <= {process.name() for process in processes}
    for process in processes:
        for connection in process.net_connections("inet"):
            assert connection.laddr.ip.startswith("127."), (process.cmdline(), connection)
            assert not connection.raddr or connection.raddr.ip.startswith("127."), process.cmdline()


def test_secrets_and_sockets_are_accessible_to_this_user_only(first: Launched, var: Path) -> None:
    for path in (*(var / "secrets").iterdir(), var / "servers.json", var / "lock"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path
    sockets = Path(json.loads((var / "servers.json").read_text())["sockets"])
    for folder in (var / "secrets", sockets):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700, folder


def test_killed_launcher_leaves_no_process(first: Launched) -> None:
    processes = first.descendants()
    assert len(processes) >= 5
    first.end(signal.SIGKILL)
    assert still_running(processes) == []


def test_start_after_a_killed_launcher_takes_under_eight_seconds(again: Launched) -> None:
    assert "one-time password" not in again.output()
    assert again.get_json("/healthz/ready")[1]["status"] == "ok"
    # On an idle machine it would take no longer than here, and no longer than its work takes on one processor.
    assert min(again.wait_until_ready(), again.cpu_seconds()) < 8, again.output()


def test_killed_postgresql_stops_everything_with_a_clear_error(again: Launched) -> None:
    processes = again.descendants()
    next(process for process in processes if process.name() == "postgres").kill()
    assert again.process.wait(30) == 1
    assert "PostgreSQL ended unexpectedly" in again.output()
    assert still_running(processes) == []


def test_start_after_a_killed_postgresql_works_and_ctrl_c_ends_it_within_ten_seconds(third: Launched) -> None:
    assert third.get_json("/healthz/ready")[1]["status"] == "ok"
    processes = third.descendants()
    assert third.end(signal.SIGINT) < 10
    assert still_running(processes, seconds=0) == []
    assert "Traceback" not in third.output()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_launcher_ended_while_it_prepares_leaves_no_process(var: Path, number: signal.Signals) -> None:
    running = launch(var)
    running.wait_for("preparing database")
    processes = running.descendants()
    assert [process for process in processes if "--wait" in process.cmdline()]
    running.end(number)
    assert still_running(processes) == []


def test_https_serves_tls_and_the_plain_port_explains_the_certificate(var: Path) -> None:
    running = launch(var, "--https", "1", "--host", "0.0.0.0")
    try:
        running.wait_until_ready()
        authority = var / "tls" / "ca.pem"
        # The certificate is checked against authority and name, as in a browser that trusts the authority.
        context = ssl.create_default_context(cafile=authority)
        secure = http.client.HTTPSConnection("127.0.0.1", running.port + 443, context=context, timeout=10)
        response, _ = fetch(secure, reverse("login"))
        assert response.status == 200
        assert "Secure" in (response.headers["Set-Cookie"] or "")
        plain = http.client.HTTPConnection("127.0.0.1", running.port, timeout=10)
        _, page = fetch(plain, reverse("login"))
        digest = running.output().split("the certificate's fingerprint (SHA-256) is ")[1].split()[0]
        assert digest.encode() in page
        assert b"csrfmiddlewaretoken" not in page
        assert fetch(plain, "/rollcall-ca.crt")[1] == authority.read_bytes()
    finally:
        running.end()


def fetch(connection: http.client.HTTPConnection, path: str) -> tuple[http.client.HTTPResponse, bytes]:
    """Send a GET request; return response and body, and close the connection."""
    with closing(connection):
        connection.request("GET", path)
        response = connection.getresponse()
        return response, response.read()


def test_network_address_is_refused_without_tls(tmp_path: Path) -> None:
    running = launch(tmp_path / "var", "--host", "0.0.0.0")
    assert running.process.wait(60) == 1
    assert "Add HTTPS=1" in running.output()
    assert "TRUSTED_PROXIES" in running.output()


def test_wrong_settings_are_all_reported_before_anything_starts(tmp_path: Path) -> None:
    running = launch(tmp_path / "var", DB_POOL_SIZE="many", FACE_DEVICE="tpu", PUBLIC_URL="school")
    assert running.process.wait(60) == 2
    for name in ("DB_POOL_SIZE", "FACE_DEVICE", "PUBLIC_URL"):
        assert f"  {name}: " in running.output()
    assert not (tmp_path / "var" / "postgresql").exists()


def test_external_database_needs_given_keys(tmp_path: Path) -> None:
    running = launch(tmp_path / "var", DATABASE_URL="postgresql://someone@db.example/rollcall")
    assert running.process.wait(60) == 2
    assert "SECRET_KEY: must be given" in running.output()
    assert "FACE_DATA_KEYS: must be given" in running.output()


def test_missing_demonstration_folder_is_refused(tmp_path: Path) -> None:
    running = launch(tmp_path / "var", "--demo", str(tmp_path / "none"))
    assert running.process.wait(60) == 1
    assert "is not a folder" in running.output()


def test_data_folder_of_an_earlier_version_is_refused_with_what_to_do(tmp_path: Path) -> None:
    var = tmp_path / "var"
    make_secrets(var / "secrets")
    config = EmbeddedConfig(var, find_socket_folder(var), durable=False)
    server = start_postgres(config)
    addresses = EmbeddedAddresses.for_sockets(
        config.sockets, read_secret(config.secrets, "database_password")
    )
    with closing(psycopg2.connect(addresses.database_url)) as database, database, database.cursor() as cursor:
        cursor.execute("CREATE TABLE django_migrations (id int, app text, name text, applied timestamptz)")
        cursor.execute("INSERT INTO django_migrations VALUES (1, 'attendance', '0099_old', now())")
    server.stop()
    running = launch(var)
    processes = running.descendants()
    assert running.process.wait(60) == 1
    output = running.output()
    assert f"rollcall: the data folder {var} belongs to an earlier development version" in output
    assert "Move or delete the folder, or set VAR_DIR to another one" in output
    assert "Traceback" not in output
    assert still_running(processes) == []
