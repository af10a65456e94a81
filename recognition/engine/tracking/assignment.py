"""Boxes of one frame to boxes of the next: what may belong together, and the best way to pair them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

# Heads of one person change their size by less between two frames that can be told apart at all.
_LARGEST_RATIO = 1.8
# How far (in mean sides of both boxes) a shifted box may lie from a detection to speak for that shift.
_VOTE_RADIUS = 0.35


def pair(boxes: Floats, found: Floats, reach: Floats) -> list[tuple[int, int, float]]:
    """The best one-to-one pairs (track, detection, cost) of boxes (T, 4) and detections (D, 4).

    `reach` (T,): how far, in mean sides, each track may have moved. Most pairs, then least total cost,
    exactly: faces that have only each other are paired at once, the rest by the Hungarian method.
    """
    cost = costs(boxes, found, reach)
    linked = np.isfinite(cost)
    alone = linked & (linked.sum(axis=1) == 1)[:, None] & (linked.sum(axis=0) == 1)
    pairs = [(int(i), int(j), float(cost[i, j])) for i, j in zip(*np.nonzero(alone), strict=True)]
    for tracks, detections in _components(linked & ~alone):
        part = cost[np.ix_(tracks, detections)]
        pairs += [(tracks[i], detections[j], float(part[i, j])) for i, j in hungarian(part)]
    return pairs


def costs(boxes: Floats, found: Floats, reach: Floats) -> Floats:
    """(T, D): distance in sides, plus change of size, less overlap; infinite where they cannot be one face."""
    centres, sides = centre(boxes), side(boxes)
    seen, widths = centre(found), side(found)
    mean = (sides[:, None] + widths[None]) / 2
    distance = np.linalg.norm(centres[:, None] - seen[None], axis=2) / mean
    ratio = np.maximum(sides[:, None], widths[None]) / np.minimum(sides[:, None], widths[None])
    cost = distance + 0.5 * np.log(ratio) - 0.5 * overlap(boxes, found)
    return np.where((distance <= reach[:, None]) & (ratio <= _LARGEST_RATIO), cost, np.inf)


def overlap(boxes: Floats, found: Floats) -> Floats:
    """Intersection over union (T, D)."""
    low = np.maximum(boxes[:, None, :2], found[None, :, :2])
    high = np.minimum(boxes[:, None, 2:], found[None, :, 2:])
    shared = np.prod(np.maximum(high - low, 0), axis=2)
    areas, others = np.prod(boxes[:, 2:] - boxes[:, :2], axis=1), np.prod(found[:, 2:] - found[:, :2], axis=1)
    return np.asarray(shared / np.maximum(areas[:, None] + others[None] - shared, 1e-9), np.float64)


def centre(boxes: Floats) -> Floats:
    """Middles (N, 2) of boxes (N, 4)."""
    return (boxes[:, :2] + boxes[:, 2:]) / 2


def side(boxes: Floats) -> Floats:
    """Geometric mean of width and height (N,), at least one pixel."""
    return np.asarray(np.sqrt(np.prod(np.maximum(boxes[:, 2:] - boxes[:, :2], 1), axis=1)), np.float64)


def common_shift(boxes: Floats, found: Floats) -> Floats:
    """The movement (2,) that carries most boxes onto detections of their size: the camera's, if it turned.

    Every pair votes for its own displacement. Zero unless two boxes at least agree.
    """
    centres, sides = centre(boxes), side(boxes)
    seen, widths = centre(found), side(found)
    ratio = np.maximum(sides[:, None], widths[None]) / np.minimum(sides[:, None], widths[None])
    best, votes = np.zeros(2), 1
    for i, j in zip(*np.nonzero(ratio < 1.4), strict=True):
        shift = seen[j] - centres[i]
        away = np.linalg.norm(centres[:, None] + shift - seen[None], axis=2) / sides[:, None]
        fit = int((np.where(ratio < 1.4, away, np.inf).min(axis=1) < _VOTE_RADIUS).sum())
        if fit > votes or (fit == votes and votes > 1 and np.hypot(*shift) < np.hypot(*best)):
            best, votes = shift, fit
    return best


def _components(linked: NDArray[np.bool_]) -> list[tuple[list[int], list[int]]]:
    """Tracks and detections that compete with each other, group by group."""
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
    """Most pairs, then least total cost, of a matrix (N, M); infinite entries are never paired.

    The Hungarian method with potentials (Kuhn 1955, Munkres 1957), in O(N^2 M); matrices here are small.
    """
    if cost.shape == (1, 1):
        return [(0, 0)] if np.isfinite(cost[0, 0]) else []
    if cost.shape[0] > cost.shape[1]:
        return [(i, j) for j, i in hungarian(cost.T)]
    finite = cost[np.isfinite(cost)]
    # A forbidden pair costs more than all allowed ones together, so as few as possible are taken, then dropped.
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
    """Give one more row a column, along the cheapest alternating path (1-based, column 0 is the start)."""
    columns = cost.shape[1]
    owner[0] = row
    least = np.full(columns + 1, np.inf)
    way = np.zeros(columns + 1, np.int64)
    used = np.zeros(columns + 1, np.bool_)
    at = 0
    while owner[at]:
        used[at] = True
        reduced = cost[owner[at] - 1] - u[owner[at]] - v[1:]
        better = ~used[1:] & (reduced < least[1:])
        least[1:][better] = reduced[better]
        way[1:][better] = at
        free = np.where(used, np.inf, least)
        free[0] = np.inf
        following = int(free.argmin())
        step = free[following]
        u[owner[used]] += step
        v[used] -= step
        least[~used] -= step
        at = following
    while at:
        owner[at] = owner[way[at]]
        at = int(way[at])
