"""Searches that a gallery remembers: the same answers as without, and nothing of a stranger."""

import numpy as np
import pytest

from recognition.engine.identification.decision import threshold
from recognition.engine.types import Array
from recognition.galleries import REMEMBER_DISTANCE, Galleries
from recognition.telemetry.monitor import Monitor
from tests.recognition.test_galleries import CLASS, OTHER, School, best, process, unit


def near(school: School, rows: int, seed: int, distance: float = 0.2) -> Array:
    """Other pictures of students of the first class, some of them twice."""
    chosen = np.random.default_rng(seed).integers(0, len(school.faces[CLASS]), rows)
    moved = school.faces[CLASS][chosen] + distance * unit(rows, seed)
    return np.asarray(moved / np.linalg.norm(moved, axis=1, keepdims=True), np.float32)


class Alike(School):
    """Each student's photographs resemble each other, as real ones do."""

    def __init__(self) -> None:
        super().__init__()
        for name, faces in self.faces.items():
            self.faces[name] = np.repeat(faces[::3], 3, axis=0)


def test_the_very_same_template_is_not_searched_again_and_finds_the_same() -> None:
    school = Alike()
    galleries, monitor = process(school)
    probes, new = near(school, 5, 9), near(school, 1, 10)
    first = galleries.search({CLASS: probes})[CLASS].matches
    again = galleries.search({CLASS: np.concatenate([probes, new])})[CLASS].matches
    assert again[:5] == first
    assert again[5] == process(school)[0].search({CLASS: new})[CLASS].matches[0]
    counted = monitor.figures().counters
    assert (counted["recognition_hits"], counted["recognition_misses"]) == (5, 6)


def test_what_is_remembered_never_changes_an_answer() -> None:
    """Frames of students, strangers and both, over and over, while photographs come and go."""
    school = Alike()
    remembering, monitor = process(school)
    forgetful = Galleries(school, monitor=(plain := Monitor()), rebuild_seconds=60, remember_seconds=0)
    drawn = np.random.default_rng(5)
    pool = np.concatenate([near(school, 60, 1), near(school, 20, 2, distance=0.45), unit(40, 3)])
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
            school.remove(CLASS, f"{CLASS}-{turn // 50}")
    assert monitor.figures().counters["recognition_hits"] > 100
    assert plain.figures().counters["recognition_hits"] == 0


def test_of_a_stranger_nothing_is_remembered_and_of_nobody_a_vector() -> None:
    school = Alike()
    galleries, monitor = process(school)
    galleries.search({CLASS: unit(20, 77)})
    assert monitor.figures().gauges["recognitions"] == 0
    probe = near(school, 1, 9)
    galleries.search({CLASS: np.concatenate([probe, unit(5, 78)])})
    assert monitor.figures().gauges["recognitions"] == 1
    ((key, (_, matches)),) = galleries.current(CLASS, "1").searches.items()
    assert len(key[0]) == 16
    assert {type(value) for match in matches for value in match} == {str, float}


def test_whoever_may_be_named_is_near_enough_to_be_remembered() -> None:
    widest = max(
        threshold(looks, photographs, size)
        for looks in range(1, 13)
        for photographs in range(1, 6)
        for size in (1, 30)
    )
    assert widest < REMEMBER_DISTANCE


def test_what_is_remembered_ends_with_the_gallery_and_with_its_time() -> None:
    school = Alike()
    probe = school.faces[CLASS][0]
    # The next student looks like the first, and takes the first's place.
    school.faces[CLASS][3:6] = probe + 0.2 * unit(1, 50)
    school.faces[CLASS][3:6] /= np.linalg.norm(school.faces[CLASS][3])
    galleries, monitor = process(school)
    forgetful = Galleries(school, monitor=(other := Monitor()), rebuild_seconds=60, remember_seconds=0)
    for each in (galleries, forgetful):
        assert best(each, CLASS, probe) == f"{CLASS}-0"
    school.remove(CLASS, f"{CLASS}-0")
    for each in (galleries, forgetful):
        assert best(each, CLASS, probe) == best(each, CLASS, probe) == f"{CLASS}-1"
    assert monitor.figures().counters["recognition_hits"] == 1
    assert other.figures().counters["recognition_hits"] == 0


def test_no_more_is_remembered_than_there_is_room_for() -> None:
    school = Alike()
    galleries, _ = process(school)
    galleries.search({CLASS: near(school, 700, 3)})
    galleries.search({CLASS: near(school, 700, 4)})
    assert len(galleries.current(CLASS, "1").searches) == 512
