"""What measuring costs: the calls of a frame on its whole way through queue and recogniser, against the frame itself.

`python -m benchmarks.monitor [--seconds S]` prints the table and writes var/bench/monitor.json. The frame shows nobody,
the cheapest there is, or one person of the class. Both sides are processor time of this run: a run with measuring
against one without would differ by less than the machine's own unrest.
"""

from __future__ import annotations

import argparse
import json
import threading
import time
import timeit
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import cast

import numpy as np

from benchmarks.frames import crowd, portraits
from recognition.engine import Engine
from recognition.engine.gallery import Gallery
from recognition.engine.images.image import encode_jpeg
from recognition.engine.types import Array
from recognition.galleries import Galleries, SearchResult
from recognition.streams.frame_pipeline import FramePipeline
from recognition.streams.frame_results import CameraContext, FrameError, FrameResult
from recognition.streams.pacing import Adviser
from recognition.streams.queue import FrameAnswer, FrameQueue
from recognition.telemetry.monitor import Monitor

ROOT = Path(__file__).resolve().parent.parent
CALLS = 20_000
ROUND_SECONDS = 5.0
"""How often a process leaves its figures for the others."""


@dataclass(frozen=True, slots=True, eq=False)
class Row:
    """A frame: how often it is measured, what that takes, and what the frame takes (processor time)."""

    what: str
    frames: int
    calls: float
    measuring_us: float
    frame_ms: float
    percent: float


class Counting(Monitor):
    """Knows how often it was called."""

    def __init__(self) -> None:
        super().__init__()
        self.calls = 0

    def observe(self, stage: str, milliseconds: float) -> None:
        self.calls += 1
        super().observe(stage, milliseconds)

    def count(self, name: str, by: int = 1) -> None:
        self.calls += 1
        super().count(name, by)


class Shelf:
    """The gallery of one class, without Redis and PostgreSQL."""

    def __init__(self, templates: Array) -> None:
        self.gallery = Gallery.build(templates, [str(row) for row in range(len(templates))])

    def search(self, probes: Mapping[str, Array], k: int = 2) -> dict[str, SearchResult]:
        """As `Galleries.search`."""
        return {
            name: SearchResult(self.gallery.search(rows, k), self.gallery, "1")
            for name, rows in probes.items()
        }


def of_a_frame(
    what: str, engine: Engine, shelf: Shelf, jpeg: bytes, *, seconds: float, call_us: float
) -> Row:
    """One camera that sends its next frame when the last was answered."""
    monitor, answered = Counting(), threading.Event()
    eyes = FramePipeline(engine, cast(Galleries, shelf), monitor=monitor, largest_side=1024, quality=85)
    adviser = Adviser(workers=1, largest_side=1024, quality=85)
    streams: FrameQueue[CameraContext, FrameResult | FrameError] = FrameQueue(
        eyes.process, workers=1, monitor=monitor, adviser=adviser
    )

    def heard(answer: FrameAnswer[FrameResult | FrameError]) -> None:
        assert isinstance(answer.result, FrameResult)
        answered.set()

    def ask(seq: int) -> None:
        answered.clear()
        camera.put(seq, jpeg)
        assert answered.wait(10)

    camera = streams.open(CameraContext("class"), heard)
    ask(0)  # compiles what this kind of frame needs
    frames, monitor.calls = 0, 0
    began, until = time.process_time(), time.monotonic() + seconds
    while time.monotonic() < until:
        frames += 1
        ask(frames)
    frame_ms = (time.process_time() - began) * 1000 / frames
    streams.stop()
    calls = monitor.calls / frames
    return Row(what, frames, calls, calls * call_us, frame_ms, calls * call_us / frame_ms / 10)


def a_call(threads: int) -> float:
    """Microseconds of processor time of one measurement, while so many threads measure."""
    monitor = Monitor()

    def many(number: int) -> None:
        for _ in range(CALLS):
            monitor.observe("detect", 7.3 + number)

    def all_of_them() -> None:
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(many, range(threads)))

    best = min(timeit.repeat(all_of_them, number=1, repeat=5, timer=time.process_time))
    return best / (CALLS * threads) * 1e6


def a_round() -> float:
    """Microseconds to make this process's figures ready for the others, all stages measured."""
    monitor = Monitor()
    for stage in ("queue", "decode", "detect", "align", "encode", "match", "total", "gallery_build", "cache"):
        for cost in np.geomspace(0.02, 5000, 200):
            monitor.observe(stage, float(cost))
    return min(timeit.repeat(lambda: json.dumps(monitor.figures().as_json()), number=20, repeat=5)) / 20 * 1e6


def main() -> None:
    """Measure, print and keep."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=5.0, help="of each kind of frame")
    seconds = parser.parse_args().seconds
    alone, together = a_call(1), a_call(2)
    (portrait,) = portraits(1)
    nobody = np.full((480, 640, 3), 96, np.uint8)
    with Engine.load(cache_size=0) as engine:
        (face,) = engine.analyse(portrait)
        shelf = Shelf(face.template[None])
        rows = [
            of_a_frame(what, engine, shelf, encode_jpeg(frame, 85), seconds=seconds, call_us=together)
            for what, frame in (
                ("nobody", nobody),
                ("one person", crowd([portrait], (640, 480), side=250, across=1)),
            )
        ]
    made = a_round()
    print(f"one measurement: {alone:.2f} us in one thread, {together:.2f} us beside another")
    print(
        f"figures for the others: {made:.0f} us every {ROUND_SECONDS:.0f} s, {made / ROUND_SECONDS / 1e4:.4f} %"
    )
    print(f"{'frame of 640x480':20} {'frames':>7} {'calls':>6} {'measuring':>10} {'frame':>9} {'share':>8}")
    for row in rows:
        print(
            f"{row.what:20} {row.frames:7} {row.calls:6.1f} {row.measuring_us:7.1f} us "
            f"{row.frame_ms:6.1f} ms {row.percent:7.3f} %"
        )
    target = ROOT / "var" / "bench" / "monitor.json"
    target.parent.mkdir(parents=True, exist_ok=True)
    told = {"call_us": alone, "call_us_beside_another": together, "round_us": made}
    target.write_text(json.dumps({**told, "rows": [asdict(row) for row in rows]}, indent=1))


if __name__ == "__main__":
    main()
