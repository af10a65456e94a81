"""Many cameras through Daphne and the sockets: late answers and wrong marks, with `face_recognition` as baseline.

`python -m benchmarks.streams [--seconds S] [--cameras N ...]` prints the table and writes var/bench/streams.json.
Classes of thirty with three enrolled photographs each; cameras send 640x480 frames of which 60 % show one face of
their class, 30 % two, 10 % none, each scene for three seconds, with the noise of a sensor; corridors show plain grey
in nine scenes of ten. One process sends prepared JPEGs; its processor time is in the table, because it uses the same
cores.
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
# Standard deviation of each pixel, of 255: all frames of a scene differ.
NOISE = 4.0
GROUPS = ("usual", "climb", "advised", "corridors", "full")


@dataclass(frozen=True, slots=True, eq=False)
class Load:
    """Cameras, frames a second of each, and how often a frame shows none, one, two ... faces.

    `advised`: at most as many frames a second as the server advises, as the product's page sends.
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
    """The results of a load; milliseconds from sending to answer, marks checked against who was in the frames."""

    server_name: str
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
    """Write JPEGs of scenes of each class, and return their paths and who is in them."""
    rng, sensor = random.Random(7), np.random.default_rng(7)
    scenes: dict[str, list[dict[str, Any]]] = {}
    for number, room in enumerate(rooms):
        scenes[str(number)] = []
        for scene in range(SCENES):
            shown = rng.sample(range(len(room.students)), rng.choices(range(len(faces)), faces)[0])
            pictures = [decode(rng.choice(room.probes[index]).read_bytes()) for index in shown]
            names = []
            for shake in range(SHAKES):
                across = max(1, min(3, len(pictures)))
                rgb = crowd(pictures, SIZE, side=200, across=across, shake=shake + 1)
                taken = np.clip(rgb + sensor.normal(0, NOISE, rgb.shape), 0, 255).astype(np.uint8)
                path = folder / f"{number}-{scene}-{shake}.jpg"
                path.write_bytes(encode_jpeg(taken, 85))
                names.append(str(path))
            scenes[str(number)].append(
                {"frames": names, "students": [room.students[index] for index in shown]}
            )
    return {"scenes": scenes}


def measure(
    server_name: str, load: Load, seconds: float, spec: dict[str, Any], command: Sequence[str]
) -> Row:
    """Measure one load on a newly started server."""
    with school.served(*command) as (port, process), tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        generator_spec = {**spec, "port": port, "seconds": seconds, "fps": load.fps, "advised": load.advised}
        json.dump(generator_spec, file)
        file.flush()
        server = psutil.Process(process.pid)
        before = sum(server.cpu_times()[:2])
        generator = subprocess.run(
            [sys.executable, "-m", "benchmarks.sockets.generator", file.name],
            cwd=ROOT,
            check=True,
            capture_output=True,
        )
        used = (sum(server.cpu_times()[:2]) - before) / seconds
        memory = server.memory_info().rss / 2**20
    totals = json.loads(generator.stdout)
    latencies = np.array(totals["latencies"] or [float("nan")])
    unanswered = totals["sent"] - len(totals["latencies"])
    return Row(
        server_name,
        load.name,
        totals["sent"],
        100 * unanswered / max(1, totals["sent"]),
        float(np.percentile(latencies, 50)),
        float(np.percentile(latencies, 95)),
        totals["marks"],
        totals["wrong"],
        totals["missed"],
        memory,
        used,
        totals["cpu"] / seconds,
    )


def encodings_of_library(rooms: Sequence[Room], people: Sequence[tuple[Path, ...]], folder: Path) -> Path:
    """Write the encodings of the enrolled photographs by `face_recognition`, and return the file."""
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
    """Return the loads by group; some send at a fixed rate, some as advised, some with more faces."""
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
    """Print the table and write the figures."""
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
        known = None if options.no_baseline else encodings_of_library(rooms, people, folder)
        wanted = [load for group in options.loads for load in loads(options.cameras)[group]]
        for load in wanted:
            cameras = school.sessions(rooms, load.cameras)
            spec = {**prepare(rooms, folder, load.faces), "token": token, "cameras": cameras}
            rows.append(measure("Rollcall", load, options.seconds, spec, ["launcher.server"]))
            print(line(rows[-1]), flush=True)
            if known is not None and load is wanted[0]:
                baseline = ["benchmarks.sockets.baseline_server", "--known", str(known)]
                rows.append(measure("baseline", load, options.seconds, spec, baseline))
                print(line(rows[-1]), flush=True)
    out = ROOT / "var" / "bench" / "streams.json"
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps({"cores": os.cpu_count(), "rows": [asdict(row) for row in rows]}, indent=1))


def line(row: Row) -> str:
    """Return a row as text."""
    return (
        f"{row.server_name:12} {row.load:32} {row.sent:5} sent {row.dropped_percent:5.1f} % dropped  "
        f"p50 {row.p50:6.0f} ms  p95 {row.p95:6.0f} ms  {row.marks:3} marks ({row.wrong} wrong, "
        f"{row.missed} missed)  {row.server_mb:4.0f} MB  {row.server_cores:.2f} + {row.generator_cores:.2f} cores"
    )


if __name__ == "__main__":
    main()
