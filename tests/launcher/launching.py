"""Starting Rollcall in tests as `make run` does, and checking what it leaves behind."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from launcher.options import TLS_PORT_OFFSET
from tests.conftest import ENVIRONMENT
from tests.material import ROOT

# Far more than a start takes, because the machine may have other work to do.
READY_SECONDS = 120.0


@dataclass(frozen=True, slots=True, eq=False)
class Launched:
    """A launcher process and the file that its output goes to."""

    process: subprocess.Popen[bytes]
    output_file: Path
    port: int

    def output(self) -> str:
        """Return what it has printed so far."""
        return self.output_file.read_text(errors="replace")

    def wait_for(self, text: str, seconds: float = READY_SECONDS) -> str:
        """Wait until it has printed `text` and return its output; fail if it ends or takes too long."""
        deadline = time.monotonic() + seconds
        while text not in self.output():
            assert self.process.poll() is None, self.output()
            assert time.monotonic() < deadline, self.output()
            pause()
        return self.output()

    def wait_until_ready(self) -> float:
        """Wait until it is ready; return the seconds that it says it took."""
        output = self.wait_for("press Ctrl-C to stop")
        return float(output.split("ready in ")[1].split(" s")[0])

    def descendants(self) -> list[psutil.Process]:
        """Return all processes below it."""
        return psutil.Process(self.process.pid).children(recursive=True)

    def cpu_seconds(self) -> float:
        """Return the processor time of all processes except worker and timer, which start when it is ready."""
        before = [process for process in self.descendants() if "celery" not in process.cmdline()]
        times = [process.cpu_times() for process in (psutil.Process(self.process.pid), *before)]
        return sum(part.user + part.system + part.children_user + part.children_system for part in times)

    def get_json(self, path: str) -> tuple[int, Any]:
        """Return status and JSON of a GET request."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=10) as response:
            return response.status, json.load(response)

    def end(self, number: signal.Signals = signal.SIGINT, seconds: float = 15.0) -> float:
        """Send a signal, wait until it has ended, and return the seconds that took."""
        started_at = time.monotonic()
        self.process.send_signal(number)
        self.process.wait(seconds)
        return time.monotonic() - started_at


def launch(
    var: Path,
    *arguments: str,
    port: int | None = None,
    root: Path = ROOT,
    prefix: tuple[str, ...] = (),
    python: str = sys.executable,
    **extra: str,
) -> Launched:
    """Start the launcher on a `var` folder of the test's own, without the settings that tests have.

    `prefix` is what its command begins with; `extra` are environment variables.
    """
    var.mkdir(parents=True, exist_ok=True)
    port = port or free_port()
    environment = {name: value for name, value in os.environ.items() if name not in ENVIRONMENT}
    output_file = var / f"output-{port}.txt"
    with output_file.open("wb") as output:
        process = subprocess.Popen(
            [*prefix, python, "-m", "launcher.launch", "--port", str(port), *arguments],
            cwd=root,
            env=environment | {"VAR_DIR": str(var)} | extra,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    return Launched(process, output_file, port)


def free_port() -> int:
    """Return a free port, below those that the kernel gives to clients, whose TLS port is free too."""
    for port in range(20_000 + os.getpid() % 5_000, 32_000, 7):
        try:
            for number in (port, port + TLS_PORT_OFFSET):
                with socket.socket() as test_socket:
                    test_socket.bind(("0.0.0.0", number))
        except OSError:
            continue
        return port
    raise AssertionError("no free port")


def still_running(processes: list[psutil.Process], seconds: float = 10.0) -> list[str]:
    """Wait for processes to end; return the command lines of those that still run after some seconds."""
    _, alive = psutil.wait_procs(processes, timeout=seconds)
    return [" ".join(process.cmdline()) for process in alive]


def pause() -> None:
    """Wait a tenth of a second before another process is checked again."""
    threading.Event().wait(0.1)
