"""The embedded PostgreSQL and Valkey, really started."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import psutil
import pytest

from config.secret_files import make_secrets
from launcher import processes
from launcher.embedded import EmbeddedConfig
from launcher.postgresql import postgres_answers, start_postgres
from launcher.processes import NOBODY, LaunchError
from launcher.valkey import start_valkey

pytestmark = [pytest.mark.fault, pytest.mark.timeout(300)]


def test_servers_start_in_a_path_with_spaces(tmp_path: Path) -> None:
    config = EmbeddedConfig(tmp_path / "a b", tmp_path / "a b" / "run", durable=False)
    config.sockets.mkdir(mode=0o700, parents=True)
    make_secrets(config.secrets)
    children = [start_valkey(config), start_postgres(config)]
    try:
        assert all(child.running for child in children)
        assert postgres_answers(config)
    finally:
        for child in children:
            child.stop()


@pytest.mark.skipif(os.geteuid() != 0, reason="PostgreSQL refuses root only")
def test_root_without_user_namespaces_runs_postgresql_as_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = EmbeddedConfig(tmp_path / "var", tmp_path / "var" / "run", durable=False)
    config.sockets.mkdir(mode=0o700, parents=True)
    make_secrets(config.secrets)
    # The same cluster without namespaces, as in containers, then with them, then without them again.
    for forbidden in ("unshare", "", "unshare"):
        monkeypatch.setattr(processes, "command_succeeds", lambda command, no=forbidden: command[0] != no)
        child = start_postgres(config)
        user = psutil.Process(child.process.pid).uids().real
        child.stop()
        assert user == (NOBODY if forbidden else 0)
        assert child.process.returncode == 0


def test_root_that_cannot_change_its_user_gets_a_clear_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "command_succeeds", lambda _command: False)
    with pytest.raises(LaunchError, match="run Rollcall as an ordinary user, or set DATABASE_URL"):
        processes.unprivileged_prefix(signal.SIGINT, uid=0)
    assert processes.unprivileged_prefix(signal.SIGINT, uid=1000) == ([], 1000)


def test_postgresql_starts_although_another_process_has_the_number_in_its_lock(tmp_path: Path) -> None:
    config = EmbeddedConfig(tmp_path, tmp_path / "run", durable=False)
    config.sockets.mkdir(mode=0o700)
    make_secrets(config.secrets)
    start_postgres(config).stop()
    # As after a power cut: the lock file is left, and its number now belongs to another process, here to this one.
    (config.data / "postmaster.pid").write_text(f"{os.getpid()}\n{config.data}\n")
    child = start_postgres(config)
    assert child.running
    child.stop()


def test_postgresql_starts_after_an_interrupted_first_start(tmp_path: Path) -> None:
    config = EmbeddedConfig(tmp_path, tmp_path / "run", durable=False)
    config.sockets.mkdir(mode=0o700)
    make_secrets(config.secrets)
    (tmp_path / "postgresql.new").mkdir()
    (tmp_path / "postgresql.new" / "PG_VERSION").write_text("18\n")
    child = start_postgres(config)
    assert child.running
    child.stop()
