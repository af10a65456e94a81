"""The load generator of `benchmarks.streams`: cameras in one process that send prepared JPEGs and time the answers."""

from __future__ import annotations

import asyncio
import json
import random
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

SCENE_SECONDS = 3.0
# A frame without an answer for this long counts as lost.
LOST_SECONDS = 8.0


class Tally:
    """The totals of all cameras; dictionaries are by session, or by session and student."""

    def __init__(self) -> None:
        self.sent = 0
        self.latencies: list[float] = []
        self.marked: set[tuple[str, str]] = set()
        self.shown: dict[tuple[str, str], float] = {}
        self.advised: dict[str, float] = {}
        self.waited: dict[str, float] = {}
        self.answered: dict[str, asyncio.Event] = {}


async def camera(spec: dict[str, Any], session: str, scenes: list[dict[str, Any]], tally: Tally) -> None:
    """Send the frames of one camera: a scene for three seconds, then the next."""
    headers = {"Authorization": f"Token {spec['token']}"}
    address = f"ws://127.0.0.1:{spec['port']}/ws/sessions/{session}/camera/"
    async with connect(
        address, additional_headers=headers, compression=None, max_size=None, open_timeout=60
    ) as stream:
        at: dict[int, float] = {}
        answered = tally.answered[session] = asyncio.Event()
        listening = asyncio.create_task(listen(stream, session, at, tally))
        await asyncio.sleep(random.random() / spec["fps"])
        began, seq = time.monotonic(), 0
        due, rate = began, spec["fps"]
        while (now := time.monotonic()) - began < spec["seconds"]:
            scene = scenes[int((now - began) / SCENE_SECONDS) % len(scenes)]
            for student in scene["students"]:
                tally.shown[session, student] = tally.shown.get((session, student), 0) + 1
            at[seq] = now
            answered.clear()
            await stream.send(seq.to_bytes(4, "big") + scene["data"][seq % len(scene["data"])])
            tally.sent += 1
            seq += 1
            before, rate = rate, spec["fps"]
            if spec["advised"]:
                # As the product's page sends: one frame at a time. Cameras that get a new rate at the same time begin
                # it at random moments, and one whose frame waited sends that much later from then on.
                with suppress(TimeoutError):
                    await asyncio.wait_for(answered.wait(), LOST_SECONDS)
                rate = min(rate, tally.advised.get(session, rate))
                due += tally.waited.pop(session, 0.0)
            due = max(due + (1 if rate == before else random.random()) / rate, time.monotonic())
            await asyncio.sleep(due - time.monotonic())
        await asyncio.sleep(2)
        listening.cancel()


async def listen(stream: ClientConnection, session: str, at: dict[int, float], tally: Tally) -> None:
    """Record the times of the answers, the marks and the advised rate."""
    with suppress(ConnectionClosed):
        async for text in stream:
            message = json.loads(text)
            if message["type"] == "result":
                tally.latencies.append((time.monotonic() - at[message["seq"]]) * 1000)
                tally.waited[session] = message["ms"]["queue"] / 1000
                tally.answered[session].set()
                for face in message["faces"]:
                    if face["student"]:
                        tally.marked.add((session, face["student"]["id"]))
            elif message["type"] == "error":
                tally.answered[session].set()
            elif message["type"] == "mark":
                tally.marked.add((session, message["student"]["id"]))
            elif message["type"] in {"ready", "advice"}:
                tally.advised[session] = message["advice"]["fps"]


async def main() -> None:
    """Run the specification in the file that the argument names; print the totals as JSON."""
    spec = json.loads(Path(sys.argv[1]).read_text())
    for scenes in spec["scenes"].values():
        for scene in scenes:
            scene["data"] = [Path(name).read_bytes() for name in scene["frames"]]
    tally, rng = Tally(), random.Random(3)
    cameras = []
    for session, number in spec["cameras"]:
        scenes = rng.sample(spec["scenes"][str(number)], len(spec["scenes"][str(number)]))
        cameras.append(camera(spec, session, scenes, tally))
    before = time.process_time()
    await asyncio.gather(*cameras)
    missed = sum(count >= 3 and pair not in tally.marked for pair, count in tally.shown.items())
    print(
        json.dumps(
            {
                "sent": tally.sent,
                "latencies": tally.latencies,
                "marks": len(tally.marked),
                "wrong": len(tally.marked - tally.shown.keys()),
                "missed": missed,
                "cpu": time.process_time() - before,
            }
        )
    )


if __name__ == "__main__":
    asyncio.run(main())
