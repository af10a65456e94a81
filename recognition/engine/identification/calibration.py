"""The calibration: false match rates, thresholds and confidence, fitted to measured distances.

The lower tail of the distances between different people is a line on normal probability paper: FMR(d) = Phi((d - mean)
/ spread). That gives a threshold for any gallery size and any wanted FPIR (false positive identification rate, ISO/IEC
19795-1: FPIR = 1 - (1 - FMR)^N), also beyond the measured distances. There is one such line for each number of samples
of the track and of photographs at enrolment, because means of several images are closer together, those of strangers
too.

The numbers in `defaults.DEFAULT` are printed by `python -m benchmarks.calibrate`, from Labeled Faces in the Wild.
`fitted_to` makes them stricter for a school's own templates.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from statistics import NormalDist
from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

# Numbers of samples and of photographs that were measured. Between them values follow 1/n; beyond the last they stay.
COUNTS: Final = (1, 2, 3, 5)
# Students in the classes for which the logistic curve of `confidence` was fitted.
FITTED_GALLERY: Final = 30
_NORMAL = NormalDist()
# False match rates between which the line is fitted: below there are no pairs, above the tail bends.
_TAIL = (3e-5, 1e-4, 3e-4, 1e-3, 3e-3)
_FEWEST_PAIRS = 1000


@dataclass(frozen=True, slots=True, eq=False)
class Cell:
    """The fit for one number of photographs and of samples: the impostors' tail, and the curve of the confidence.

    `mean` and `spread` are those of the line. P(right person | d) = 1 / (1 + exp(-(offset - slope * d))) in a class
    of 30 where half the faces belong.
    """

    mean: float
    spread: float
    offset: float
    slope: float


@dataclass(frozen=True, slots=True, eq=False)
class Calibration:
    """Cells by photographs (rows) and samples (columns), both in the order of COUNTS. Immutable.

    `fpir_few` is the FPIR allowed while a track has few samples, `fpir_many` the one allowed once it has many. A
    stranger has both chances, so the total is at most their sum. `shift` (0 or below) is added to every threshold: how
    much stricter a school must be than `source`.
    """

    cells: tuple[tuple[Cell, ...], ...]
    source: str
    fpir_few: float = 5e-4
    fpir_many: float = 2e-3
    shift: float = 0.0

    def threshold(self, samples: int, photographs: int, gallery_size: int, fpir: float) -> float:
        """Return the distance below which a stranger's nearest subject of the gallery lies with probability `fpir`.

        Raises ValueError unless `fpir` is between 0 and 1.
        """
        if not 0 < fpir < 1:
            raise ValueError("FPIR must be between 0 and 1")
        cell = self._cell(samples, photographs)
        fmr = -math.expm1(math.log1p(-fpir) / max(gallery_size, 1))
        return max(0.0, cell.mean + cell.spread * _NORMAL.inv_cdf(fmr) + self.shift)

    def fpir(self, distance: float, samples: int, photographs: int, gallery_size: int) -> float:
        """Return the probability that a stranger is this near to anybody in the gallery."""
        cell = self._cell(samples, photographs)
        fmr = _NORMAL.cdf((distance - self.shift - cell.mean) / cell.spread)
        return -math.expm1(max(gallery_size, 1) * math.log1p(-min(fmr, 1 - 1e-12)))

    def confidence(self, distance: float, samples: int, photographs: int, gallery_size: int) -> float:
        """Return the probability from 0 to 1 that the nearest subject is the right person."""
        cell = self._cell(samples, photographs)
        odds = cell.offset - cell.slope * (distance - self.shift)
        odds -= math.log(max(gallery_size, 1) / FITTED_GALLERY)
        return 1 / (1 + math.exp(-min(max(odds, -30.0), 30.0)))

    def _cell(self, samples: int, photographs: int) -> Cell:
        """Return the values for these counts, interpolated between the four cells around them."""
        row, down = _place(photographs)
        column, across = _place(samples)
        corners = [(row, column, (1 - down) * (1 - across)), (row, column + 1, (1 - down) * across)]
        corners += [(row + 1, column, down * (1 - across)), (row + 1, column + 1, down * across)]
        used = [(self.cells[r][c], weight) for r, c, weight in corners if weight > 0]
        return Cell(
            sum(cell.mean * weight for cell, weight in used),
            sum(cell.spread * weight for cell, weight in used),
            sum(cell.offset * weight for cell, weight in used),
            sum(cell.slope * weight for cell, weight in used),
        )


def _place(count: int) -> tuple[int, float]:
    """Return the index in COUNTS below a count, and how far it lies towards the next (0 to 1, measured in 1/n)."""
    if count <= COUNTS[0]:
        return 0, 0.0
    for index, (lower, upper) in enumerate(pairwise(COUNTS)):
        if count <= upper:
            return index, (1 / lower - 1 / count) / (1 / lower - 1 / upper)
    return len(COUNTS) - 2, 1.0


def fit_tail(impostor: Floats) -> tuple[float, float]:
    """Return mean and spread of the line through the tail of impostor distances (N,). Raises ValueError if too few."""
    if len(impostor) < _FEWEST_PAIRS:
        msg = f"{len(impostor)} distances between different people are too few to fit; give at least {_FEWEST_PAIRS}"
        raise ValueError(msg)
    levels = [level for level in _TAIL if level * len(impostor) >= 10] or [10 / len(impostor)]
    levels = [*levels, 1e-2] if len(levels) < 2 else levels
    z = np.array([_NORMAL.inv_cdf(level) for level in levels])
    distances = np.quantile(impostor, levels)
    spread, mean = np.polyfit(z, distances, 1)
    return float(mean), float(max(spread, 1e-3))


def fit_confidence(genuine: Floats, nearest_impostor: Floats) -> tuple[float, float]:
    """Return offset and slope of the logistic curve that separates the two distances (Newton's method).

    Each of the two arrays counts one half, whatever its length.
    """
    x = np.concatenate([genuine, nearest_impostor])
    y = np.concatenate([np.ones(len(genuine)), np.zeros(len(nearest_impostor))])
    weight = np.where(y == 1, 0.5 / len(genuine), 0.5 / len(nearest_impostor))
    centre = float(x.mean())
    design = np.stack([np.ones_like(x), centre - x], axis=1)
    beta = np.zeros(2)
    for _ in range(50):
        p = 1 / (1 + np.exp(-np.clip(design @ beta, -30, 30)))
        curvature = (design * (weight * p * (1 - p))[:, None]).T @ design + 1e-6 * np.eye(2)
        step = np.linalg.solve(curvature, design.T @ (weight * (y - p)) - 1e-6 * beta)
        beta += step
        if np.abs(step).max() < 1e-8:
            break
    return float(beta[0] + beta[1] * centre), float(beta[1])


def fitted_to(
    base: Calibration, impostor: Sequence[float], *, samples: int = 1, photographs: int = 1
) -> Calibration:
    """Return `base`, as much stricter as a school's own templates require; never less strict.

    `impostor` are distances between different students of the school, each between a mean of `photographs` and a mean
    of `samples` templates. dlib's network was trained on adults; children are closer together. A school whose students
    are farther apart keeps the default, because few pairs do not show how often rare distances occur. Raises ValueError
    for fewer than 1,000 pairs.
    """
    distances = np.asarray(impostor, np.float64)
    mean, spread = fit_tail(distances)
    # The two lines are compared at the distance below which the school has ten pairs.
    level = max(10 / len(distances), _TAIL[0])
    z = _NORMAL.inv_cdf(level)
    cell = base._cell(samples, photographs)
    shift = min(0.0, mean + spread * z - (cell.mean + cell.spread * z))
    return replace(base, shift=min(base.shift, shift), source=f"{base.source}, tightened by the school's own")
