"""The cost of measuring: the monitor's calls for a frame in queue and pipeline, compared with the frame itself.

`python -m benchmarks.monitor [--seconds S]` prints the table and writes var/bench/monitor.json. The frame shows nobody,
which takes least, or one person of the class. Both are processor time in the same run, because a run with measuring and
one without differ by less than the noise of the machine.
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
# How often a process stores its figures for the others.
ROUND_SECONDS = 5.0


@dataclass(frozen=True, slots=True, eq=False)
class Row:
    """A kind of frame: the monitor's calls, and the processor time of these and of the frame."""

    name: str
    frames: int
    calls: float
    measuring_us: float
    frame_ms: float
    percent: float


class CountingMonitor(Monitor):
    """A monitor that counts its calls."""

    def __init__(self) -> None:
        super().__init__()
        self.calls = 0

    def observe(self, stage: str, milliseconds: float) -> None:
        self.calls += 1
        super().observe(stage, milliseconds)

    def count(self, name: str, by: int = 1) -> None:
        self.calls += 1
        super().count(name, by)


class ClassGallery:
    """The gallery of one class, without Redis and PostgreSQL."""

    def __init__(self, templates: Array) -> None:
        self.gallery = Gallery.build(templates, [str(row) for row in range(len(templates))])

    def search(self, probes: Mapping[str, Array], k: int = 2) -> dict[str, SearchResult]:
        """Return the nearest subjects, as `Galleries.search` does."""
        return {
            name: SearchResult(self.gallery.search(rows, k), self.gallery, "1")
            for name, rows in probes.items()
        }


def measure_frame(
    name: str, engine: Engine, gallery: ClassGallery, jpeg: bytes, *, seconds: float, call_us: float
) -> Row:
    """Measure one camera that sends each frame after the answer to the one before."""
    monitor, answered = CountingMonitor(), threading.Event()
    pipeline = FramePipeline(engine, cast(Galleries, gallery), monitor=monitor, largest_side=1024, quality=85)
    adviser = Adviser(workers=1, largest_side=1024, quality=85)
    frame_queue: FrameQueue[CameraContext, FrameResult | FrameError] = FrameQueue(
        pipeline.process, workers=1, monitor=monitor, adviser=adviser
    )

    def on_answer(answer: FrameAnswer[FrameResult | FrameError]) -> None:
        assert isinstance(answer.result, FrameResult)
        answered.set()

    def send_frame(seq: int) -> None:
        answered.clear()
        camera.put(seq, jpeg)
        assert answered.wait(10)

    camera = frame_queue.open(CameraContext("class"), on_answer)
    send_frame(0)  # the first frame compiles the networks
    frames, monitor.calls = 0, 0
    began, until = time.process_time(), time.monotonic() + seconds
    while time.monotonic() < until:
        frames += 1
        send_frame(frames)
    frame_ms = (time.process_time() - began) * 1000 / frames
    frame_queue.stop()
    calls = monitor.calls / frames
    return Row(name, frames, calls, calls * call_us, frame_ms, calls * call_us / frame_ms / 10)


def call_microseconds(threads: int) -> float:
    """Return the microseconds of processor time of one measurement, while so many threads measure."""
    monitor = Monitor()

    def measure_often(number: int) -> None:
        for _ in range(CALLS):
            monitor.observe("detect", 7.3 + number)

    def all_threads() -> None:
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(measure_often, range(threads)))

    best = min(timeit.repeat(all_threads, number=1, repeat=5, timer=time.process_time))
    return best / (CALLS * threads) * 1e6


def publish_microseconds() -> float:
    """Return the microseconds to prepare a process's figures for Redis, with all stages measured."""
    monitor = Monitor()
    for stage in ("queue", "decode", "detect", "align", "encode", "match", "total", "gallery_build", "cache"):
        for cost in np.geomspace(0.02, 5000, 200):
            monitor.observe(stage, float(cost))
    return min(timeit.repeat(lambda: json.dumps(monitor.figures().as_json()), number=20, repeat=5)) / 20 * 1e6


def main() -> None:
    """Measure, print and write the rows."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=5.0, help="of each kind of frame")
    seconds = parser.parse_args().seconds
    alone, beside_another = call_microseconds(1), call_microseconds(2)
    (portrait,) = portraits(1)
    nobody = np.full((480, 640, 3), 96, np.uint8)
    with Engine.load(cache_size=0) as engine:
        (face,) = engine.analyse(portrait)
        gallery = ClassGallery(face.template[None])
        rows = [
            measure_frame(
                name, engine, gallery, encode_jpeg(frame, 85), seconds=seconds, call_us=beside_another
            )
            for name, frame in (
                ("nobody", nobody),
                ("one person", crowd([portrait], (640, 480), side=250, across=1)),
            )
        ]
    round_us = publish_microseconds()
    print(f"one measurement: {alone:.2f} us in one thread, {beside_another:.2f} us beside another")
    print(
        f"figures for the others: {round_us:.0f} us every {ROUND_SECONDS:.0f} s, {round_us / ROUND_SECONDS / 1e4:.4f} %"
    )
    print(f"{'frame of 640x480':20} {'frames':>7} {'calls':>6} {'measuring':>10} {'frame':>9} {'share':>8}")
    for row in rows:
        print(
            f"{row.name:20} {row.frames:7} {row.calls:6.1f} {row.measuring_us:7.1f} us "
            f"{row.frame_ms:6.1f} ms {row.percent:7.3f} %"
        )
    target = ROOT / "var" / "bench" / "monitor.json"
    target.parent.mkdir(parents=True, exist_ok=True)
    costs = {"call_us": alone, "call_us_beside_another": beside_another, "round_us": round_us}
    target.write_text(json.dumps({**costs, "rows": [asdict(row) for row in rows]}, indent=1))


if __name__ == "__main__":
    main()
