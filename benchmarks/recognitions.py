"""Whether remembering searches pays: how often the clip asks again, and what asking memory, FAISS or Redis costs.

`python -m benchmarks.recognitions` prints the table and writes var/bench/recognitions.json. A class of thirty, three
photographs each, the man of the clip among them; every fifth frame, as cameras send, with the memory and without it.
The answers of both runs are compared number for number.
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
    """Every fifth frame of the clip as JPEG."""
    from recognition.engine.images.image import encode_jpeg
    from recognition.engine.opencv import cv2

    film = cv2.VideoCapture(str(material.clip()))
    frames = []
    while (read := film.read())[0]:
        frames.append(encode_jpeg(cv2.cvtColor(read[1], cv2.COLOR_BGR2RGB), 85))
    film.release()
    return frames[::STEP]


def run(class_id: str, frames: list[bytes], remember: float) -> tuple[list[Any], dict[str, int], Any]:
    """Every answer, what was counted, and the galleries that gave them."""
    from attendance.live.gallery_source import DatabaseSource
    from recognition.galleries import Galleries
    from recognition.process import engine
    from recognition.streams.frame_pipeline import FramePipeline
    from recognition.streams.frame_results import CameraContext, FrameResult
    from recognition.streams.queue import Frame
    from recognition.telemetry.monitor import Monitor

    monitor = Monitor()
    shelves = Galleries(DatabaseSource(), monitor=monitor, rebuild_seconds=3600, remember_seconds=remember)
    eyes = FramePipeline(engine(), shelves, monitor=monitor, largest_side=1024, quality=85)
    view, answers = CameraContext(class_id), []
    # The clock is the clip's (25 frames a second) and never behind, so that both runs look alike at the same faces.
    start = time.monotonic() + 3600
    for number, picture in enumerate(frames):
        (seen,) = eyes.process([Frame(view, number, picture, start + number * STEP / 25)])
        assert isinstance(seen, FrameResult)
        answers += [
            (number, face.track, face.decision.state, face.decision.id, face.decision.distance)
            for face in seen.faces
        ]
    return answers, dict(monitor.figures().counters), shelves


def microseconds(work: Callable[[], object]) -> float:
    """The median of one call."""
    taken = []
    for _ in range(LOOKUPS):
        started = time.perf_counter()
        work()
        taken.append((time.perf_counter() - started) * 1e6)
    return statistics.median(taken)


def costs(shelves: Any, class_id: str) -> dict[str, float]:
    """One template of somebody of the class, sought in the three ways."""
    from django.core.cache import cache

    held = shelves._loaded[class_id]
    probe = held.gallery._index.reconstruct(0)[None] + np.float32(0.01)
    shelves._search_remembered(held, probe, 4)
    cache.set("recognition", json.dumps([["0" * 36, 0.3]] * 4).encode())
    return {
        "from memory, us": microseconds(lambda: shelves._search_remembered(held, probe, 4)),
        "searched, us": microseconds(lambda: held.gallery.search(probe, 4)),
        "from Redis over its socket, us": microseconds(lambda: cache.get("recognition")),
    }


def measure() -> dict[str, Any]:
    """The table."""
    known = [material.people()["lin_manuel_miranda"], *material.lfw().values()]
    (room,) = school.enrol(list(itertools.islice(known, STUDENTS)), 1)
    frames = clip()
    with_memory, counted, shelves = run(room.class_id, frames, 3600)
    without, plain, _ = run(room.class_id, frames, 0)
    assert plain["recognition_hits"] == 0
    hits, misses = counted["recognition_hits"], counted["recognition_misses"]
    return {
        "frames": len(frames),
        "faces": len(with_memory),
        "searches asked for": hits + misses,
        "from memory, percent": 100 * hits / (hits + misses),
        "answers that differ": sum(a != b for a, b in itertools.zip_longest(with_memory, without)),
        "named": sum(answer[3] is not None for answer in with_memory),
        **costs(shelves, room.class_id),
    }


def main() -> None:
    """Print the table, keep the figures."""
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
