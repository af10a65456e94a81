"""Remembered searches: how often a clip repeats a search, and the time of memory, FAISS and Redis for it.

`python -m benchmarks.recognitions` prints the table and writes var/bench/recognitions.json. A class of thirty with
three photographs each, the man of the clip among them; every fifth frame, as cameras send, with and without memory. The
results of both runs must be equal.
"""

from __future__ import annotations

import itertools
import json
import os
import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.sockets import school
from benchmarks.sockets.school import ROOT, STUDENTS
from tests import material

STEP = 5
LOOKUPS = 2000


def clip() -> list[bytes]:
    """Return every fifth frame of the clip as JPEG."""
    from recognition.engine.images.image import encode_jpeg
    from recognition.engine.opencv import cv2

    film = cv2.VideoCapture(str(material.clip()))
    frames = []
    while (read := film.read())[0]:
        frames.append(encode_jpeg(cv2.cvtColor(read[1], cv2.COLOR_BGR2RGB), 85))
    film.release()
    return frames[::STEP]


def run(class_id: str, frames: list[bytes], remember: float) -> tuple[list[Any], dict[str, int], Any]:
    """Return each face's decision, the counters, and the galleries that were searched."""
    from attendance.live.gallery_source import DatabaseSource
    from recognition.galleries import Galleries
    from recognition.shared_engine import engine
    from recognition.streams.frame_pipeline import FramePipeline
    from recognition.streams.frame_results import CameraContext, FrameResult
    from recognition.streams.queue import Frame
    from recognition.telemetry.monitor import Monitor

    monitor = Monitor()
    galleries = Galleries(DatabaseSource(), monitor=monitor, rebuild_seconds=3600, remember_seconds=remember)
    pipeline = FramePipeline(engine(), galleries, monitor=monitor, largest_side=1024, quality=85)
    camera, answers = CameraContext(class_id), []
    # Times are those of the clip (25 frames a second) and never late, so that both runs process the same faces.
    start = time.monotonic() + 3600
    for number, picture in enumerate(frames):
        (result,) = pipeline.process([Frame(camera, number, picture, start + number * STEP / 25)])
        assert isinstance(result, FrameResult)
        answers += [
            (number, face.track, face.decision.state, face.decision.id, face.decision.distance)
            for face in result.faces
        ]
    return answers, dict(monitor.figures().counters), galleries


def microseconds(work: Callable[[], object]) -> float:
    """Return the median time of a call."""
    taken = []
    for _ in range(LOOKUPS):
        started = time.perf_counter()
        work()
        taken.append((time.perf_counter() - started) * 1e6)
    return statistics.median(taken)


def costs(galleries: Any, class_id: str) -> dict[str, float]:
    """Return the times to search one template of a student in the three ways."""
    from django.core.cache import cache

    held = galleries._loaded[class_id]
    probe = held.gallery._index.reconstruct(0)[None] + np.float32(0.01)
    galleries._search_remembered(held, probe, 4)
    cache.set("recognition", json.dumps([["0" * 36, 0.3]] * 4).encode())
    return {
        "from memory, us": microseconds(lambda: galleries._search_remembered(held, probe, 4)),
        "searched, us": microseconds(lambda: held.gallery.search(probe, 4)),
        "from Redis over its socket, us": microseconds(lambda: cache.get("recognition")),
    }


def measure() -> dict[str, Any]:
    """Return the rows of the table."""
    known = [material.people()["lin_manuel_miranda"], *material.lfw().values()]
    (room,) = school.enrol(list(itertools.islice(known, STUDENTS)), 1)
    frames = clip()
    with_memory, counters, galleries = run(room.class_id, frames, 3600)
    without, counters_without, _ = run(room.class_id, frames, 0)
    assert counters_without["recognition_hits"] == 0
    hits, misses = counters["recognition_hits"], counters["recognition_misses"]
    return {
        "frames": len(frames),
        "faces": len(with_memory),
        "searches asked for": hits + misses,
        "from memory, percent": 100 * hits / (hits + misses),
        "answers that differ": sum(a != b for a, b in itertools.zip_longest(with_memory, without)),
        "named": sum(answer[3] is not None for answer in with_memory),
        **costs(galleries, room.class_id),
    }


def main() -> None:
    """Print the table and write the figures."""
    with school.servers():
        from recognition.process import PROCESS

        table = measure()
        PROCESS.stop()
    for what, value in table.items():
        print(f"{what:36} {value:12,.1f}" if isinstance(value, float) else f"{what:36} {value:12,}")
    out = ROOT / "var" / "bench" / "recognitions.json"
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps({"cores": os.cpu_count(), **table}, indent=1))


if __name__ == "__main__":
    main()
