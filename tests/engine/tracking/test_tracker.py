"""Tracks: one person each, over missed frames, crossings, a turning camera and cuts, with few encodings."""

from collections.abc import Callable, Iterable
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recognition.engine.tracking.assignment import common_shift, hungarian, pair
from recognition.engine.tracking.tracker import FORGET_SECONDS, EncodeReason, Tracker
from recognition.engine.types import Array, Detection, Face, Quality

# Eyes, nose and corners of the mouth in a box of side 1.
FACE = np.array([[0.3, 0.35], [0.7, 0.35], [0.5, 0.6], [0.35, 0.8], [0.65, 0.8]], np.float32)
Place = tuple[float, float, float]


def template(person: int, sample: int = 0) -> Array:
    """Return a template about 0.25 from other samples of the person and about 0.55 from other people."""

    def direction(seed: int) -> Array:
        row = np.random.default_rng(seed).standard_normal(128)
        return np.asarray(row / np.linalg.norm(row), np.float32)

    sum_ = direction(99) + 0.42 * direction(person) + 0.18 * direction(1000 + person * 97 + sample)
    return np.asarray(sum_ / np.linalg.norm(sum_), np.float32)


def detection(place: Place) -> Detection:
    x, y, size = place
    landmarks = (FACE * size + (x - size / 2, y - size / 2)).astype(np.float32)
    return Detection((x - size / 2, y - size / 2, x + size / 2, y + size / 2), 0.9, landmarks)


def face(detected: Detection, person: int, sample: int, quality: float = 0.9) -> Face:
    left, top, right, bottom = (round(edge) for edge in detected.box)
    assert detected.landmarks is not None
    embedding = template(person, sample)
    measured = Quality(40, 100, 0.5, 0, 0, 0, 0, quality)
    return Face((left, top, right, bottom), 0.9, detected.landmarks, embedding, embedding, measured)


class Scene:
    """Shows people to a tracker and records which people each track had."""

    def __init__(self, fps: float = 10) -> None:
        self.tracker, self.now, self.step, self.encodings = Tracker(), 0.0, 1 / fps, 0
        self.owners: dict[int, set[int]] = {}
        self.current: dict[int, int] = {}

    def frame(self, places: dict[int, Place]) -> None:
        self.now += self.step
        people = sorted(places, key=lambda person: hash((person, round(self.now * 100))))
        detected = self.tracker.update([detection(places[person]) for person in people], self.now)
        assert len({tracked.track for tracked in detected}) == len(detected)
        for person, tracked in zip(people, detected, strict=True):
            track = tracked.track
            if tracked.encode:
                self.encodings += 1
                sample = face(tracked.detection, person, self.encodings)
                track = self.tracker.add_sample(track, sample, self.now)
                self.owners.setdefault(track, set()).add(person)
            self.current[person] = track

    def play(self, frames: Iterable[dict[int, Place]]) -> "Scene":
        for places in frames:
            self.frame(places)
        return self

    def pure(self) -> bool:
        return all(len(people) == 1 for people in self.owners.values())


def paths(steps: int, *people: Callable[[float], Place]) -> list[dict[int, Place]]:
    return [{n: person(t / (steps - 1)) for n, person in enumerate(people)} for t in range(steps)]


def test_seated_people_keep_their_tracks_and_are_encoded_rarely() -> None:
    scene, jitter = Scene(fps=15), np.random.default_rng(0)
    seats = {n: (100 + 90 * (n % 6), 100 + 100 * (n // 6), 50.0) for n in range(30)}
    for _ in range(150):
        scene.frame(
            {n: (x + jitter.normal(), y + jitter.normal(), size) for n, (x, y, size) in seats.items()}
        )
        for track in scene.current.values():
            scene.tracker.set_named(track, named=len(scene.tracker.samples(track)) >= 3)
    assert len(scene.owners) == 30
    assert scene.pure()
    assert scene.encodings <= 30 * 6


def test_track_continues_after_missed_frames() -> None:
    frames = paths(60, lambda t: (100 + 200 * t, 100, 60))
    scene = Scene().play({} if at % 7 in (2, 3, 4) else places for at, places in enumerate(frames))
    assert set(scene.owners) == {1}


def test_crossing_people_keep_their_tracks() -> None:
    scene = Scene(fps=10).play(
        paths(50, lambda t: (100 + 400 * t, 200, 70), lambda t: (500 - 400 * t, 215, 70))
    )
    assert scene.pure()
    assert {len(scene.owners), *scene.owners} == {1, 2}


def test_swap_of_hidden_people_is_found_by_appearance() -> None:
    left, right = (200.0, 200.0, 70.0), (300.0, 200.0, 70.0)
    before = [{0: left, 1: right}] * 15
    after = [{0: right, 1: left}] * 15
    scene = Scene().play(before + [{}] * 8 + after)
    assert scene.pure()


@pytest.mark.parametrize("gap", [0, 1, 5])
def test_cut_never_joins_two_people(gap: int) -> None:
    """Another person appears in the same place, as at a cut in a film, which once joined two people in a track."""
    scene = Scene(fps=10).play(
        [{0: (200.0, 200.0, 80.0)}] * 20 + [{}] * gap + [{1: (206.0, 203.0, 84.0)}] * 60
    )
    assert scene.pure()
    assert scene.current[0] != scene.current[1]


def test_turned_camera_keeps_all_tracks() -> None:
    seats = [(80.0 + 70 * n, 150.0 + 40 * (n % 3), 40.0 + 3 * (n % 4)) for n in range(8)]
    still = [dict(enumerate(seats))] * 10
    turned = [{n: (x + 95, y - 30, size) for n, (x, y, size) in enumerate(seats)}] * 10
    scene = Scene(fps=5).play(still + turned)
    assert scene.pure()
    assert len(scene.owners) == 8


def test_steady_pan_keeps_all_tracks() -> None:
    scene = Scene(fps=10).play(
        {n: (60.0 + 80 * n + 12 * at, 200 + 20.0 * (n % 2), 50.0) for n in range(5)} for at in range(30)
    )
    assert set(scene.owners) == {1, 2, 3, 4, 5}
    assert scene.pure()


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10_000))
def test_moving_crowd_never_shares_a_track(seed: int) -> None:
    rng, scene = np.random.default_rng(seed), Scene(fps=8)
    where, speed = rng.uniform(50, 550, (6, 2)), rng.normal(0, 60, (6, 2))
    for _ in range(50):
        where += speed * scene.step
        speed = np.where((where < 50) | (where > 550), -speed, speed) + rng.normal(0, 8, (6, 2))
        scene.frame({n: (*where[n].tolist(), 60.0) for n in range(6) if rng.random() > 0.1})
    assert scene.pure()


def test_hidden_person_returns_to_their_track() -> None:
    scene = Scene().play([{0: (200.0, 200.0, 70.0)}] * 15 + [{}] * 12 + [{0: (420.0, 120.0, 60.0)}] * 5)
    assert set(scene.owners) == {1}


def test_track_is_forgotten_after_its_time() -> None:
    scene = Scene(fps=10).play([{0: (200.0, 200.0, 70.0)}] * 5)
    scene.now += FORGET_SECONDS
    scene.frame({1: (200.0, 200.0, 70.0)})
    assert scene.tracker.ids == {2}
    assert scene.tracker.samples(1) == ()
    assert scene.tracker.add_sample(1, face(detection((5, 5, 9)), 0, 0), scene.now) == 3


def encode_reason(tracker: Tracker, place: Place, at: float) -> EncodeReason | None:
    return tracker.update([detection(place)], at)[0].encode


def test_encodings_are_requested_only_when_needed() -> None:
    tracker, seat, detected = Tracker(), (100.0, 100.0, 60.0), detection((100.0, 100.0, 60.0))
    assert encode_reason(tracker, seat, 0.0) is EncodeReason.NEW
    tracker.add_sample(1, face(detected, 0, 0), 0.0)
    assert encode_reason(tracker, seat, 0.1) is None
    assert encode_reason(tracker, seat, 0.3) is EncodeReason.FEW
    tracker.add_sample(1, face(detected, 0, 1), 0.3)
    tracker.set_named(1, named=True)
    assert [encode_reason(tracker, seat, 0.3 + at / 4) for at in range(1, 20)] == [None] * 19
    assert encode_reason(tracker, seat, 5.4) is EncodeReason.STALE
    tracker.add_sample(1, face(detected, 0, 2), 5.4)
    assert [
        encode_reason(tracker, (100.0, 100.0, size), 5.4 + at / 10) for at, size in enumerate(range(60, 82))
    ][-1] in {
        EncodeReason.BETTER,
        EncodeReason.DOUBT,
    }


def test_poor_sample_is_dropped_and_leaves_doubt() -> None:
    tracker, detected = Tracker(), detection((100.0, 100.0, 60.0))
    tracker.update([detected], 0.0)
    tracker.add_sample(1, face(detected, 0, 0), 0.0)
    assert tracker.add_sample(1, face(detected, 1, 0, quality=0.1), 0.3) == 1
    assert len(tracker.samples(1)) == 1
    assert encode_reason(tracker, (100.0, 100.0, 60.0), 0.6) is EncodeReason.DOUBT


def test_detections_are_not_changed() -> None:
    tracker, detected = Tracker(), detection((100.0, 100.0, 60.0))
    assert detected.landmarks is not None
    detected.landmarks.flags.writeable = False
    for at in range(3):
        tracker.update([detected], float(at) / 10)


@settings(max_examples=200)
@given(st.integers(1, 5), st.integers(1, 5), st.integers(0, 9999))
def test_hungarian_method_is_optimal(rows: int, columns: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    cost = rng.integers(0, 20, (rows, columns)).astype(float)
    cost[rng.random(cost.shape) < 0.3] = np.inf
    wide = cost if rows <= columns else cost.T
    best = min(
        (
            -sum(np.isfinite(wide[i, j]) for i, j in enumerate(columns_of_rows)),
            sum(c for i, j in enumerate(columns_of_rows) if (c := wide[i, j]) < 99),
        )
        for columns_of_rows in permutations(range(wide.shape[1]), wide.shape[0])
    )
    pairs = hungarian(cost)
    assert len({i for i, _ in pairs}) == len({j for _, j in pairs}) == len(pairs)
    assert (-len(pairs), sum(cost[i, j] for i, j in pairs)) == best


def test_pairs_are_within_reach() -> None:
    boxes = np.array([[0, 0, 10, 10], [100, 100, 110, 110.0]])
    assert [(i, j) for i, j, _ in pair(boxes, boxes[::-1] + 1, np.array([1.0, 1.0]))] == [(0, 1), (1, 0)]
    assert pair(boxes, boxes + 40, np.array([1.0, 1.0])) == []


def test_common_shift_is_the_one_of_most_faces() -> None:
    boxes = np.array([[x, y, x + 30, y + 30] for x, y in ((0, 0), (90, 10), (200, 60))], float)
    moved = np.concatenate([boxes + np.array([25, -15, 25, -15]), [[400, 400, 430, 430]]])
    assert common_shift(boxes, moved).tolist() == [25, -15]
    assert common_shift(boxes[:1], moved[:1]).tolist() == [0, 0]
