"""`make run` by really starting, killing and starting again. The tests share one `var` and run in their order."""

from __future__ import annotations

import http.client
import json
import signal
import ssl
import stat
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from django.urls import reverse

from tests.launcher.launching import Launched, launch, left_of

pytestmark = [pytest.mark.fault, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def var(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that keeps its database from test to test, as an installation does."""
    return tmp_path_factory.mktemp("installation") / "var"


@pytest.fixture(scope="module")
def first(var: Path) -> Iterator[Launched]:
    """The first start of that installation."""
    yield from started(var)


@pytest.fixture(scope="module")
def again(var: Path) -> Iterator[Launched]:
    """A later start of the same installation, after the launcher was killed."""
    yield from started(var)


@pytest.fixture
def third(var: Path) -> Iterator[Launched]:
    """One more, after PostgreSQL was killed."""
    yield from started(var)


def started(var: Path) -> Iterator[Launched]:
    """A running installation, ended afterwards where the test has not ended it."""
    running = launch(var)
    running.ready()
    yield running
    if running.process.poll() is None:
        running.end()


def test_the_first_start_prints_a_one_time_password(first: Launched) -> None:
    assert "administrator: admin   one-time password: " in first.said()
    assert first.ask("/healthz/live") == (200, {"status": "ok"})


def test_ready_tells_this_machine_what_each_part_took(first: Launched) -> None:
    status, answer = first.ask("/healthz/ready")
    assert (status, answer["status"], answer["degraded"]) == (200, "ok", False)
    assert set(answer["checks"]) == {"database", "cache", "engine"}
    assert all(check["ok"] and check["ms"] > 0 for check in answer["checks"].values())


def test_a_second_start_on_the_same_folder_says_who_holds_it(first: Launched, var: Path) -> None:
    second = launch(var)
    assert second.process.wait(60) == 1
    assert f"is in use by process {first.process.pid} of " in second.said()
    assert "Traceback" not in second.said()
    assert first.ask("/healthz/live")[0] == 200


def test_a_taken_port_is_a_sentence(first: Launched, tmp_path: Path) -> None:
    other = launch(tmp_path / "var", port=first.port)
    assert other.process.wait(60) == 1
    assert f"port {first.port} at 127.0.0.1 cannot be used" in other.said()
    assert "Traceback" not in other.said()


def test_nothing_connects_beyond_this_machine(first: Launched) -> None:
    family = first.family()
    assert {"valkey-server", "postgres"} <= {process.name() for process in family}
    for process in family:
        for connection in process.net_connections("inet"):
            assert connection.laddr.ip.startswith("127."), (process.cmdline(), connection)
            assert not connection.raddr or connection.raddr.ip.startswith("127."), process.cmdline()


def test_secrets_and_sockets_are_for_this_user_only(first: Launched, var: Path) -> None:
    for path in (*(var / "secrets").iterdir(), var / "servers.json", var / "lock"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path
    noted = Path(json.loads((var / "servers.json").read_text())["sockets"])
    for folder in (var / "secrets", noted):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700, folder


def test_killing_the_launcher_leaves_no_process(first: Launched) -> None:
    family = first.family()
    assert len(family) >= 5
    first.end(signal.SIGKILL)
    assert left_of(family) == []


def test_it_recovers_from_that_in_under_eight_seconds(again: Launched) -> None:
    assert "one-time password" not in again.said()
    assert again.ask("/healthz/ready")[1]["status"] == "ok"
    # Alone on a machine it takes at most as long as here, and at most as long as one processor needs for its work.
    assert min(again.ready(), again.work()) < 8, again.said()


def test_killing_postgresql_ends_all_with_a_sentence(again: Launched) -> None:
    family = again.family()
    next(process for process in family if process.name() == "postgres").kill()
    assert again.process.wait(30) == 1
    assert "PostgreSQL ended by itself" in again.said()
    assert left_of(family) == []


def test_it_recovers_from_that_and_ctrl_c_ends_everything_within_ten_seconds(third: Launched) -> None:
    assert third.ask("/healthz/ready")[1]["status"] == "ok"
    family = third.family()
    assert third.end(signal.SIGINT) < 10
    assert left_of(family, seconds=0) == []
    assert "Traceback" not in third.said()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_ended_while_the_database_is_prepared_it_leaves_no_process(var: Path, number: signal.Signals) -> None:
    running = launch(var)
    running.wait_for("database and pages")
    family = running.family()
    assert [process for process in family if "--wait" in process.cmdline()]
    running.end(number)
    assert left_of(family) == []


def test_https_serves_tls_and_the_plain_port_explains_it(var: Path) -> None:
    running = launch(var, "--https", "1", "--host", "0.0.0.0")
    try:
        running.ready()
        authority = var / "tls" / "ca.pem"
        # Checked against the authority and the name: what a browser that has installed it does.
        context = ssl.create_default_context(cafile=authority)
        secure = http.client.HTTPSConnection("127.0.0.1", running.port + 443, context=context, timeout=10)
        answer, _ = fetch(secure, reverse("login"))
        assert answer.status == 200
        assert "Secure" in (answer.headers["Set-Cookie"] or "")
        plain = http.client.HTTPConnection("127.0.0.1", running.port, timeout=10)
        _, page = fetch(plain, reverse("login"))
        digest = running.said().split("its fingerprint (SHA-256) is ")[1].split()[0]
        assert digest.encode() in page
        assert b"csrfmiddlewaretoken" not in page
        assert fetch(plain, "/rollcall-ca.crt")[1] == authority.read_bytes()
    finally:
        running.end()


def fetch(connection: http.client.HTTPConnection, path: str) -> tuple[http.client.HTTPResponse, bytes]:
    """One answer and its body; the connection is closed again."""
    with closing(connection):
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer, answer.read()


def test_the_network_is_refused_without_tls(tmp_path: Path) -> None:
    running = launch(tmp_path / "var", "--host", "0.0.0.0")
    assert running.process.wait(60) == 1
    assert "Add HTTPS=1" in running.said()
    assert "TRUSTED_PROXIES" in running.said()


def test_wrong_settings_are_all_told_before_anything_starts(tmp_path: Path) -> None:
    running = launch(tmp_path / "var", DB_POOL_SIZE="many", FACE_DEVICE="tpu", PUBLIC_URL="school")
    assert running.process.wait(60) == 2
    for name in ("DB_POOL_SIZE", "FACE_DEVICE", "PUBLIC_URL"):
        assert f"  {name}: " in running.said()
    assert not (tmp_path / "var" / "postgresql").exists()


def test_keys_must_be_given_where_the_database_is(tmp_path: Path) -> None:
    running = launch(tmp_path / "var", DATABASE_URL="postgresql://someone@db.example/rollcall")
    assert running.process.wait(60) == 2
    assert "SECRET_KEY: must be given" in running.said()
    assert "FACE_DATA_KEYS: must be given" in running.said()


def test_a_demonstration_of_nothing_is_refused(tmp_path: Path) -> None:
    running = launch(tmp_path / "var", "--demo", str(tmp_path / "none"))
    assert running.process.wait(60) == 1
    assert "is no folder" in running.said()
