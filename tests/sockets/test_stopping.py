"""The end of a server in mid-session, and its memory while many cameras send more than it can take."""

import threading
import time
from contextlib import ExitStack, suppress
from pathlib import Path

import psutil
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection

from tests.sockets.serving import Served, frame, hear, serving, token_of
from tests.world import World

pytestmark = pytest.mark.fault
MB = 1024 * 1024


def flood(stream: ClientConnection, picture: bytes, ends: threading.Event, per_second: float) -> None:
    """Send at that rate and read what comes, until the end."""
    seq = 0
    with suppress(ConnectionClosed):
        while not ends.wait(1 / per_second):
            stream.send(frame(seq, picture))
            seq += 1
            with suppress(TimeoutError):
                while True:
                    stream.recv(timeout=0)


def flooded(
    stack: ExitStack, server: Served, school: World, path: str, picture: bytes, *, cameras: int, rate: float
) -> tuple[threading.Event, list[threading.Thread]]:
    """So many cameras that send at that rate, until the event is set."""
    ends, authorization = threading.Event(), f"Token {token_of(school.teacher)}"
    threads = []
    for _ in range(cameras):
        stream = stack.enter_context(server.connect(path, Authorization=authorization))
        hear(stream, "ready")
        threads.append(threading.Thread(target=flood, args=(stream, picture, ends, rate)))
    for thread in threads:
        thread.start()
    return ends, threads


def test_a_server_that_is_told_to_end_ends_in_time_with_frames_in_hand(
    school: World, camera_path: str, blank: bytes, tmp_path: Path
) -> None:
    log = tmp_path / "server.log"
    with ExitStack() as stack:
        server = stack.enter_context(serving(log))
        ends, threads = flooded(stack, server, school, camera_path, blank, cameras=6, rate=10)
        threading.Event().wait(1)
        began = time.monotonic()
        server.process.terminate()
        assert server.process.wait(20) == 0
        lasted = time.monotonic() - began
        ends.set()
        for thread in threads:
            thread.join()
    # Ctrl-C promises ten seconds for everything; two of them are the threads'.
    assert lasted < 10
    said = log.read_text(errors="replace")
    assert "Traceback" not in said, said


def test_memory_stays_flat_while_cameras_send_more_than_can_be_taken(
    school: World, camera_path: str, blank: bytes, tmp_path: Path
) -> None:
    with ExitStack() as stack:
        server = stack.enter_context(serving(tmp_path / "server.log"))
        process = psutil.Process(server.process.pid)
        ends, threads = flooded(stack, server, school, camera_path, blank, cameras=10, rate=30)
        pause = threading.Event()
        pause.wait(4)
        warm = process.memory_info().rss / MB
        most = warm
        for _ in range(12):
            pause.wait(0.5)
            most = max(most, process.memory_info().rss / MB)
        ends.set()
        for thread in threads:
            thread.join()
    assert most - warm < 40
