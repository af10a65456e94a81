"""How fast the engine is beside face_recognition: both sides in this run, on the same frames, as ratios.

`python -m benchmarks.engine [--frames N]` prints the table and writes var/bench/engine.json. The pictures are
portraits of `../shared/lfw` set into frames. The baseline is the library's own path: HOG enlarged once, five points,
encoder. Sides take turns. Rows of one thread compare medians of processor time, which other programs on the machine
disturb less than the clock; rows of several threads need the clock, and with it a quiet machine.
"""

import argparse
import json
import statistics
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import numpy as np
import psutil

from benchmarks.frames import crowd, portraits
from recognition.engine import Engine
from recognition.engine.embedding.align import Aligner
from recognition.engine.reference import library
from recognition.engine.tracking.tracker import Tracker
from recognition.engine.types import Pixels

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True, slots=True, eq=False)
class Row:
    """One line: milliseconds (or what `unit` says) of both sides, how many times better, and what was wanted."""

    what: str
    library: float
    engine: float
    ratio: float
    wanted: str
    unit: str = "ms"


def alternate(baseline: Callable[[], object], ours: Callable[[], object]) -> tuple[float, float]:
    """Median milliseconds of processor time of both, taking turns, ours three times a turn."""
    slow, quick = [], []
    ours()
    for _ in range(5):
        slow.append(processor(baseline))
        quick += [processor(ours) for _ in range(3)]
    return statistics.median(slow), statistics.median(quick)


def processor(work: Callable[[], object]) -> float:
    """Milliseconds of processor time of one call, whatever its threads are."""
    start = time.process_time()
    work()
    return (time.process_time() - start) * 1000


def row(what: str, baseline: float, ours: float, wanted: str) -> Row:
    """A line of times."""
    return Row(what, baseline, ours, baseline / ours, wanted)


def library_frame(rgb: Pixels) -> None:
    """What a user of face_recognition does with a frame."""
    api = library()
    api.face_encodings(rgb, api.face_locations(rgb))


def library_chips(chips: Pixels) -> None:
    """The library's encoder alone."""
    for chip in chips:
        library().face_encoder.compute_face_descriptor(chip)


def equality(pictures: Sequence[Pixels]) -> Row:
    """The largest L2 between the embeddings of both, through the whole path with HOG."""
    api, worst, faces = library(), 0.0, 0
    with Engine.load(detector="hog", precision="f32") as engine:
        for rgb in pictures:
            theirs = api.face_encodings(rgb, api.face_locations(rgb))
            for face, embedding in zip(engine.analyse(rgb), theirs, strict=True):
                worst, faces = max(worst, float(np.linalg.norm(face.embedding - embedding))), faces + 1
    return Row(f"embedding, {faces} faces, hog, whole path", 0, worst, 1e-4 / worst, "at most 1e-4", "L2")


def encoder_rows(engine: Engine, chips: Pixels) -> list[Row]:
    """The network alone, one chip and ten."""
    rows = []
    for count, wanted in ((1, "f32 x17, bf16 x30"), (10, "f32 x20, bf16 x36")):
        times = alternate(partial(library_chips, chips[:count]), partial(engine.embed, chips[:count]))
        rows.append(row(f"encoder, {count} face(s)", *times, wanted))
    return rows


def frame_rows(engine: Engine, pictures: Sequence[Pixels]) -> list[Row]:
    """A whole frame of 640x480: boxes, embeddings and templates."""
    rows = []
    for count, across, side, wanted in ((1, 1, 250, "x8"), (10, 4, 150, "x16")):
        frame = crowd(pictures[:count], (640, 480), side=side, across=across)
        found = len(engine.detect(frame)), len(library().face_locations(frame))
        times = alternate(partial(library_frame, frame), partial(engine.analyse, frame))
        rows.append(
            row(f"frame 640x480, {count} face(s) (found {found[0]}; library {found[1]})", *times, wanted)
        )
    return rows


def tracked_row(engine: Engine, pictures: Sequence[Pixels]) -> Row:
    """Thirty people in view for ten seconds at five frames a second; the library encodes each face each time."""
    frames = [crowd(pictures[:30], (1024, 768), side=145, across=6, shake=at) for at in range(50)]
    tracker = Tracker()
    times = [processor(partial(track, engine, tracker, frame, at / 5)) for at, frame in enumerate(frames)]
    baseline = statistics.median(processor(partial(library_frame, frame)) for frame in frames[:3])
    return row("30 people for 10 s, tracked, mean of a frame", baseline, statistics.fmean(times), "x60")


def track(engine: Engine, tracker: Tracker, frame: Pixels, at: float) -> None:
    """One frame as the live pipeline takes it: only the faces whose track wants a look are encoded."""
    tracked = tracker.update(engine.detect(frame), at)
    wanted = [face for face in tracked if face.encode]
    faces = engine.encode(frame, [one.detection for one in wanted], quick=True)
    for one, face in zip(wanted, faces, strict=True):
        track_id = tracker.add_sample(one.track, face, at)
        tracker.set_named(track_id, named=len(tracker.samples(track_id)) >= 3)


def busy(threads: int, work: Callable[[], object], seconds: float) -> tuple[float, list[float]]:
    """Calls a second of `threads` threads, and how late (ms) a Python thread beside them wakes from 5 ms of sleep."""
    done, late = [0] * threads, []
    start = time.perf_counter()
    until = start + seconds

    def run(number: int) -> None:
        while time.perf_counter() < until:
            work()
            done[number] += 1

    running = [threading.Thread(target=run, args=(number,)) for number in range(threads)]
    for thread in running:
        thread.start()
    while (before := time.perf_counter()) < until:
        time.sleep(0.005)
        late.append((time.perf_counter() - before) * 1000 - 5)
    for thread in running:
        thread.join()
    return sum(done) / (time.perf_counter() - start), late


def parallel_rows(engine: Engine, reference: Engine, frame: Pixels, seconds: float) -> list[Row]:
    """Two threads against one (the best of three each, since others use the machine), a heartbeat beside four."""
    gain: list[float] = []
    beats: list[float] = []
    for side in (reference, engine):
        work = partial(side.analyse, frame)
        rates = [[busy(threads, work, seconds)[0] for threads in (1, 2)] for _ in range(3)]
        one, two = (max(column) for column in zip(*rates, strict=True))
        gain.append(two / one)
        beats.append(float(np.quantile(np.array(busy(4, work, 2 * seconds)[1]), 0.99)))
    return [
        Row("two workers against one", gain[0], gain[1], gain[1] / gain[0], "x1.8 (library x1.0)", "x"),
        Row(
            "heartbeat beside four busy threads, 99 % under", beats[0], beats[1], beats[0] / beats[1], "15 ms"
        ),
    ]


def memory_row(engine: Engine, frames: Sequence[Pixels], count: int) -> Row:
    """Resident memory after warming up and after `count` frames, on all workers."""
    process = psutil.Process()

    def work(frames_left: int) -> None:
        for at in range(0, frames_left, len(frames)):
            engine.analyse_batch(frames[: frames_left - at])

    work(50)
    before = process.memory_info().rss
    work(count)
    after = process.memory_info().rss
    return Row(
        f"memory before and after {count} frames",
        before / 2**20,
        after / 2**20,
        after / before,
        "within 5 %",
        "MiB",
    )


def measure(frames: int) -> Iterator[Row]:
    """All lines, in the order of the issue's table, each as soon as it is known."""
    pictures = portraits(30)
    aligner = Aligner(None)
    chips = np.stack([aligner.align(rgb, (70.0, 75.0, 180.0, 185.0)).chip for rgb in pictures[:10]])
    empty, one, two, three = (crowd(pictures[:count], (640, 480), side=200, across=3) for count in range(4))
    with Engine.load(cache_size=0) as engine, Engine.load(backend="reference", cache_size=0) as reference:
        print(json.dumps(engine.info(), indent=1))
        yield equality(pictures)
        yield from encoder_rows(engine, chips)
        yield from frame_rows(engine, pictures)
        yield tracked_row(engine, pictures)
        yield from parallel_rows(engine, reference, three, 2.0)
        yield memory_row(engine, [empty, one, two, three], frames)


def main() -> None:
    """Measure, print and keep."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--frames", type=int, default=500, help="frames of the memory line (the issue's: 10000)"
    )
    frames, rows = parser.parse_args().frames, []
    load = psutil.getloadavg()[0]
    print(f"load before the start: {load:.1f} on {psutil.cpu_count()} cores")
    print(f"{'what':58} {'library':>10} {'engine':>10} {'':4} {'ratio':>8}  wanted")
    for line in measure(frames):
        rows.append(asdict(line))
        print(
            f"{line.what:58} {line.library:10.4g} {line.engine:10.4g} {line.unit:4} {line.ratio:7.3g}x  {line.wanted}"
        )
    target = ROOT / "var" / "bench" / "engine.json"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps({"load": load, "rows": rows}, indent=1))


if __name__ == "__main__":
    main()
