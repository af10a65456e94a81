"""A real server for the sockets: `launcher.server` in a process of its own, on the test's database."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.db import connection
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from attendance.access import tokens
from attendance.models import User
from tests import engine_cost
from tests.conftest import ADDRESSES, ENVIRONMENT
from tests.material import ROOT

Message = dict[str, Any]
PATIENCE = 20.0


@dataclass(frozen=True, slots=True, eq=False)
class Served:
    """The server's process and port."""

    process: subprocess.Popen[bytes]
    port: int

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def connect(self, path: str, **headers: str) -> ClientConnection:
        """Connect a socket with these headers only."""
        return connect(
            f"ws://127.0.0.1:{self.port}{path}",
            additional_headers={name.replace("_", "-"): value for name, value in headers.items()},
            compression=None,
            max_size=None,
        )

    def token(self, path: str, user: User, **headers: str) -> ClientConnection:
        """Connect a socket with a token."""
        return self.connect(path, Authorization=f"Token {token_of(user)}", **headers)


def token_of(user: User) -> str:
    """Return a new token of the user."""
    number = user.api_tokens.count()
    return tokens.create(user=user, name=f"test {number}", actor=None)[1]


@contextmanager
def serving(log: Path, **extra: str) -> Iterator[Served]:
    """Run a server on the database of this test run until the block ends; it must stop within 10 s."""
    port = free_port()
    environment = {
        **os.environ,
        **ENVIRONMENT,
        "DATABASE_URL": database_url(),
        "PUBLIC_URL": f"http://127.0.0.1:{port}",
        **extra,
    }
    with log.open("wb") as output:
        process = subprocess.Popen(
            [*engine_cost.command("launcher.server"), "--port", str(port)],
            cwd=ROOT,
            env=environment,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        wait_for(lambda: answers(port) or ended(process, log), 90)
        yield Served(process, port)
    finally:
        process.terminate()
        try:
            process.wait(10)
        finally:
            process.kill()


def database_url() -> str:
    """Return the address of this test run's database, for another process."""
    address = urlsplit(ADDRESSES.database_url)
    return address._replace(path=f"/{connection.settings_dict['NAME']}").geturl()


def answers(port: int) -> bool:
    """Return whether the server accepts connections."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=2).close()
    except OSError:
        return False
    return True


def ended(process: subprocess.Popen[bytes], log: Path) -> bool:
    """Fail with the server's log where it ended instead of starting."""
    assert process.poll() is None, log.read_text(errors="replace")
    return False


def wait_for(condition: Callable[[], bool], seconds: float = PATIENCE) -> None:
    """Wait until the condition is true."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "the condition did not become true"
        threading.Event().wait(0.05)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def receive(stream: ClientConnection, kind: str | None = None, seconds: float = PATIENCE) -> Message:
    """Return the next message, or the next of that type."""
    end = time.monotonic() + seconds
    while True:
        message: Message = json.loads(stream.recv(timeout=max(0.01, end - time.monotonic())))
        if kind is None or message["type"] == kind:
            return message


def closes(stream: ClientConnection, seconds: float = PATIENCE) -> tuple[int, list[Message]]:
    """Return the code that the server closes with, and the messages before it."""
    messages: list[Message] = []
    end = time.monotonic() + seconds

    def listen() -> None:
        while True:
            messages.append(json.loads(stream.recv(timeout=max(0.01, end - time.monotonic()))))

    with pytest.raises(ConnectionClosed) as closed:
        listen()
    assert closed.value.rcvd is not None
    return closed.value.rcvd.code, messages


def frame(seq: int, image: bytes) -> bytes:
    return seq.to_bytes(4, "big") + image
