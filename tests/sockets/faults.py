"""A Valkey for one test, and a proxy to it that can be made slow."""

from __future__ import annotations

import contextlib
import shutil
import socket
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import redis

from config.embedded_addresses import VALKEY_SOCKET
from launcher.embedded import EmbeddedConfig
from launcher.valkey import start_valkey


class Valkey:
    """A Valkey that a test can stop, fill and start again."""

    def __init__(self, folder: Path) -> None:
        self.config = EmbeddedConfig(var=folder, sockets=folder, durable=False)
        self.child = start_valkey(self.config)

    @property
    def socket(self) -> Path:
        return self.config.sockets / VALKEY_SOCKET

    def start(self) -> None:
        self.child = start_valkey(self.config)


@contextlib.contextmanager
def full(valkey: Path) -> Iterator[None]:
    """Make the Valkey at this socket full: its memory limit is below its size, and nothing may be evicted."""
    with redis.Redis(unix_socket_path=str(valkey)) as client:
        before = client.config_get("maxmemory*")
        client.config_set("maxmemory-policy", "noeviction")
        client.config_set("maxmemory", 1)
        try:
            yield
        finally:
            client.config_set("maxmemory", before["maxmemory"])
            client.config_set("maxmemory-policy", before["maxmemory-policy"])


class Way:
    """A proxy on a loopback port; each answer of its Valkey takes `delay` seconds longer."""

    def __init__(self, valkey: Path) -> None:
        self.delay = 0.0
        self._valkey = valkey
        self._ends = threading.Event()
        self._door = socket.create_server(("127.0.0.1", 0))
        self._open: set[socket.socket] = set()
        self._threads = [threading.Thread(target=self._let_in)]
        self._threads[0].start()

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self._door.getsockname()[1]}"

    def close(self) -> None:
        """Close the port and end all threads."""
        self._ends.set()
        # A listening socket wakes from `accept` by a visitor, and by nothing else.
        with contextlib.suppress(OSError):
            socket.create_connection(self._door.getsockname()).close()
        for each in tuple(self._open):
            _shut(each)
        for thread in self._threads:
            thread.join(10)
        self._door.close()

    def _let_in(self) -> None:
        while True:
            visitor, _ = self._door.accept()
            if self._ends.is_set():
                visitor.close()
                return
            server = socket.socket(socket.AF_UNIX)
            try:
                server.connect(str(self._valkey))
            except OSError:
                visitor.close()
                server.close()
                continue
            self._open |= {visitor, server}
            pair = ((visitor, server, False), (server, visitor, True))
            self._threads += [threading.Thread(target=self._pass, args=each) for each in pair]
            for thread in self._threads[-2:]:
                thread.start()

    def _pass(self, source: socket.socket, target: socket.socket, answers: bool) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                if answers and self.delay:
                    self._ends.wait(self.delay)
                target.sendall(data)
        _shut(target)
        source.close()
        self._open.discard(source)


def _shut(end: socket.socket) -> None:
    with contextlib.suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)


@contextlib.contextmanager
def valkey() -> Iterator[Valkey]:
    """Start a Valkey in its own folder, whose name is short enough for a socket."""
    folder = Path(tempfile.mkdtemp(prefix="rc-"))
    made = Valkey(folder)
    try:
        yield made
    finally:
        made.child.stop()
        shutil.rmtree(folder)


@contextlib.contextmanager
def way_to(valkey: Path) -> Iterator[Way]:
    """Return a proxy to the Valkey at this socket."""
    made = Way(valkey)
    try:
        yield made
    finally:
        made.close()
