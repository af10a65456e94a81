"""The default calibration from LFW: `python -m benchmarks.calibrate > recognition/engine/identification/defaults.py`.

For each number of photographs and samples, means of random images of a hundred people are compared: those of one person
(genuine; never of the same images) and of different people (impostor; single images also of 300 strangers). The tail of
the impostor distances gives the thresholds, genuine distances against the nearest of thirty students the confidence.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.lfw import Pictures, load
from recognition.engine.identification.calibration import (
    COUNTS,
    FITTED_GALLERY,
    Cell,
    fit_confidence,
    fit_tail,
)
from recognition.engine.types import Array

ROUNDS = 60
SEED = 2007
Floats = NDArray[np.float64]

HEAD = '''"""The default calibration, printed by `python -m benchmarks.calibrate`; do not edit it.

Source: {source}.
"""

from typing import Final

from recognition.engine.identification.calibration import Calibration, Cell

DEFAULT: Final = Calibration(
    source="{source}",
    cells=('''


@dataclass(frozen=True, slots=True, eq=False)
class Distances:
    """The distances of one cell: same person, different people, and strangers to the nearest of thirty students."""

    genuine: Floats
    impostor: Floats
    nearest: Floats


def mean_of(templates: Array) -> Array:
    """Return the unit mean (128,) of templates (N, 128)."""
    mean = templates.mean(axis=0)
    return np.asarray(mean / np.linalg.norm(mean), np.float32)


def split(
    rows: NDArray[np.int64], photographs: int, samples: int, rng: np.random.Generator
) -> tuple[Array, Array]:
    """Return random rows for enrolment and, without overlap, for the probe; too few rows are shared out equally."""
    order = rng.permutation(rows)
    if photographs + samples > len(order):
        photographs, samples = min(photographs, len(order) // 2), min(samples, len(order) // 2)
    return order[:photographs], order[photographs : photographs + samples]


def distances(first: Array, second: Array) -> Floats:
    """Return the L2 distances (N, M) between unit rows (N, 128) and (M, 128)."""
    return np.sqrt(np.maximum(0, 2 - 2 * first.astype(np.float64) @ second.T.astype(np.float64)))


def measure(pictures: Pictures, photographs: int, samples: int, rng: np.random.Generator) -> Distances:
    """Return the distances of ROUNDS random draws of enrolments and probes of all people."""
    people = [rows for person in range(pictures.people) if len(rows := pictures.of(person)) >= 2]
    strangers = pictures.templates[(pictures.person >= pictures.people) & pictures.found]
    genuine, impostor, nearest = [], [], []
    for _ in range(ROUNDS):
        halves = [split(rows, photographs, samples, rng) for rows in people]
        enrolled = np.stack([mean_of(pictures.templates[half]) for half, _ in halves])
        probes = np.stack([mean_of(pictures.templates[half]) for _, half in halves])
        if photographs == 1:
            enrolled = np.concatenate([enrolled, strangers])
        between = distances(enrolled, np.concatenate([probes, strangers]) if samples == 1 else probes)
        genuine.append(np.diagonal(between)[: len(people)].copy())
        np.fill_diagonal(between, np.inf)
        impostor.append(between[np.isfinite(between)])
        order = rng.permutation(len(people))
        nearest.append(between[order[:FITTED_GALLERY]][:, order[FITTED_GALLERY:]].min(axis=0))
    return Distances(np.concatenate(genuine), np.concatenate(impostor), np.concatenate(nearest))


def main() -> None:
    """Print the module `defaults`."""
    pictures = load()
    rng = np.random.default_rng(SEED)
    print(HEAD.format(source="Labeled Faces in the Wild, 100 people and 300 strangers"))
    for photographs in COUNTS:
        print("        (")
        for samples in COUNTS:
            measured = measure(pictures, photographs, samples, rng)
            mean, spread = fit_tail(measured.impostor)
            offset, slope = fit_confidence(measured.genuine, measured.nearest)
            cell = Cell(mean, spread, offset, slope)
            print(
                f"            Cell(mean={cell.mean:.4f}, spread={cell.spread:.4f}, "
                f"offset={cell.offset:.2f}, slope={cell.slope:.2f}),"
            )
        print("        ),")
    print("    ),\n)")


if __name__ == "__main__":
    main()
