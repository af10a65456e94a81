"""The web server under large bodies, slow consumers and signals, through real connections."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass

import psutil
import pytest
from websockets.sync.client import ClientConnection, connect

from tests.conftest import ENVIRONMENT
from tests.launcher.echo import BODY_LIMIT
from tests.material import ROOT

MB = 1024 * 1024
pytestmark = pytest.mark.fault


@dataclass(frozen=True, slots=True, eq=False)
class RunningServer:
    process: subprocess.Popen[str]
    port: int

    @property
    def memory(self) -> float:
        """Resident memory in MB."""
        return float(psutil.Process(self.process.pid).memory_info().rss) / MB

    def post(self, head: str, sent: int, piece: bytes = b"x" * MB) -> bytes:
        """Send a request with up to `sent` bytes of body, as long as the server reads; return its answer."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=20) as stream:
            stream.sendall(
                f"POST /upload?token=secret HTTP/1.1\r\nHost: localhost\r\n{head}\r\n\r\n".encode()
            )
            with contextlib.suppress(ConnectionError):
                for _ in range(sent // MB):
                    stream.sendall(piece)
            answer = b""
            with contextlib.suppress(ConnectionError):
                while more := stream.recv(65536):
                    answer += more
                    if b"\r\n\r\n" in answer:
                        break
            return answer

    def socket(self) -> ClientConnection:
        return connect(f"ws://127.0.0.1:{self.port}/", compression=None, max_size=None)


@pytest.fixture
def served() -> Iterator[RunningServer]:
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.launcher.echo"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
        text=True,
    )
    assert process.stdout is not None
    yield RunningServer(process, int(process.stdout.readline()))
    process.kill()
    process.wait()
    process.stdout.close()


def slowest_echo(served: RunningServer, while_running: threading.Thread) -> float:
    """Return the seconds of the slowest WebSocket answer while a thread sends its request."""
    slowest, messages = 0.0, 0
    with served.socket() as stream:
        while_running.start()
        while while_running.is_alive() or messages < 20:
            sent_at = time.perf_counter()
            stream.send(b"frame")
            assert stream.recv() == b"frame"
            slowest, messages = max(slowest, time.perf_counter() - sent_at), messages + 1
    while_running.join()
    return slowest


def test_websocket_is_answered_while_50_mb_are_posted_without_a_login(served: RunningServer) -> None:
    answers: list[bytes] = []
    form = f"Content-Length: {50 * MB}\r\nContent-Type: multipart/form-data; boundary=b"
    sender = threading.Thread(target=lambda: answers.append(served.post(form, 50 * MB)))
    assert slowest_echo(served, sender) < 0.1
    assert answers[0].startswith(b"HTTP/1.1 413 ")


def test_websocket_is_answered_while_a_body_at_the_limit_is_read(served: RunningServer) -> None:
    answers: list[bytes] = []
    form = f"Content-Length: {BODY_LIMIT}\r\nContent-Type: multipart/form-data; boundary=b"
    sender = threading.Thread(target=lambda: answers.append(served.post(form, BODY_LIMIT)))
    assert slowest_echo(served, sender) < 0.2
    assert answers[0].startswith(b"HTTP/1.1 200 ")


def test_body_of_300_mb_is_not_kept_in_memory(served: RunningServer) -> None:
    before = served.memory
    answer = served.post(f"Content-Length: {300 * MB}", 300 * MB)
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert served.memory - before < 10


def test_body_over_the_limit_is_refused_from_its_header_with_a_json_error(served: RunningServer) -> None:
    started_at = time.perf_counter()
    answer = served.post(f"Content-Length: {BODY_LIMIT + 1}\r\nExpect: 100-continue", 0)
    assert time.perf_counter() - started_at < 1.0
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 413 ")
    assert json.loads(body)["code"] == "too_large"
    assert json.loads(body)["extra"] == {"limit": BODY_LIMIT}


def test_body_without_length_is_cut_at_the_limit(served: RunningServer) -> None:
    piece = f"{MB:x}\r\n".encode() + b"x" * MB + b"\r\n"
    before = served.memory
    answer = served.post("Transfer-Encoding: chunked", 100 * MB, piece)
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert served.memory - before < 20


def test_sigterm_ends_the_threads_and_then_the_process(served: RunningServer) -> None:
    with served.socket() as stream:
        stream.send(b"frame")
        assert stream.recv() == b"frame"
        started_at = time.perf_counter()
        served.process.terminate()
        assert served.process.stdout is not None
        assert served.process.stdout.readline() == "threads ended\n"
        assert served.process.wait(5) == 0
        assert time.perf_counter() - started_at < 3


def test_access_log_has_no_query(caplog: pytest.LogCaptureFixture) -> None:
    from launcher.server import log_access

    caplog.set_level("INFO", logger="rollcall.access")
    details = {"client": "10.0.0.7:1", "method": "GET", "path": "/login?next=/secret", "status": 200}
    log_access("http", "complete", {**details, "size": 3, "time_taken": 0.004})
    assert [record.getMessage() for record in caplog.records] == ["10.0.0.7:1 GET /login 200 3 bytes 4 ms"]


def test_server_that_waits_ends_when_its_input_ends() -> None:
    """The launcher may have ended before it sent the line, and then no connection may be accepted."""
    result = subprocess.run(
        [sys.executable, "-m", "launcher.server", "--wait", "--port", "0"],
        cwd=ROOT,
        env={**os.environ, **ENVIRONMENT},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )
    assert result.returncode == 1
    assert "the launcher ended before" in result.stderr
    assert "accepting connections" not in result.stderr + result.stdout
