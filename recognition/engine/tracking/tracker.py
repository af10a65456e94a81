"""Tracks: which detections in the frames of one camera are the same person, and when to encode a face again.

A track is one person. Position carries it from frame to frame (over missed frames, crossings and a camera that turns).
Appearance is compared before a sample joins it, because position alone joined two people at a cut. A sample of clearly
another person starts a new track or goes back to the one that it belongs to; one that could be either is dropped, and
another is requested.

There is one tracker per camera. It is not thread-safe and reads no clock: the caller passes the time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray

from recognition.engine.tracking.assignment import Floats, centre, common_shift, costs, pair, side
from recognition.engine.types import Array, Detection, Face, Sample

# Seconds after which a track that was not seen is forgotten. Until then it may be found again by appearance.
FORGET_SECONDS: Final = 2.0
# A new track gets this many samples, this many seconds apart. Afterwards the interval doubles with each sample, up to
# the longest.
_SOON_SAMPLES: Final = 5
_SOON_SECONDS: Final = 0.25
_LONGEST_SECONDS: Final = 3.0
# A named track still gets a sample at this interval, so that an unnoticed swap of two people is found. It gets one
# sooner (at the last of these intervals) if the face is seen better than in its samples by this factor.
_NAMED_SECONDS: Final = 5.0
_BETTER: Final = 1.25
_BETTER_SECONDS: Final = 1.0
# Of more samples than this the worst are dropped.
_MOST_SAMPLES: Final = 24

# L2 between unit templates up to which a sample is the track's person, and beyond which it is another. From 100 people
# of LFW: one person's single images are farther apart than 0.42 in 1 of 100 cases, a mean and an image farther than
# 0.36; those of two people are nearer than 0.376 and 0.350 in 1 of 1,000. The limits are stricter for a track in doubt,
# and strictest for finding a hidden track again.
_SAME_PERSON: Final = 0.40
_SAME_PERSON_IN_DOUBT: Final = 0.34
_OTHER_PERSON: Final = 0.50
_OTHER_PERSON_IN_DOUBT: Final = 0.44
_SURELY_SAME_PERSON: Final = 0.30
# After this many samples in a row that do not match, the track's person is taken to have left.
_MOST_MISMATCHES: Final = 3
# A sample of lower quality does not count as a mismatch: one person's profile is 0.40 to 0.50 from the front view.
_POOR: Final = 0.4

# How far a face may move, in sides of its box: from one frame to the next, and more for each second since it was seen.
_REACH: Final = 0.7
_REACH_PER_SECOND: Final = 1.5
_FARTHEST: Final = 2.0
# A track that moves less than this is surely the same person; beyond it, another person may have taken its place. In
# sides of its box, in seconds since it was seen, and as logarithm of the change of size.
_CALM: Final = 0.25
_CALM_PER_SECOND: Final = 1.0
_CALM_GAP: Final = 0.7
_CALM_GROWTH: Final = 0.3
# The same for landmarks, in units of their spread: a head turns, but does not jump. Over 0.2 s of a film 95 of 100
# faces stay under 0.045; at its cuts the change is 0.08 and 0.12.
_CALM_POSE: Final = 0.06
# Where at most this part of the tracks is found again, the camera may have turned.
_LOST_PART: Final = 0.5


class EncodeReason(StrEnum):
    """Why a face should be encoded: new track, few samples, person in doubt, better view, or last sample too old."""

    NEW = "new"
    FEW = "few"
    DOUBT = "doubt"
    BETTER = "better"
    STALE = "stale"


@dataclass(frozen=True, slots=True, eq=False)
class TrackedDetection:
    """A detection, the track that it continues or starts, and why it should be encoded (None: no need)."""

    detection: Detection
    track: int
    encode: EncodeReason | None


@dataclass(slots=True, eq=False)
class _Track:
    """The state of a track.

    `displaced`: another person was found in its place, so only appearance can find it again. `doubt`: another person
    may stand in its place. `mismatches` counts samples in a row that do not match. `encoded_at` is when its face was
    last encoded, in monotonic seconds; `box`, `pose` and `view_quality` are rows of `_Measurements`.
    """

    id: int
    box: Floats
    pose: Floats
    view_quality: float
    seen_at: float
    velocity: Floats = field(default_factory=lambda: np.zeros(2))
    visible: bool = True
    displaced: bool = False
    named: bool = False
    doubt: bool = False
    mismatches: int = 0
    encoded_at: float = -np.inf
    best_view_quality: float = 0.0
    samples: list[Sample] = field(default_factory=list)

    def predicted(self, at: float) -> Floats:
        """Return the expected box (4,) at a time: movement continues for at most a quarter of a second."""
        step = self.velocity * min(at - self.seen_at, 0.25)
        return np.asarray(self.box + np.concatenate([step, step]), np.float64)

    def distance(self, template: Array) -> float:
        """Return the L2 distance of a template to the nearest of the samples and their mean; needs a sample."""
        templates = np.stack([sample.template for sample in self.samples])
        mean = templates.mean(axis=0)
        rows = np.concatenate([templates, mean[None] / np.linalg.norm(mean)])
        return float(np.linalg.norm(rows - template, axis=1).min())

    def add(self, sample: Sample) -> None:
        """Add a sample of the track's person and drop the worst of too many."""
        self.samples.append(sample)
        if len(self.samples) > _MOST_SAMPLES:
            self.samples.remove(min(self.samples, key=lambda kept: kept.quality))
        self.best_view_quality = max(self.best_view_quality, self.view_quality)
        self.doubt, self.mismatches = False, 0


@dataclass(frozen=True, slots=True, eq=False)
class _Measurements:
    """Measurements of all D detections of a frame.

    `boxes` (D, 4). `poses` (D, 10): landmarks around their middle in units of their spread, NaN where there are none.
    `view_qualities` (D,): pixels between the eyes, at most 40, less for a turned head.
    """

    boxes: Floats
    poses: Floats
    view_qualities: Floats


class Tracker:
    """The tracks of one camera: call `update` for each frame, and `add_sample` with each encoding that it requests."""

    def __init__(self) -> None:
        self._tracks: dict[int, _Track] = {}
        self._last_id = 0

    def update(self, detections: Sequence[Detection], at: float) -> list[TrackedDetection]:
        """Return the detections of a frame with their tracks, in the same order; `at` in rising monotonic seconds."""
        self._tracks = {k: track for k, track in self._tracks.items() if at - track.seen_at <= FORGET_SECONDS}
        frame = _measure(detections)
        # A displaced track is found again by appearance alone.
        before = [track for track in self._tracks.values() if not track.displaced]
        owners: dict[int, _Track] = {}
        for track in before:
            track.visible = False
        if before and detections:
            owners = _continue_tracks(before, frame, at)
        for place in range(len(detections)):
            if place not in owners:
                owners[place] = self._start_track(frame, place, at)
        return [
            TrackedDetection(detection, owners[place].id, _encode_reason(owners[place], at))
            for place, detection in enumerate(detections)
        ]

    def add_sample(self, track_id: int, face: Face, at: float) -> int:
        """Add the encoding of a face that was requested for a track. Return the track that the face belongs to.

        It is another track, a new or a hidden one, where the face is clearly another person's. A sample that may or may
        not be the track's person is dropped.
        """
        sample = Sample(face.template, face.quality.score, at)
        track = self._tracks.get(track_id)
        if track is None:
            track = self._start_track(_measure([Detection(face.box, face.score, face.landmarks)]), 0, at)
        track.encoded_at = at
        if not track.samples:
            track = self._hidden_owner(track, sample) or track
            track.add(sample)
            return track.id
        verdict = _verdict(track, sample)
        if verdict is None:
            track.doubt = True
            return track.id
        if verdict:
            track.add(sample)
            return track.id
        return self._split(track, sample)

    def samples(self, track_id: int) -> tuple[Sample, ...]:
        """Return the samples of a track, oldest first; none for a forgotten track."""
        track = self._tracks.get(track_id)
        return tuple(track.samples) if track else ()

    def set_named(self, track_id: int, *, named: bool) -> None:
        """Note whether a track has a name; one that has is encoded more rarely."""
        if track_id in self._tracks:
            self._tracks[track_id].named = named

    def in_doubt(self, track_id: int) -> bool:
        """Return whether another person may stand in the track's place: show no name until a sample has matched."""
        return track_id in self._tracks and self._tracks[track_id].doubt

    @property
    def ids(self) -> frozenset[int]:
        """Return the tracks that are not forgotten."""
        return frozenset(self._tracks)

    def _start_track(self, frame: _Measurements, place: int, at: float) -> _Track:
        self._last_id += 1
        track = _Track(
            self._last_id, frame.boxes[place], frame.poses[place], float(frame.view_qualities[place]), at
        )
        self._tracks[track.id] = track
        return track

    def _hidden_owner(self, track: _Track, sample: Sample) -> _Track | None:
        """Return the hidden track whose person this surely is, moved to the place of `track`; None if there is none.

        A `track` without samples is removed.
        """
        hidden = [
            other
            for other in self._tracks.values()
            if not other.visible and other.samples and other is not track
        ]
        near = [(other.distance(sample.template), other.id, other) for other in hidden]
        if not near or min(near)[0] > _SURELY_SAME_PERSON:
            return None
        owner = min(near)[2]
        for name in ("box", "pose", "view_quality", "seen_at", "velocity", "encoded_at"):
            setattr(owner, name, getattr(track, name))
        owner.visible, owner.displaced = True, False
        if not track.samples:
            del self._tracks[track.id]
        return owner

    def _split(self, track: _Track, sample: Sample) -> int:
        """Hide a track in whose place another person stands, and return the track of that person."""
        track.visible, track.displaced, track.doubt, track.mismatches = False, True, False, 0
        owner = self._hidden_owner(track, sample)
        if owner is None:
            self._last_id += 1
            owner = _Track(
                self._last_id, track.box, track.pose, track.view_quality, track.seen_at, encoded_at=sample.at
            )
            self._tracks[owner.id] = owner
        owner.add(sample)
        return owner.id


def _verdict(track: _Track, sample: Sample) -> bool | None:
    """Return whether the sample is the track's person; None where it may or may not be. Counts mismatches."""
    distance = track.distance(sample.template)
    if distance <= (_SAME_PERSON_IN_DOUBT if track.doubt else _SAME_PERSON):
        return True
    if sample.quality < _POOR:
        return None
    track.mismatches += 1
    if (
        distance > (_OTHER_PERSON_IN_DOUBT if track.doubt else _OTHER_PERSON)
        or track.mismatches >= _MOST_MISMATCHES
    ):
        return False
    return None


def _continue_tracks(tracks: Sequence[_Track], frame: _Measurements, at: float) -> dict[int, _Track]:
    """Move tracks to the detections that continue them. Return the tracks by index of the detection."""
    predicted = np.stack([track.predicted(at) for track in tracks])
    since = np.maximum(np.array([at - track.seen_at for track in tracks]), 1e-3)
    reach = np.minimum(_REACH + _REACH_PER_SECOND * since, _FARTHEST)
    pairs = pair(predicted, frame.boxes, reach)
    few = len(pairs) <= _LOST_PART * min(len(tracks), len(frame.boxes))
    if few or _camera_moved(predicted, frame.boxes, pairs):
        shift = common_shift(predicted, frame.boxes)
        moved = pair(predicted + np.concatenate([shift, shift]), frame.boxes, reach)
        if (len(moved), -sum(p[2] for p in moved)) > (len(pairs), -sum(p[2] for p in pairs)):
            predicted, pairs = predicted + np.concatenate([shift, shift]), moved
    if pairs:
        possible = np.isfinite(costs(predicted, frame.boxes, reach * 0.7))
        contested = possible.sum(axis=1)[:, None] + possible.sum(axis=0)[None] > 2
        _move_tracks(tracks, predicted, since, frame, at=at, contested=contested, pairs=pairs)
    return {j: tracks[i] for i, j, _ in pairs}


def _move_tracks(
    tracks: Sequence[_Track],
    predicted: Floats,
    since: Floats,
    frame: _Measurements,
    *,
    at: float,
    contested: NDArray[np.bool_],
    pairs: Sequence[tuple[int, int, float]],
) -> None:
    """Move the paired tracks to their detections; one whose movement was not calm is in doubt.

    `pairs` are (track, detection, cost), `contested` (T, D) says where more than one pair is possible, `since` (T,) is
    in seconds.
    """
    i, j = [p[0] for p in pairs], [p[1] for p in pairs]
    old, new, gap = np.stack([tracks[k].box for k in i]), frame.boxes[j], since[i]
    size = side(old)
    surprise = np.linalg.norm(centre(new) - centre(predicted[i]), axis=1) / size
    growth = np.abs(np.log(side(new) / size))
    pose_change = np.abs(np.stack([tracks[k].pose for k in i]) - frame.poses[j]).mean(axis=1)
    calm = ~contested[i, j] & (surprise <= _CALM + _CALM_PER_SECOND * gap) & (gap <= _CALM_GAP)
    calm &= (growth <= _CALM_GROWTH) & ~(pose_change > _CALM_POSE)
    velocity = 0.5 * (centre(new) - centre(old)) / gap[:, None]
    for row, (k, place) in enumerate(zip(i, j, strict=True)):
        track = tracks[k]
        track.doubt = track.doubt or (bool(track.samples) and not calm[row])
        track.velocity = 0.5 * track.velocity + velocity[row]
        track.box, track.pose, track.view_quality = (
            new[row],
            frame.poses[place],
            float(frame.view_qualities[place]),
        )
        track.seen_at, track.visible = at, True


def _encode_reason(track: _Track, at: float) -> EncodeReason | None:
    if not track.samples:
        return EncodeReason.NEW if at - track.encoded_at >= _SOON_SECONDS else None
    waited = at - max(track.encoded_at, track.samples[-1].at)
    if track.doubt:
        return EncodeReason.DOUBT if waited >= _SOON_SECONDS / 2 else None
    if track.named:
        if waited >= _NAMED_SECONDS:
            return EncodeReason.STALE
        better = track.view_quality > _BETTER * track.best_view_quality and waited >= _BETTER_SECONDS
        return EncodeReason.BETTER if better else None
    if len(track.samples) < _SOON_SAMPLES:
        return EncodeReason.FEW if waited >= _SOON_SECONDS else None
    interval = min(_LONGEST_SECONDS, _SOON_SECONDS * 2 ** (len(track.samples) - _SOON_SAMPLES + 1))
    return EncodeReason.STALE if waited >= interval else None


def _camera_moved(predicted: Floats, boxes: Floats, pairs: Sequence[tuple[int, int, float]]) -> bool:
    """Return whether most pairs are far from where they were expected: the camera moved, or pairs are wrong."""
    if len(pairs) < 2:
        return False
    i, j = [p[0] for p in pairs], [p[1] for p in pairs]
    away = np.linalg.norm(centre(predicted[i]) - centre(boxes[j]), axis=1) / side(predicted[i])
    return bool(np.median(away) > _CALM)


def _measure(detections: Sequence[Detection]) -> _Measurements:
    boxes = np.array([detection.box for detection in detections], np.float64).reshape(-1, 4)
    nothing = np.full((5, 2), np.nan)
    points = np.array(
        [nothing if detection.landmarks is None else detection.landmarks for detection in detections],
        np.float64,
    ).reshape(-1, 5, 2)
    middle = points - points.mean(axis=1, keepdims=True)
    spread = 2 * np.sqrt((middle**2).sum(axis=2).mean(axis=1))
    eyes, nose = points[:, 1] - points[:, 0], points[:, 2] - points[:, 0]
    between = np.linalg.norm(eyes, axis=1)
    along = (eyes * nose).sum(axis=1) / np.maximum(between, 1e-6) ** 2
    view_qualities = np.minimum(between, 40) * np.maximum(0.2, 1 - 2 * np.abs(along - 0.5))
    without = np.minimum((boxes[:, 2] - boxes[:, 0]) * 0.4, 40)
    poses = (middle / np.maximum(spread, 1e-6)[:, None, None]).reshape(-1, 10)
    return _Measurements(boxes, poses, np.where(np.isnan(view_qualities), without, view_qualities))
