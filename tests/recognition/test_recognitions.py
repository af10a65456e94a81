"""Searches that a gallery remembers: the same answers as without, and nothing of a stranger."""

import numpy as np
import pytest

from recognition.engine.identification.decision import threshold
from recognition.engine.types import Array
from recognition.galleries import REMEMBER_DISTANCE, Galleries
from recognition.telemetry.monitor import Monitor
from tests.recognition.test_galleries import CLASS, OTHER, FakeSource, nearest, process, unit


def near(source: FakeSource, rows: int, seed: int, distance: float = 0.2) -> Array:
    """Other pictures of students of the first class, some of them twice."""
    chosen = np.random.default_rng(seed).integers(0, len(source.faces[CLASS]), rows)
    moved = source.faces[CLASS][chosen] + distance * unit(rows, seed)
    return np.asarray(moved / np.linalg.norm(moved, axis=1, keepdims=True), np.float32)


class Alike(FakeSource):
    """Each student's photographs resemble each other, as real ones do."""

    def __init__(self) -> None:
        super().__init__()
        for name, faces in self.faces.items():
            self.faces[name] = np.repeat(faces[::3], 3, axis=0)


def test_same_template_is_not_searched_again() -> None:
    source = Alike()
    galleries, monitor = process(source)
    probes, new = near(source, 5, 9), near(source, 1, 10)
    first = galleries.search({CLASS: probes})[CLASS].matches
    again = galleries.search({CLASS: np.concatenate([probes, new])})[CLASS].matches
    assert again[:5] == first
    assert again[5] == process(source)[0].search({CLASS: new})[CLASS].matches[0]
    counted = monitor.figures().counters
    assert (counted["recognition_hits"], counted["recognition_misses"]) == (5, 6)


def test_remembered_searches_equal_new_ones() -> None:
    """Frames of students, strangers and both, over and over, while photographs come and go."""
    source = Alike()
    remembering, monitor = process(source)
    forgetful = Galleries(source, monitor=(plain := Monitor()), rebuild_seconds=60, remember_seconds=0)
    drawn = np.random.default_rng(5)
    pool = np.concatenate([near(source, 60, 1), near(source, 20, 2, distance=0.45), unit(40, 3)])
    for turn in range(300):
        asked = {
            name: pool[drawn.integers(0, len(pool), drawn.integers(1, 9))]
            for name in (CLASS, OTHER)[: drawn.integers(1, 3)]
        }
        k = int(drawn.integers(1, 5))
        ours, theirs = remembering.search(asked, k), forgetful.search(asked, k)
        for name in asked:
            for mine, other in zip(ours[name].matches, theirs[name].matches, strict=True):
                assert [match.id for match in mine] == [match.id for match in other]
                assert [match.distance for match in mine] == pytest.approx(
                    [match.distance for match in other], abs=1e-6
                )
        if turn % 50 == 49:
            source.remove(CLASS, f"{CLASS}-{turn // 50}")
    assert monitor.figures().counters["recognition_hits"] > 100
    assert plain.figures().counters["recognition_hits"] == 0


def test_strangers_and_vectors_are_not_remembered() -> None:
    source = Alike()
    galleries, monitor = process(source)
    galleries.search({CLASS: unit(20, 77)})
    assert monitor.figures().gauges["recognitions"] == 0
    probe = near(source, 1, 9)
    galleries.search({CLASS: np.concatenate([probe, unit(5, 78)])})
    assert monitor.figures().gauges["recognitions"] == 1
    ((key, (_, matches)),) = galleries.current(CLASS, "1").searches.items()
    assert len(key[0]) == 16
    assert {type(value) for match in matches for value in match} == {str, float}


def test_every_nameable_distance_is_remembered() -> None:
    widest = max(
        threshold(samples, photographs, size)
        for samples in range(1, 13)
        for photographs in range(1, 6)
        for size in (1, 30)
    )
    assert widest < REMEMBER_DISTANCE


def test_remembered_searches_end_with_the_gallery_and_with_their_time() -> None:
    source = Alike()
    probe = source.faces[CLASS][0]
    # The next student looks like the first, and takes the first's place.
    source.faces[CLASS][3:6] = probe + 0.2 * unit(1, 50)
    source.faces[CLASS][3:6] /= np.linalg.norm(source.faces[CLASS][3])
    galleries, monitor = process(source)
    forgetful = Galleries(source, monitor=(other := Monitor()), rebuild_seconds=60, remember_seconds=0)
    for matches in (galleries, forgetful):
        assert nearest(matches, CLASS, probe) == f"{CLASS}-0"
    source.remove(CLASS, f"{CLASS}-0")
    for matches in (galleries, forgetful):
        assert nearest(matches, CLASS, probe) == nearest(matches, CLASS, probe) == f"{CLASS}-1"
    assert monitor.figures().counters["recognition_hits"] == 1
    assert other.figures().counters["recognition_hits"] == 0


def test_gallery_remembers_at_most_its_number_of_searches() -> None:
    source = Alike()
    galleries, _ = process(source)
    galleries.search({CLASS: near(source, 700, 3)})
    galleries.search({CLASS: near(source, 700, 4)})
    assert len(galleries.current(CLASS, "1").searches) == 512
