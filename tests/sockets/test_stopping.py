"""Stopping a server in mid-session, and its memory under overload."""

import asyncio
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from tests.sockets.serving import Served, frame, serving, token_of, wait_for
from tests.world import World

pytestmark = pytest.mark.fault
MB = 1024 * 1024


async def flood(
    server: Served,
    path: str,
    token: str,
    picture: bytes,
    rate: float,
    started: list[int],
    ends: threading.Event,
) -> None:
    """Send frames at that rate as one camera and read the answers, until the end."""

    async def listen(stream: ClientConnection) -> None:
        with suppress(ConnectionClosed):
            async for _ in stream:
                pass

    address = f"ws://127.0.0.1:{server.port}{path}"
    with suppress(ConnectionClosed):
        async with connect(
            address, additional_headers={"Authorization": f"Token {token}"}, compression=None, open_timeout=60
        ) as stream:
            assert '"ready"' in str(await stream.recv())
            started.append(1)
            listening = asyncio.create_task(listen(stream))
            seq = 0
            while not ends.is_set():
                await stream.send(frame(seq, picture))
                seq += 1
                await asyncio.sleep(1 / rate)
            listening.cancel()


@contextmanager
def flooded(
    server: Served, school: World, path: str, picture: bytes, *, cameras: int, rate: float
) -> Iterator[None]:
    """Run that many cameras in one thread during the block."""
    ends, token, started = threading.Event(), token_of(school.teacher), list[int]()

    async def all_of_them() -> None:
        await asyncio.gather(
            *(flood(server, path, token, picture, rate, started, ends) for _ in range(cameras))
        )

    with ThreadPoolExecutor(1) as pool:
        flooding = pool.submit(asyncio.run, all_of_them())
        try:
            wait_for(lambda: len(started) == cameras or flooding.done(), 90)
            yield
        finally:
            ends.set()
            flooding.result(60)


def test_server_stops_in_time_with_frames_in_progress(
    school: World, camera_path: str, blank: bytes, tmp_path: Path
) -> None:
    log = tmp_path / "server.log"
    with serving(log) as server, flooded(server, school, camera_path, blank, cameras=6, rate=10):
        threading.Event().wait(1)
        began = time.monotonic()
        server.process.terminate()
        assert server.process.wait(20) == 0
        lasted = time.monotonic() - began
    # Ctrl-C promises ten seconds for everything; two of them are the threads'.
    assert lasted < 10
    said = log.read_text(errors="replace")
    assert "Traceback" not in said, said


@pytest.mark.soak
@pytest.mark.timeout(400)
def test_memory_stays_constant_under_overload(
    school: World, camera_path: str, blank: bytes, tmp_path: Path, soak: bool
) -> None:
    cameras, warming, lasting = (100, 15, 60) if soak else (10, 4, 6)
    with (
        serving(tmp_path / "server.log") as server,
        flooded(server, school, camera_path, blank, cameras=cameras, rate=30),
    ):
        process, pause = psutil.Process(server.process.pid), threading.Event()
        pause.wait(warming)
        warm = process.memory_info().rss / MB
        most = warm
        for _ in range(lasting * 2):
            pause.wait(0.5)
            most = max(most, process.memory_info().rss / MB)
    assert most - warm < 40
