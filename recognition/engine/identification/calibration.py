"""What a distance is worth: false match rates, thresholds and confidence, fitted to measured distances.

The lower tail of the distances between different people is a line on normal paper: FMR(d) = Phi((d -
mean) / spread). That gives a threshold for any gallery and any wanted FPIR (ISO/IEC 19795-1: FPIR = 1 -
(1 - FMR)^N), further out than was measured. One such line stands for each number of looks at the probe and
of photographs at enrolment, because means of several pictures lie closer together, strangers' too.

The numbers in `DEFAULT` are printed by `python -m benchmarks.calibrate` from Labeled Faces in the Wild
(the pictures in `../shared/lfw`); a school tightens them by `fitted_to` its own templates.
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

# The grid of measured cells; between them values follow 1/n, beyond the last they stay.
COUNTS: Final = (1, 2, 3, 5)
# The class that the logistic curve of `confidence` was fitted in.
FITTED_GALLERY: Final = 30
_NORMAL = NormalDist()
# The part of the tail that the line is fitted to: nearer to zero there are no pairs, further out it bends.
_TAIL = (3e-5, 1e-4, 3e-4, 1e-3, 3e-3)
_FEWEST_PAIRS = 1000


@dataclass(frozen=True, slots=True, eq=False)
class Cell:
    """One number of photographs and of looks: the impostors' tail, and confidence's logistic curve.

    P(right person | d) = 1 / (1 + exp(-(offset - slope * d))) in a class of 30 where half the faces belong.
    """

    mean: float
    spread: float
    offset: float
    slope: float


@dataclass(frozen=True, slots=True, eq=False)
class Calibration:
    """Cells by photographs (rows) and looks (columns), both in the order of COUNTS.

    `early` is the FPIR allowed while looks are few, `patient` what is allowed once there are many (every
    further look is another chance to be wrong, so the two add up to one budget);
    `shift` (0 or below) is subtracted distance: how much stricter a school must be than `source`.
    """

    cells: tuple[tuple[Cell, ...], ...]
    source: str
    early: float = 5e-4
    patient: float = 2e-3
    shift: float = 0.0

    def threshold(self, looks: int, photographs: int, gallery_size: int, fpir: float) -> float:
        """The distance under which a stranger falls with probability `fpir`, for the whole gallery."""
        if not 0 < fpir < 1:
            raise ValueError("a wanted FPIR lies between 0 and 1")
        cell = self._cell(looks, photographs)
        fmr = -math.expm1(math.log1p(-fpir) / max(gallery_size, 1))
        return max(0.0, cell.mean + cell.spread * _NORMAL.inv_cdf(fmr) + self.shift)

    def fpir(self, distance: float, looks: int, photographs: int, gallery_size: int) -> float:
        """How often a stranger comes this near to anybody in the gallery."""
        cell = self._cell(looks, photographs)
        fmr = _NORMAL.cdf((distance - self.shift - cell.mean) / cell.spread)
        return -math.expm1(max(gallery_size, 1) * math.log1p(-min(fmr, 1 - 1e-12)))

    def confidence(self, distance: float, looks: int, photographs: int, gallery_size: int) -> float:
        """The probability from 0 to 1 that the nearest student is the person seen."""
        cell = self._cell(looks, photographs)
        odds = cell.offset - cell.slope * (distance - self.shift)
        odds -= math.log(max(gallery_size, 1) / FITTED_GALLERY)
        return 1 / (1 + math.exp(-min(max(odds, -30.0), 30.0)))

    def _cell(self, looks: int, photographs: int) -> Cell:
        row, down = _place(photographs)
        column, across = _place(looks)
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
    """The cell below a count and how far it lies towards the next, measured in 1/n."""
    if count <= COUNTS[0]:
        return 0, 0.0
    for at, (lower, upper) in enumerate(pairwise(COUNTS)):
        if count <= upper:
            return at, (1 / lower - 1 / count) / (1 / lower - 1 / upper)
    return len(COUNTS) - 2, 1.0


def fit_tail(impostor: Floats) -> tuple[float, float]:
    """Mean and spread of the line through the tail of impostor distances. Raises ValueError if too few."""
    if len(impostor) < _FEWEST_PAIRS:
        msg = (
            f"{len(impostor)} distances between different people say nothing of rare ones; {_FEWEST_PAIRS} do"
        )
        raise ValueError(msg)
    levels = [level for level in _TAIL if level * len(impostor) >= 10] or [10 / len(impostor)]
    levels = [*levels, 1e-2] if len(levels) < 2 else levels
    z = np.array([_NORMAL.inv_cdf(level) for level in levels])
    distances = np.quantile(impostor, levels)
    spread, mean = np.polyfit(z, distances, 1)
    return float(mean), float(max(spread, 1e-3))


def fit_confidence(genuine: Floats, nearest_impostor: Floats) -> tuple[float, float]:
    """Offset and slope of the logistic curve between the two, both weighted to one half (Newton's method)."""
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
    base: Calibration, impostor: Sequence[float], *, looks: int = 1, photographs: int = 1
) -> Calibration:
    """`base`, made as much stricter as a school's own templates demand; never laxer.

    `impostor` are distances between different students of the school, each taken between a mean of
    `photographs` and of `looks` templates. dlib was trained on adults: children lie closer together. A
    school whose students lie further apart keeps the default, since few pairs cannot vouch for the rare ones.
    Raises ValueError under 1,000 pairs.
    """
    distances = np.asarray(impostor, np.float64)
    mean, spread = fit_tail(distances)
    # Compared where the school has pairs to show: ten of its nearest.
    level = max(10 / len(distances), _TAIL[0])
    z = _NORMAL.inv_cdf(level)
    cell = base._cell(looks, photographs)
    shift = min(0.0, mean + spread * z - (cell.mean + cell.spread * z))
    return replace(base, shift=min(base.shift, shift), source=f"{base.source}, tightened by the school's own")
