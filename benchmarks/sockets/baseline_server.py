"""The baseline server of `benchmarks.streams`: face_recognition in one thread, after a queue without limit.

It speaks the same socket protocol as far as the benchmark needs.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import queue
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
from websockets.asyncio.server import ServerConnection, serve

from recognition.engine.images.image import decode
from recognition.engine.reference import library

# The distance up to which face_recognition's documentation takes two encodings for one person.
TOLERANCE = 0.6


def recognise(data: bytes, known: Any, owners: list[str]) -> list[dict[str, Any]]:
    """Return the faces of an image as tutorials do it: HOG boxes, an encoding for each, the nearest within 0.6."""
    faces = library()
    rgb = decode(data)
    boxes = faces.face_locations(rgb, number_of_times_to_upsample=1)
    results = []
    for encoding in faces.face_encodings(rgb, boxes):
        distances = np.linalg.norm(known - encoding, axis=1)
        best = int(distances.argmin())
        named = distances[best] <= TOLERANCE
        results.append({"student": {"id": owners[best]} if named else None, "state": "recognised"})
    return results


def work(waiting: queue.Queue[Any], known: Any, owners: list[str]) -> None:
    """Answer waiting frames for ever; runs in the only thread that recognises."""
    while True:
        loop, answer, data, at = waiting.get()
        seq = int.from_bytes(data[:4], "big")
        faces = recognise(data[4:], known, owners)
        total = (time.monotonic() - at) * 1000
        text = json.dumps(
            {"type": "result", "seq": seq, "faces": faces, "dropped": 0, "ms": {"total": total}}
        )
        loop.call_soon_threadsafe(answer.put_nowait, text)


async def main() -> None:
    """Serve until the process is ended."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--known", type=Path, required=True)
    options = parser.parse_args()
    stored = np.load(options.known)
    waiting: queue.Queue[Any] = queue.Queue()
    threading.Thread(
        target=work, args=(waiting, stored["vectors"], list(map(str, stored["owners"]))), daemon=True
    ).start()

    async def camera(stream: ServerConnection) -> None:
        answers: asyncio.Queue[str] = asyncio.Queue()

        async def reply() -> None:
            while True:
                await stream.send(await answers.get())

        replying = asyncio.create_task(reply())
        await stream.send(json.dumps({"type": "ready"}))
        async for data in stream:
            waiting.put((asyncio.get_running_loop(), answers, data, time.monotonic()))
        replying.cancel()

    async with serve(camera, "127.0.0.1", options.port, compression=None, max_size=None):
        await asyncio.get_running_loop().create_future()


if __name__ == "__main__":
    asyncio.run(main())
