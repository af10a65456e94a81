"""The default calibration from LFW: `python -m benchmarks.calibrate > recognition/engine/identification/defaults.py`.

For each number of photographs and looks, means of random pictures of a hundred people are compared: those of
one person (genuine; the pictures are never the same) and of different people (impostor; single pictures also
of 300 strangers). The impostors' tail gives the thresholds, genuine against the nearest of thirty the confidence.
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

HEAD = '''"""The default calibration. Printed by `python -m benchmarks.calibrate`; not written by hand.

Source: {source}.
"""

from typing import Final

from recognition.engine.identification.calibration import Calibration, Cell

DEFAULT: Final = Calibration(
    source="{source}",
    cells=('''


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """Distances of one cell: same person, different people, and strangers to their nearest of thirty."""

    genuine: Floats
    impostor: Floats
    nearest: Floats


def mean_of(templates: Array) -> Array:
    """The unit mean (128,) of templates (N, 128)."""
    mean = templates.mean(axis=0)
    return np.asarray(mean / np.linalg.norm(mean), np.float32)


def split(
    rows: NDArray[np.int64], photographs: int, looks: int, rng: np.random.Generator
) -> tuple[Array, Array]:
    """Random disjoint rows for enrolment and probe; where there are too few, both get as many as there are."""
    order = rng.permutation(rows)
    if photographs + looks > len(order):
        photographs, looks = min(photographs, len(order) // 2), min(looks, len(order) // 2)
    return order[:photographs], order[photographs : photographs + looks]


def distances(one: Array, other: Array) -> Floats:
    """L2 between all unit rows of both."""
    return np.sqrt(np.maximum(0, 2 - 2 * one.astype(np.float64) @ other.T.astype(np.float64)))


def sample(pictures: Pictures, photographs: int, looks: int, rng: np.random.Generator) -> Sample:
    """ROUNDS random draws of enrolments and probes of everybody."""
    people = [rows for person in range(pictures.people) if len(rows := pictures.of(person)) >= 2]
    lone = pictures.templates[(pictures.person >= pictures.people) & pictures.found]
    genuine, impostor, nearest = [], [], []
    for _ in range(ROUNDS):
        halves = [split(rows, photographs, looks, rng) for rows in people]
        enrolled = np.stack([mean_of(pictures.templates[half]) for half, _ in halves])
        probes = np.stack([mean_of(pictures.templates[half]) for _, half in halves])
        if photographs == 1:
            enrolled = np.concatenate([enrolled, lone])
        far = distances(enrolled, np.concatenate([probes, lone]) if looks == 1 else probes)
        genuine.append(np.diagonal(far)[: len(people)].copy())
        np.fill_diagonal(far, np.inf)
        impostor.append(far[np.isfinite(far)])
        order = rng.permutation(len(people))
        nearest.append(far[order[:FITTED_GALLERY]][:, order[FITTED_GALLERY:]].min(axis=0))
    return Sample(np.concatenate(genuine), np.concatenate(impostor), np.concatenate(nearest))


def main() -> None:
    """Print the module."""
    pictures = load()
    rng = np.random.default_rng(SEED)
    print(HEAD.format(source="Labeled Faces in the Wild, 100 people and 300 strangers of ../shared/lfw"))
    for photographs in COUNTS:
        print("        (")
        for looks in COUNTS:
            drawn = sample(pictures, photographs, looks, rng)
            mean, spread = fit_tail(drawn.impostor)
            offset, slope = fit_confidence(drawn.genuine, drawn.nearest)
            cell = Cell(mean, spread, offset, slope)
            print(
                f"            Cell(mean={cell.mean:.4f}, spread={cell.spread:.4f}, "
                f"offset={cell.offset:.2f}, slope={cell.slope:.2f}),"
            )
        print("        ),")
    print("    ),\n)")


if __name__ == "__main__":
    main()
