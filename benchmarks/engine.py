"""The speed of the engine and of face_recognition: both in the same run, on the same frames, as ratios.

`python -m benchmarks.engine [--frames N]` prints the table and writes var/bench/engine.json. Frames are
composed of portraits of Labeled Faces in the Wild. The baseline is the library's own path: HOG enlarged once, five
points, encoder. Both alternate. Rows of one thread compare medians of processor time, which other programs disturb less
than the clock; rows of several threads use the clock, and need an idle machine.
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
    """A row: milliseconds (or `unit`) of both, their ratio, and the target."""

    what: str
    library: float
    engine: float
    ratio: float
    wanted: str
    unit: str = "ms"


def alternate(baseline: Callable[[], object], ours: Callable[[], object]) -> tuple[float, float]:
    """Return the median milliseconds of processor time of both, alternating, ours three times as often."""
    slow, quick = [], []
    ours()
    for _ in range(5):
        slow.append(processor(baseline))
        quick += [processor(ours) for _ in range(3)]
    return statistics.median(slow), statistics.median(quick)


def processor(work: Callable[[], object]) -> float:
    """Return the milliseconds of processor time of one call, over all threads."""
    start = time.process_time()
    work()
    return (time.process_time() - start) * 1000


def row(what: str, baseline: float, ours: float, wanted: str) -> Row:
    """Return a row of times."""
    return Row(what, baseline, ours, baseline / ours, wanted)


def library_frame(rgb: Pixels) -> None:
    """Process a frame as users of face_recognition do."""
    api = library()
    api.face_encodings(rgb, api.face_locations(rgb))


def library_chips(chips: Pixels) -> None:
    """Encode chips with the library."""
    for chip in chips:
        library().face_encoder.compute_face_descriptor(chip)


def equality(pictures: Sequence[Pixels]) -> Row:
    """Return the largest L2 distance between the embeddings of both, through the whole path with HOG."""
    api, worst, faces = library(), 0.0, 0
    with Engine.load(detector="hog", precision="f32") as engine:
        for rgb in pictures:
            library_embeddings = api.face_encodings(rgb, api.face_locations(rgb))
            for face, embedding in zip(engine.analyse(rgb), library_embeddings, strict=True):
                worst, faces = max(worst, float(np.linalg.norm(face.embedding - embedding))), faces + 1
    return Row(f"embedding, {faces} faces, hog, whole path", 0, worst, 1e-4 / worst, "at most 1e-4", "L2")


def encoder_rows(engine: Engine, chips: Pixels) -> list[Row]:
    """Measure the encoder on one chip and on ten."""
    rows = []
    for count, wanted in ((1, "f32 x17, bf16 x30"), (10, "f32 x20, bf16 x36")):
        times = alternate(partial(library_chips, chips[:count]), partial(engine.embed, chips[:count]))
        rows.append(row(f"encoder, {count} face(s)", *times, wanted))
    return rows


def frame_rows(engine: Engine, pictures: Sequence[Pixels]) -> list[Row]:
    """Measure whole frames of 640x480: boxes, embeddings and templates."""
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
    """Measure thirty people in view for ten seconds at five frames a second; the library encodes all in each frame."""
    frames = [crowd(pictures[:30], (1024, 768), side=145, across=6, shake=at) for at in range(50)]
    tracker = Tracker()
    times = [processor(partial(track, engine, tracker, frame, at / 5)) for at, frame in enumerate(frames)]
    baseline = statistics.median(processor(partial(library_frame, frame)) for frame in frames[:3])
    return row("30 people for 10 s, tracked, mean of a frame", baseline, statistics.fmean(times), "x60")


def track(engine: Engine, tracker: Tracker, frame: Pixels, at: float) -> None:
    """Process a frame as the live pipeline does: only the faces that the tracker asks for are encoded."""
    tracked = tracker.update(engine.detect(frame), at)
    to_encode = [face for face in tracked if face.encode]
    faces = engine.encode(frame, [face.detection for face in to_encode], quick=True)
    for requested, face in zip(to_encode, faces, strict=True):
        track_id = tracker.add_sample(requested.track, face, at)
        tracker.set_named(track_id, named=len(tracker.samples(track_id)) >= 3)


def busy(threads: int, work: Callable[[], object], seconds: float) -> tuple[float, list[float]]:
    """Return the calls a second of `threads` threads, and how late (ms) another thread wakes from 5 ms of sleep."""
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
    """Measure two threads against one (the best of three each), and a heartbeat beside four."""
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
    """Measure resident memory after warming up and after `count` frames, on all workers."""
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
    """Yield all rows, each as soon as it is measured."""
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
    """Measure, print and write the rows."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", type=int, default=500, help="frames of the memory row")
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
