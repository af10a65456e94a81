"""Boxes to tracks over the frames of one camera, and when a face is worth encoding again.

A track is one person: position carries it from frame to frame (missed frames, crossings, a camera that
turns), and appearance is checked before any look joins it, because position alone joined two people over a
cut (FACTS.md). A look that is clearly somebody else starts a track of its own or goes back to the one it
belongs to; one that could be either is dropped and asked for again.

One tracker per camera. It is not thread-safe and reads no clock: the caller serialises and tells the time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray

from recognition.engine.tracking.assignment import Floats, centre, common_shift, costs, pair, side
from recognition.engine.types import Array, Detection, Face, Look

# A face hidden for longer than this is met anew (and may find its track again by appearance until then).
FORGET_AFTER: Final = 2.0
# Looks wanted soon, and how far apart; afterwards the interval doubles with every look, up to the longest.
_SOON_LOOKS: Final = 5
_SOON: Final = 0.25
_LONGEST: Final = 3.0
# Of a face that has its name a look now and then, so that a swap that nobody saw comes to light.
_KNOWN_INTERVAL: Final = 5.0
_BETTER: Final = 1.25
_BETTER_INTERVAL: Final = 1.0
_MOST_LOOKS: Final = 24

# L2 between unit templates, from 100 people of LFW: single pictures of one person lie beyond 0.42 in 1 of 100,
# a mean and a picture beyond 0.36; of two people under 0.376 and 0.350 in 1 of 1,000.
_SAME: Final = 0.40
_SAME_IN_DOUBT: Final = 0.34
_OTHER: Final = 0.50
_OTHER_IN_DOUBT: Final = 0.44
_SURELY_SAME: Final = 0.30
# So many looks in a row that fit neither way, and the track is given up for a new one.
_STRIKES: Final = 3
# Under this quality a look is evidence neither for nor against (FACTS: profiles lie at 0.40 to 0.50).
_POOR: Final = 0.4

# How far a face may move, in sides: at once, and more for each second since it was seen.
_REACH: Final = 0.7
_REACH_PER_SECOND: Final = 1.5
_FARTHEST: Final = 2.0
# A calm track moves less than this between frames; beyond it another person may have come into its place.
_CALM: Final = 0.25
_CALM_PER_SECOND: Final = 1.0
_CALM_GAP: Final = 0.7
_CALM_GROWTH: Final = 0.3
# Landmarks, in units of their spread: a head turns, but does not jump. Over 0.2 s of the clip 95 of 100 faces
# stay under 0.045, and its cuts lie at 0.08 and 0.12.
_CALM_POSE: Final = 0.06
# Fewer tracks than this part found again: the camera may have turned.
_LOST_PART: Final = 0.5


class Why(StrEnum):
    """Why an encoding is wanted."""

    NEW = "new"
    FEW = "few"
    DOUBT = "doubt"
    BETTER = "better"
    STALE = "stale"


@dataclass(frozen=True, slots=True, eq=False)
class TrackedDetection:
    """A detection, the track that it continues or begins, and why it should be encoded (None: no need)."""

    detection: Detection
    track: int
    embed: Why | None


@dataclass(slots=True, eq=False)
class _Track:
    id: int
    box: Floats
    pose: Floats
    hint: float
    seen: float
    velocity: Floats = field(default_factory=lambda: np.zeros(2))
    visible: bool = True
    evicted: bool = False
    known: bool = False
    doubt: bool = False
    strikes: int = 0
    tried: float = -np.inf
    best_hint: float = 0.0
    looks: list[Look] = field(default_factory=list)

    def predicted(self, at: float) -> Floats:
        """Where the box is now if the face went on; a movement is believed for a quarter of a second."""
        step = self.velocity * min(at - self.seen, 0.25)
        return np.asarray(self.box + np.concatenate([step, step]), np.float64)

    def distance(self, template: Array) -> float:
        """From the nearest of the looks and their mean, whichever is nearer. Needs a look."""
        known = np.stack([look.template for look in self.looks])
        mean = known.mean(axis=0)
        rows = np.concatenate([known, mean[None] / np.linalg.norm(mean)])
        return float(np.linalg.norm(rows - template, axis=1).min())

    def add(self, look: Look) -> None:
        self.looks.append(look)
        if len(self.looks) > _MOST_LOOKS:
            self.looks.remove(min(self.looks, key=lambda kept: kept.quality))
        self.best_hint = max(self.best_hint, self.hint)
        self.doubt, self.strikes = False, 0


@dataclass(frozen=True, slots=True, eq=False)
class _Frame:
    """What is measured of all detections of a frame at once.

    `boxes` (D, 4); `poses` (D, 10), landmarks around their middle in units of their spread, NaN without any;
    `hints` (D,), what a look would be worth: pixels between the eyes, at most 40, less for a turned head.
    """

    boxes: Floats
    poses: Floats
    hints: Floats


class Tracker:
    """Give it the detections of every frame with `update`, and the faces it asked for with `add_look`."""

    def __init__(self) -> None:
        self._tracks: dict[int, _Track] = {}
        self._last_id = 0

    def update(self, detections: Sequence[Detection], at: float) -> list[TrackedDetection]:
        """The detections of a frame taken at `at` (monotonic seconds, rising), in the same order."""
        self._tracks = {k: track for k, track in self._tracks.items() if at - track.seen <= FORGET_AFTER}
        frame = _measured(detections)
        # Whom another face has displaced comes back by appearance alone.
        before = [track for track in self._tracks.values() if not track.evicted]
        owners: dict[int, _Track] = {}
        for track in before:
            track.visible = False
        if before and detections:
            owners = _continued(before, frame, at)
        for place in range(len(detections)):
            if place not in owners:
                owners[place] = self._begin(frame, place, at)
        return [
            TrackedDetection(detection, owners[place].id, _wanted(owners[place], at))
            for place, detection in enumerate(detections)
        ]

    def add_look(self, track_id: int, face: Face, at: float) -> int:
        """Give a track an encoding of the face it asked for; returns the track that the face belongs to.

        That is another one, begun now or lost before, if the face is clearly not the track's person. A look
        that proves nothing either way is dropped.
        """
        look = Look(face.template, face.quality.score, at)
        track = self._tracks.get(track_id)
        if track is None:
            track = self._begin(_measured([Detection(face.box, face.score, face.landmarks)]), 0, at)
        track.tried = at
        if not track.looks:
            track = self._lost_owner(track, look) or track
            track.add(look)
            return track.id
        verdict = _verdict(track, look)
        if verdict is None:
            track.doubt = True
            return track.id
        if verdict:
            track.add(look)
            return track.id
        return self._split(track, look)

    def looks(self, track_id: int) -> tuple[Look, ...]:
        """The looks of a track, oldest first; none for one that is forgotten."""
        track = self._tracks.get(track_id)
        return tuple(track.looks) if track else ()

    def settle(self, track_id: int, *, known: bool) -> None:
        """Say whether a track has its name: then it is encoded more rarely."""
        if track_id in self._tracks:
            self._tracks[track_id].known = known

    def in_doubt(self, track_id: int) -> bool:
        """Whether another person may have come into the track's place: show no name until a look has cleared it."""
        return track_id in self._tracks and self._tracks[track_id].doubt

    @property
    def ids(self) -> frozenset[int]:
        """The tracks that are not forgotten; what is kept elsewhere for others may go."""
        return frozenset(self._tracks)

    def _begin(self, frame: _Frame, place: int, at: float) -> _Track:
        self._last_id += 1
        track = _Track(self._last_id, frame.boxes[place], frame.poses[place], float(frame.hints[place]), at)
        self._tracks[track.id] = track
        return track

    def _lost_owner(self, track: _Track, look: Look) -> _Track | None:
        """The hidden track whose person this surely is; it takes over the place of `track`, which ends."""
        lost = [
            other
            for other in self._tracks.values()
            if not other.visible and other.looks and other is not track
        ]
        near = [(other.distance(look.template), other.id, other) for other in lost]
        if not near or min(near)[0] > _SURELY_SAME:
            return None
        owner = min(near)[2]
        for name in ("box", "pose", "hint", "seen", "velocity", "tried"):
            setattr(owner, name, getattr(track, name))
        owner.visible, owner.evicted = True, False
        if not track.looks:
            del self._tracks[track.id]
        return owner

    def _split(self, track: _Track, look: Look) -> int:
        """Somebody else stands where the track was: theirs is another track, and this one is out of sight."""
        track.visible, track.evicted, track.doubt, track.strikes = False, True, False, 0
        owner = self._lost_owner(track, look)
        if owner is None:
            self._last_id += 1
            owner = _Track(self._last_id, track.box, track.pose, track.hint, track.seen, tried=look.at)
            self._tracks[owner.id] = owner
        owner.add(look)
        return owner.id


def _verdict(track: _Track, look: Look) -> bool | None:
    """Whether the look is the track's person; None where it proves nothing."""
    distance = track.distance(look.template)
    if distance <= (_SAME_IN_DOUBT if track.doubt else _SAME):
        return True
    if look.quality < _POOR:
        return None
    track.strikes += 1
    if distance > (_OTHER_IN_DOUBT if track.doubt else _OTHER) or track.strikes >= _STRIKES:
        return False
    return None


def _continued(tracks: Sequence[_Track], frame: _Frame, at: float) -> dict[int, _Track]:
    """Which track each detection continues; those tracks are moved there."""
    predicted = np.stack([track.predicted(at) for track in tracks])
    since = np.maximum(np.array([at - track.seen for track in tracks]), 1e-3)
    reach = np.minimum(_REACH + _REACH_PER_SECOND * since, _FARTHEST)
    pairs = pair(predicted, frame.boxes, reach)
    few = len(pairs) <= _LOST_PART * min(len(tracks), len(frame.boxes))
    if few or _all_moved(predicted, frame.boxes, pairs):
        shift = common_shift(predicted, frame.boxes)
        moved = pair(predicted + np.concatenate([shift, shift]), frame.boxes, reach)
        if (len(moved), -sum(p[2] for p in moved)) > (len(pairs), -sum(p[2] for p in pairs)):
            predicted, pairs = predicted + np.concatenate([shift, shift]), moved
    if pairs:
        contested = np.isfinite(costs(predicted, frame.boxes, reach * 0.7))
        rivals = contested.sum(axis=1)[:, None] + contested.sum(axis=0)[None] > 2
        _move(tracks, predicted, since, frame, at=at, rivals=rivals, pairs=pairs)
    return {j: tracks[i] for i, j, _ in pairs}


def _move(
    tracks: Sequence[_Track],
    predicted: Floats,
    since: Floats,
    frame: _Frame,
    *,
    at: float,
    rivals: NDArray[np.bool_],
    pairs: Sequence[tuple[int, int, float]],
) -> None:
    """Take the paired tracks to their detections; one that did not go there calmly is in doubt."""
    i, j = [p[0] for p in pairs], [p[1] for p in pairs]
    old, new, gap = np.stack([tracks[k].box for k in i]), frame.boxes[j], since[i]
    size = side(old)
    surprise = np.linalg.norm(centre(new) - centre(predicted[i]), axis=1) / size
    growth = np.abs(np.log(side(new) / size))
    turned = np.abs(np.stack([tracks[k].pose for k in i]) - frame.poses[j]).mean(axis=1)
    calm = ~rivals[i, j] & (surprise <= _CALM + _CALM_PER_SECOND * gap) & (gap <= _CALM_GAP)
    calm &= (growth <= _CALM_GROWTH) & ~(turned > _CALM_POSE)
    velocity = 0.5 * (centre(new) - centre(old)) / gap[:, None]
    for row, (k, place) in enumerate(zip(i, j, strict=True)):
        track = tracks[k]
        track.doubt = track.doubt or (bool(track.looks) and not calm[row])
        track.velocity = 0.5 * track.velocity + velocity[row]
        track.box, track.pose, track.hint = new[row], frame.poses[place], float(frame.hints[place])
        track.seen, track.visible = at, True


def _wanted(track: _Track, at: float) -> Why | None:
    if not track.looks:
        return Why.NEW if at - track.tried >= _SOON else None
    waited = at - max(track.tried, track.looks[-1].at)
    if track.doubt:
        return Why.DOUBT if waited >= _SOON / 2 else None
    if track.known:
        if waited >= _KNOWN_INTERVAL:
            return Why.STALE
        better = track.hint > _BETTER * track.best_hint and waited >= _BETTER_INTERVAL
        return Why.BETTER if better else None
    if len(track.looks) < _SOON_LOOKS:
        return Why.FEW if waited >= _SOON else None
    interval = min(_LONGEST, _SOON * 2 ** (len(track.looks) - _SOON_LOOKS + 1))
    return Why.STALE if waited >= interval else None


def _all_moved(predicted: Floats, found: Floats, pairs: Sequence[tuple[int, int, float]]) -> bool:
    """Whether most pairs lie far from where they were expected: then the camera moved, or pairs are wrong."""
    if len(pairs) < 2:
        return False
    i, j = [p[0] for p in pairs], [p[1] for p in pairs]
    away = np.linalg.norm(centre(predicted[i]) - centre(found[j]), axis=1) / side(predicted[i])
    return bool(np.median(away) > _CALM)


def _measured(detections: Sequence[Detection]) -> _Frame:
    boxes = np.array([detection.box for detection in detections], np.float64).reshape(-1, 4)
    nothing = np.full((5, 2), np.nan)
    points = np.array(
        [nothing if found.landmarks is None else found.landmarks for found in detections], np.float64
    ).reshape(-1, 5, 2)
    middle = points - points.mean(axis=1, keepdims=True)
    spread = 2 * np.sqrt((middle**2).sum(axis=2).mean(axis=1))
    eyes, nose = points[:, 1] - points[:, 0], points[:, 2] - points[:, 0]
    between = np.linalg.norm(eyes, axis=1)
    along = (eyes * nose).sum(axis=1) / np.maximum(between, 1e-6) ** 2
    hints = np.minimum(between, 40) * np.maximum(0.2, 1 - 2 * np.abs(along - 0.5))
    without = np.minimum((boxes[:, 2] - boxes[:, 0]) * 0.4, 40)
    poses = (middle / np.maximum(spread, 1e-6)[:, None, None]).reshape(-1, 10)
    return _Frame(boxes, poses, np.where(np.isnan(hints), without, hints))
