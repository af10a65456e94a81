"""Galleries: search of a class, replacement under load, one million templates, and the memory of a student.

`python -m benchmarks.galleries [--rows N]` prints the table and writes var/bench/galleries.json. Templates are random
unit vectors; each probe is 0.3 from its own (those of real tracks 0.17 to 0.33). Baselines in the same run are numpy's
brute force and pickled dictionaries of float64 lists.
"""

from __future__ import annotations

import argparse
import json
import os
import pickle
import statistics
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from recognition.engine.gallery import Gallery
from recognition.engine.types import Array

ROOT = Path(__file__).resolve().parent.parent
CLASS, PHOTOGRAPHS, PROBES = 30, 5, 64
SEARCHES, SWAPS = 10_000, 100


def templates(rows: int, seed: int) -> Array:
    """Return random unit vectors (rows, 128)."""
    vectors = np.random.default_rng(seed).standard_normal((rows, 128), np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors


def other_images(known: Array, seed: int) -> Array:
    """Return simulated other images of the same people."""
    step = templates(len(known), seed) * np.float32(0.3)
    moved = known + step
    return np.asarray(moved / np.linalg.norm(moved, axis=1, keepdims=True), np.float32)


def median(work: Callable[[], object], times: int) -> float:
    """Return the median milliseconds of a call."""
    taken = []
    for _ in range(times):
        started = time.perf_counter()
        work()
        taken.append((time.perf_counter() - started) * 1000)
    return statistics.median(taken)


def measure_class() -> dict[str, Any]:
    """Measure 64 probes against 30 students with five templates each."""
    rows = templates(CLASS * PHOTOGRAPHS, 1)
    ids = [f"student-{row // PHOTOGRAPHS}" for row in range(len(rows))]
    every, means = Gallery.build(rows, ids), Gallery.build_means(rows, ids)
    probes = other_images(rows[:PROBES], 2)

    def brute_force() -> Any:
        return np.linalg.norm(probes[:, None] - rows[None], axis=2).argmin(axis=1)

    results = [matches[0].id for matches in every.search(probes)]
    assert results == [ids[row] for row in brute_force()]
    return {
        "64 probes, 150 rows, ms": median(lambda: every.search(probes), 500),
        "64 probes, 30 means, ms": median(lambda: means.search(probes), 500),
        "numpy, 150 rows, ms": median(brute_force, 100),
    }


def measure_swaps() -> dict[str, Any]:
    """Measure 10,000 searches from two threads while the gallery is replaced a hundred times."""
    rows = templates(CLASS * PHOTOGRAPHS, 1)
    ids = [f"student-{row // PHOTOGRAPHS}" for row in range(len(rows))]
    current = [Gallery.build_means(rows, ids)]
    probes = other_images(rows[:8], 2)
    before = [matches[0] for matches in current[0].search(probes)]
    differing, remaining = [0], threading.Semaphore(SEARCHES)

    def search() -> None:
        while remaining.acquire(blocking=False):
            results = [matches[0] for matches in current[0].search(probes)]
            same = all(
                a.id == b.id and abs(a.distance - b.distance) < 1e-5
                for a, b in zip(results, before, strict=True)
            )
            differing[0] += not same

    threads = [threading.Thread(target=search) for _ in range(2)]
    started = time.perf_counter()
    for thread in threads:
        thread.start()
    for _ in range(SWAPS):
        current[0] = Gallery.build_means(rows, ids)
    for thread in threads:
        thread.join()
    return {
        "searches": SEARCHES,
        "swaps": SWAPS,
        "different answers": differing[0],
        "seconds": time.perf_counter() - started,
    }


def measure_many(rows: int) -> dict[str, Any]:
    """Measure one template each of that many people: time to build and search, memory, recall of the nearest."""
    process = psutil.Process()
    before = process.memory_info().rss
    known = templates(rows, 3)
    raw = process.memory_info().rss - before
    started = time.perf_counter()
    gallery = Gallery.build(known, [str(row) for row in range(rows)])
    built = time.perf_counter() - started
    memory = process.memory_info().rss - before - raw
    wanted = np.random.default_rng(4).choice(rows, 1000, replace=False)
    probes = other_images(known[wanted], 5)
    results = gallery.search(probes, 1)
    right = sum(matches[0].id == str(row) for matches, row in zip(results, wanted, strict=True))
    return {
        "rows": rows,
        "built in s": built,
        "memory MB": memory / 2**20,
        "recall@1": right / len(wanted),
        "recall the index measured itself": gallery.recall,
        "one probe, ms": median(lambda: gallery.search(probes[:1], 2), 50),
        "64 probes, ms": median(lambda: gallery.search(probes[:64], 2), 5),
        "one probe by numpy, ms": median(lambda: ((known - probes[0]) ** 2).sum(axis=1).argmin(), 3),
    }


def measure_student() -> dict[str, Any]:
    """Measure the bytes of a student with five photographs: gallery and its copy in Redis, against two pickles."""
    rows = templates(2000 * PHOTOGRAPHS, 6)
    ids = [f"0199aaaa-bbbb-7ccc-8ddd-{row // PHOTOGRAPHS:012d}" for row in range(len(rows))]
    ours = len(Gallery.build_means(rows, ids).to_bytes()) / 2000
    listed = [vector.astype(np.float64) for vector in rows[:PHOTOGRAPHS]]
    seed = len(pickle.dumps({"id": ids[0], "encodings": listed, "names": [ids[0]] * PHOTOGRAPHS}))
    # Both hold it twice: in the process and in Redis.
    return {"ours, bytes": 2 * ours, "pickles, bytes": 2.0 * seed, "less, percent": 100 * (1 - ours / seed)}


def main() -> None:
    """Print the tables and write the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, nargs="*", default=[100_000, 1_000_000])
    options = parser.parse_args()
    benchmarks: dict[str, Callable[[], dict[str, Any]]] = {
        "a class": measure_class,
        "swaps under load": measure_swaps,
        "a student": measure_student,
        **{f"{rows:,} templates": partial(measure_many, rows) for rows in options.rows},
    }
    tables = {}
    for name, work in benchmarks.items():
        tables[name] = work()
        print(name)
        for figure, value in tables[name].items():
            shown = f"{value:12,.3f}" if isinstance(value, float) else f"{value:12,}"
            print(f"  {figure:36} {shown}", flush=True)
    out = ROOT / "var" / "bench" / "galleries.json"
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps({"cores": os.cpu_count(), **tables}, indent=1))


if __name__ == "__main__":
    main()
