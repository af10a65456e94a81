"""Many cameras through Daphne and the sockets: answers in time, marks that are right, and what the seed design does.

`python -m benchmarks.streams [--seconds S] [--cameras N ...]` prints the table and writes var/bench/streams.json.
Classes of thirty with three enrolled photographs each; cameras send 640x480 frames of which 60 % show one face of their
class, 30 % two, 10 % none, each scene for three seconds, with a sensor's noise; corridors show nobody in nine scenes of
ten, but plain grey. The load comes from one process with prepared JPEGs, whose processor time is part of the table: it
takes its share of the same cores.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from benchmarks.frames import crowd
from benchmarks.sockets import school
from benchmarks.sockets.school import ROOT, Room
from recognition.engine.images.image import decode, encode_jpeg
from tests import material

SIZE = (640, 480)
SCENES, SHAKES = 20, 3
NOISE = 4.0
"""Standard deviation of each pixel, in steps of 255: the pictures of a scene differ in all of them."""
GROUPS = ("usual", "climb", "advised", "corridors", "full")


@dataclass(frozen=True, slots=True, eq=False)
class Load:
    """Cameras, frames a second of each, and how often a frame shows none, one, two ... faces.

    `advised`: no more frames a second than the server asks for, as the product's own page does.
    """

    name: str
    cameras: int
    fps: float
    faces: tuple[float, ...]
    advised: bool = False


USUAL = (0.1, 0.6, 0.3)
CORRIDOR = (0.9, 0.07, 0.03)


@dataclass(frozen=True, slots=True, eq=False)
class Row:
    """What came of a load; milliseconds from send to answer, marks by who was really in the picture."""

    way: str
    load: str
    sent: int
    dropped_percent: float
    p50: float
    p95: float
    marks: int
    wrong: int
    missed: int
    server_mb: float
    server_cores: float
    generator_cores: float


def prepare(rooms: Sequence[Room], folder: Path, faces: tuple[float, ...]) -> dict[str, Any]:
    """JPEGs of scenes of each class, and who is in them: written once, read by the generator."""
    rng, sensor = random.Random(7), np.random.default_rng(7)
    scenes: dict[str, list[dict[str, Any]]] = {}
    for number, room in enumerate(rooms):
        scenes[str(number)] = []
        for scene in range(SCENES):
            shown = rng.sample(range(len(room.students)), rng.choices(range(len(faces)), faces)[0])
            pictures = [decode(rng.choice(room.probes[who]).read_bytes()) for who in shown]
            names = []
            for shake in range(SHAKES):
                across = max(1, min(3, len(pictures)))
                rgb = crowd(pictures, SIZE, side=200, across=across, shake=shake + 1)
                taken = np.clip(rgb + sensor.normal(0, NOISE, rgb.shape), 0, 255).astype(np.uint8)
                path = folder / f"{number}-{scene}-{shake}.jpg"
                path.write_bytes(encode_jpeg(taken, 85))
                names.append(str(path))
            scenes[str(number)].append({"frames": names, "students": [room.students[who] for who in shown]})
    return {"scenes": scenes}


def measure(way: str, load: Load, seconds: float, spec: dict[str, Any], command: Sequence[str]) -> Row:
    """One load on one server, both fresh."""
    with school.served(*command) as (port, process), tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        given = {**spec, "port": port, "seconds": seconds, "fps": load.fps, "advised": load.advised}
        json.dump(given, file)
        file.flush()
        server = psutil.Process(process.pid)
        before = sum(server.cpu_times()[:2])
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks.sockets.generator", file.name],
            cwd=ROOT,
            check=True,
            capture_output=True,
        )
        used = (sum(server.cpu_times()[:2]) - before) / seconds
        memory = server.memory_info().rss / 2**20
    found = json.loads(done.stdout)
    latencies = np.array(found["latencies"] or [float("nan")])
    unanswered = found["sent"] - len(found["latencies"])
    return Row(
        way,
        load.name,
        found["sent"],
        100 * unanswered / max(1, found["sent"]),
        float(np.percentile(latencies, 50)),
        float(np.percentile(latencies, 95)),
        found["marks"],
        found["wrong"],
        found["missed"],
        memory,
        used,
        found["cpu"] / seconds,
    )


def known_to_the_seed(rooms: Sequence[Room], people: Sequence[tuple[Path, ...]], folder: Path) -> Path:
    """The enrolled photographs as face_recognition encodes them."""
    from recognition.engine.reference import library

    vectors, owners = [], []
    for number, room in enumerate(rooms):
        for at, student in enumerate(room.students):
            path = people[number * school.STUDENTS + at][0]
            encodings = library().face_encodings(decode(path.read_bytes()))
            if encodings:
                vectors.append(encodings[0])
                owners.append(student)
    path = folder / "known.npz"
    np.savez(path, vectors=np.stack(vectors), owners=np.array(owners))
    return path


def loads(cameras: Sequence[int]) -> dict[str, list[Load]]:
    """The issue's own, the climb at one frame a second, the same with the product's manners, and fuller frames."""
    return {
        "usual": [Load("50 cameras, 2 frames/s", 50, 2, USUAL)],
        "climb": [Load(f"{count} cameras, 1 frame/s", count, 1, USUAL) for count in cameras],
        "advised": [Load(f"{count} cameras, as advised", count, 2, USUAL, advised=True) for count in cameras],
        "corridors": [
            Load(f"{count} cameras, 1 frame/s, corridors", count, 1, CORRIDOR) for count in cameras
        ],
        "full": [
            Load("20 cameras, 1 frame/s, 3 faces", 20, 1, (0, 0, 0, 1)),
            Load("20 cameras, 1 frame/s, 5 faces", 20, 1, (0, 0, 0, 0, 0, 1)),
        ],
    }


def main() -> None:
    """Print the table, keep the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--cameras", type=int, nargs="*", default=[40, 60, 80, 100])
    parser.add_argument("--classes", type=int, default=3)
    parser.add_argument("--loads", nargs="*", choices=GROUPS, default=list(GROUPS))
    parser.add_argument("--no-baseline", action="store_true")
    options = parser.parse_args()
    people = [paths for paths in material.lfw().values() if len(paths) > school.ENROLLED + 1]
    rows = []
    with school.servers(), tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        rooms = school.enrol(people, options.classes)
        token = school.administrator_token()
        known = None if options.no_baseline else known_to_the_seed(rooms, people, folder)
        wanted = [load for group in options.loads for load in loads(options.cameras)[group]]
        for load in wanted:
            cameras = school.sessions(rooms, load.cameras)
            spec = {**prepare(rooms, folder, load.faces), "token": token, "cameras": cameras}
            rows.append(measure("Rollcall", load, options.seconds, spec, ["launcher.server"]))
            print(line(rows[-1]), flush=True)
            if known is not None and load is wanted[0]:
                seed = ["benchmarks.sockets.seed_server", "--known", str(known)]
                rows.append(measure("seed design", load, options.seconds, spec, seed))
                print(line(rows[-1]), flush=True)
    out = ROOT / "var" / "bench" / "streams.json"
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps({"cores": os.cpu_count(), "rows": [asdict(row) for row in rows]}, indent=1))


def line(row: Row) -> str:
    """A row for the screen."""
    return (
        f"{row.way:12} {row.load:32} {row.sent:5} sent {row.dropped_percent:5.1f} % dropped  "
        f"p50 {row.p50:6.0f} ms  p95 {row.p95:6.0f} ms  {row.marks:3} marks ({row.wrong} wrong, "
        f"{row.missed} missed)  {row.server_mb:4.0f} MB  {row.server_cores:.2f} + {row.generator_cores:.2f} cores"
    )


if __name__ == "__main__":
    main()
