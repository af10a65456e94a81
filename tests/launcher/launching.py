"""Really starting Rollcall from tests, and looking at what it leaves behind."""

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

from tests.conftest import ENVIRONMENT
from tests.material import ROOT

READY_SECONDS = 120.0
"""Far more than a start takes: a test machine may have other things to do."""


@dataclass(frozen=True, slots=True, eq=False)
class Launched:
    """One `make run`, and the file its words go to."""

    process: subprocess.Popen[bytes]
    words: Path
    port: int

    def said(self) -> str:
        return self.words.read_text(errors="replace")

    def wait_for(self, word: str, seconds: float = READY_SECONDS) -> str:
        """What it has said once it said `word`; fails with all that it said where it ends or takes too long."""
        deadline = time.monotonic() + seconds
        while word not in self.said():
            assert self.process.poll() is None, self.said()
            assert time.monotonic() < deadline, self.said()
            pause()
        return self.said()

    def ready(self) -> float:
        """Waits until it is ready; the seconds that it says it took."""
        text = self.wait_for("Ctrl-C ends everything")
        return float(text.split("ready in ")[1].split(" s")[0])

    def family(self) -> list[psutil.Process]:
        """All processes below it."""
        return psutil.Process(self.process.pid).children(recursive=True)

    def work(self) -> float:
        """Seconds of processor time that stood before the open door: all but the worker and beat, which come after."""
        before = [each for each in self.family() if "celery" not in each.cmdline()]
        times = [each.cpu_times() for each in (psutil.Process(self.process.pid), *before)]
        return sum(each.user + each.system + each.children_user + each.children_system for each in times)

    def ask(self, path: str) -> tuple[int, Any]:
        """Status and JSON of an address."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=10) as answer:
            return answer.status, json.load(answer)

    def end(self, number: signal.Signals = signal.SIGINT, seconds: float = 15.0) -> float:
        """Ends it and returns the seconds that took."""
        began = time.monotonic()
        self.process.send_signal(number)
        self.process.wait(seconds)
        return time.monotonic() - began


def launch(
    var: Path,
    *arguments: str,
    port: int | None = None,
    root: Path = ROOT,
    prefix: tuple[str, ...] = (),
    python: str = sys.executable,
    **extra: str,
) -> Launched:
    """Starts the launcher on a `var` folder of the test's own, without the settings that tests have."""
    var.mkdir(parents=True, exist_ok=True)
    port = port or free_port()
    environment = {name: value for name, value in os.environ.items() if name not in ENVIRONMENT}
    words = var / f"said-{port}.txt"
    with words.open("wb") as output:
        process = subprocess.Popen(
            [*prefix, python, "-m", "launcher.launch", "--port", str(port), *arguments],
            cwd=root,
            env=environment | {"VAR_DIR": str(var)} | extra,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    return Launched(process, words, port)


def free_port() -> int:
    """A port that nobody listens at, below those that the kernel gives to clients; its partner for TLS is free too."""
    for port in range(20_000 + os.getpid() % 5_000, 32_000, 7):
        try:
            for each in (port, port + 443):
                with socket.socket() as probe:
                    probe.bind(("0.0.0.0", each))
        except OSError:
            continue
        return port
    raise AssertionError("no free port")


def left_of(family: list[psutil.Process], seconds: float = 10.0) -> list[str]:
    """The command lines of those that still run after some seconds."""
    _, alive = psutil.wait_procs(family, timeout=seconds)
    return [" ".join(process.cmdline()) for process in alive]


def pause() -> None:
    """A tenth of a second, between two looks at another process."""
    threading.Event().wait(0.1)
