"""Assignment of tracks to detections: the cost of each pair, and the pairs with least total cost."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

# The side of one person's box changes by a smaller factor between two frames.
_LARGEST_RATIO = 1.8
# How far from a detection, in sides, a shifted box may be to count as a vote for that shift.
_VOTE_RADIUS = 0.35


def pair(boxes: Floats, detections: Floats, reach: Floats) -> list[tuple[int, int, float]]:
    """Return the best one-to-one pairs (track, detection, cost) of boxes (T, 4) and detections (D, 4).

    `reach` (T,) is how far, in mean sides, each track may have moved. The result has most pairs and then least total
    cost, exactly. Faces that can only be each other's pair are paired at once, the others by the Hungarian method.
    """
    cost = costs(boxes, detections, reach)
    linked = np.isfinite(cost)
    alone = linked & (linked.sum(axis=1) == 1)[:, None] & (linked.sum(axis=0) == 1)
    pairs = [(int(i), int(j), float(cost[i, j])) for i, j in zip(*np.nonzero(alone), strict=True)]
    for rows, columns in _components(linked & ~alone):
        part = cost[np.ix_(rows, columns)]
        pairs += [(rows[i], columns[j], float(part[i, j])) for i, j in hungarian(part)]
    return pairs


def costs(boxes: Floats, detections: Floats, reach: Floats) -> Floats:
    """Return costs (T, D): distance in sides, plus change of size, less overlap; infinite where no pair can be."""
    centres, sides = centre(boxes), side(boxes)
    detected_centres, detected_sides = centre(detections), side(detections)
    mean = (sides[:, None] + detected_sides[None]) / 2
    distance = np.linalg.norm(centres[:, None] - detected_centres[None], axis=2) / mean
    ratio = np.maximum(sides[:, None], detected_sides[None]) / np.minimum(
        sides[:, None], detected_sides[None]
    )
    cost = distance + 0.5 * np.log(ratio) - 0.5 * overlap(boxes, detections)
    return np.where((distance <= reach[:, None]) & (ratio <= _LARGEST_RATIO), cost, np.inf)


def overlap(boxes: Floats, detections: Floats) -> Floats:
    """Return intersection over union (T, D)."""
    low = np.maximum(boxes[:, None, :2], detections[None, :, :2])
    high = np.minimum(boxes[:, None, 2:], detections[None, :, 2:])
    shared = np.prod(np.maximum(high - low, 0), axis=2)
    areas, others = (
        np.prod(boxes[:, 2:] - boxes[:, :2], axis=1),
        np.prod(detections[:, 2:] - detections[:, :2], axis=1),
    )
    return np.asarray(shared / np.maximum(areas[:, None] + others[None] - shared, 1e-9), np.float64)


def centre(boxes: Floats) -> Floats:
    """Return the centres (N, 2) of boxes (N, 4)."""
    return (boxes[:, :2] + boxes[:, 2:]) / 2


def side(boxes: Floats) -> Floats:
    """Return the geometric mean of width and height (N,) of boxes (N, 4), at least one pixel."""
    return np.asarray(np.sqrt(np.prod(np.maximum(boxes[:, 2:] - boxes[:, :2], 1), axis=1)), np.float64)


def common_shift(boxes: Floats, detections: Floats) -> Floats:
    """Return the shift (2,) in pixels that moves most boxes onto detections of their size: the camera's movement.

    Each pair of a box and a detection proposes its displacement. The result is zero unless two boxes agree.
    """
    centres, sides = centre(boxes), side(boxes)
    detected_centres, detected_sides = centre(detections), side(detections)
    ratio = np.maximum(sides[:, None], detected_sides[None]) / np.minimum(
        sides[:, None], detected_sides[None]
    )
    best, votes = np.zeros(2), 1
    for i, j in zip(*np.nonzero(ratio < 1.4), strict=True):
        shift = detected_centres[j] - centres[i]
        away = np.linalg.norm(centres[:, None] + shift - detected_centres[None], axis=2) / sides[:, None]
        fit = int((np.where(ratio < 1.4, away, np.inf).min(axis=1) < _VOTE_RADIUS).sum())
        if fit > votes or (fit == votes and votes > 1 and np.hypot(*shift) < np.hypot(*best)):
            best, votes = shift, fit
    return best


def _components(linked: NDArray[np.bool_]) -> list[tuple[list[int], list[int]]]:
    """Return groups of tracks and detections that compete with each other."""
    left, groups = set(np.nonzero(linked.any(axis=1))[0].tolist()), []
    while left:
        tracks, detections, grown = {left.pop()}, set[int](), True
        while grown:
            reached = set(np.nonzero(linked[sorted(tracks)].any(axis=0))[0].tolist())
            joined = set(np.nonzero(linked[:, sorted(reached)].any(axis=1))[0].tolist())
            grown = joined != tracks or reached != detections
            tracks, detections = joined, reached
        left -= tracks
        groups.append((sorted(tracks), sorted(detections)))
    return groups


def hungarian(cost: Floats) -> Sequence[tuple[int, int]]:
    """Return the pairs of rows and columns of a cost matrix (N, M) with most pairs, then least total cost.

    Infinite entries are never paired.

    The Hungarian method with potentials (Kuhn 1955, Munkres 1957), in O(N^2 M); matrices here are small.
    """
    if cost.shape == (1, 1):
        return [(0, 0)] if np.isfinite(cost[0, 0]) else []
    if cost.shape[0] > cost.shape[1]:
        return [(i, j) for j, i in hungarian(cost.T)]
    finite = cost[np.isfinite(cost)]
    # A forbidden pair costs more than all allowed ones together, so as few as possible are chosen; those are removed.
    forbidden = (np.ptp(finite) + 1) * (min(cost.shape) + 1) + finite.max() if finite.size else 1.0
    filled = np.where(np.isfinite(cost), cost, forbidden)
    rows, columns = filled.shape
    u, v = np.zeros(rows + 1), np.zeros(columns + 1)
    owner = np.zeros(columns + 1, np.int64)
    for row in range(1, rows + 1):
        _augment(filled, row, u, v, owner)
    return [
        (int(owner[j]) - 1, j - 1)
        for j in range(1, columns + 1)
        if owner[j] and np.isfinite(cost[owner[j] - 1, j - 1])
    ]


def _augment(cost: Floats, row: int, u: Floats, v: Floats, owner: NDArray[np.int64]) -> None:
    """Assign a column to one more row, along the cheapest alternating path.

    Rows and columns count from 1; column 0 is the start. `u` and `v` are the potentials of rows and columns, `owner`
    the row of each column; all three are changed.
    """
    columns = cost.shape[1]
    owner[0] = row
    shortest = np.full(columns + 1, np.inf)
    previous = np.zeros(columns + 1, np.int64)
    used = np.zeros(columns + 1, np.bool_)
    at = 0
    while owner[at]:
        used[at] = True
        reduced = cost[owner[at] - 1] - u[owner[at]] - v[1:]
        better = ~used[1:] & (reduced < shortest[1:])
        shortest[1:][better] = reduced[better]
        previous[1:][better] = at
        free = np.where(used, np.inf, shortest)
        free[0] = np.inf
        nearest = int(free.argmin())
        step = free[nearest]
        u[owner[used]] += step
        v[used] -= step
        shortest[~used] -= step
        at = nearest
    while at:
        owner[at] = owner[previous[at]]
        at = int(previous[at])
