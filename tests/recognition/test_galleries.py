"""Galleries over a real Valkey; the source is a stand-in whose versions and templates a test can move."""

import threading
from collections.abc import Callable, Sequence

import numpy as np
import pytest
from django.core.cache import cache

from recognition.crypto import Keyring, keyring, new_key, parse_key
from recognition.engine import SPACE
from recognition.engine.gallery import Gallery
from recognition.engine.types import Array
from recognition.galleries import Galleries, SourceUnavailable, key_of, seal
from recognition.telemetry.monitor import Monitor

CLASS, OTHER = "class-a", "class-b"


def unit(rows: int, seed: int) -> Array:
    made = np.random.default_rng(seed).standard_normal((rows, 128)).astype(np.float32)
    return np.asarray(made / np.linalg.norm(made, axis=1, keepdims=True), np.float32)


class School:
    """Three photographs each of some students of two classes."""

    def __init__(self, students: int = 30) -> None:
        self.versions_now = {CLASS: 1, OTHER: 1}
        self.faces = {CLASS: unit(students * 3, 1), OTHER: unit(students * 3, 2)}
        self.owners = {name: [f"{name}-{row // 3}" for row in range(students * 3)] for name in (CLASS, OTHER)}
        self.asked: list[list[str]] = []
        self.builds = 0
        self.away = False

    def versions(self, class_ids: Sequence[str]) -> dict[str, int]:
        if self.away:
            raise SourceUnavailable("away")
        self.asked.append(sorted(class_ids))
        return {name: self.versions_now[name] for name in class_ids if name in self.versions_now}

    def templates(self, class_id: str) -> tuple[Array, list[str]]:
        self.builds += 1
        return self.faces[class_id], self.owners[class_id]

    def run_locked(self, class_id: str, build: Callable[[], None]) -> None:
        build()

    def remove(self, class_id: str, student: str) -> None:
        keep = [row for row, owner in enumerate(self.owners[class_id]) if owner != student]
        self.faces[class_id] = self.faces[class_id][keep]
        self.owners[class_id] = [self.owners[class_id][row] for row in keep]
        self.versions_now[class_id] += 1


def process(school: School) -> tuple[Galleries, Monitor]:
    """The galleries of one process: what they share is the source and Redis."""
    monitor = Monitor()
    return Galleries(school, monitor=monitor, rebuild_seconds=3600), monitor


def best(galleries: Galleries, class_id: str, probe: Array) -> str:
    return galleries.search({class_id: probe[None]})[class_id].matches[0][0].id


def test_a_search_finds_the_nearest_mean_as_brute_force_does() -> None:
    school = School()
    galleries, _ = process(school)
    probes = unit(64, 9)
    found = galleries.search({CLASS: probes}, k=2)[CLASS].matches
    sums = school.faces[CLASS].reshape(30, 3, 128).sum(axis=1)
    means = sums / np.linalg.norm(sums, axis=1, keepdims=True)
    distances = np.linalg.norm(probes[:, None] - means[None], axis=2)
    order = distances.argsort(axis=1)[:, :2]
    assert [[match.id for match in each] for each in found] == [
        [f"{CLASS}-{row}" for row in rows] for rows in order
    ]
    given = np.array([[match.distance for match in each] for each in found])
    np.testing.assert_allclose(given, np.take_along_axis(distances, order, axis=1), atol=1e-5)


def test_all_classes_of_a_turn_are_asked_for_in_one_query() -> None:
    school = School()
    galleries, _ = process(school)
    galleries.search({CLASS: unit(2, 1), OTHER: unit(3, 2)})
    assert school.builds == 2
    school.asked.clear()
    galleries.search({CLASS: unit(2, 1), OTHER: unit(3, 2)})
    assert school.asked == [[CLASS, OTHER]]
    assert school.builds == 2


def test_the_second_process_loads_what_the_first_one_built() -> None:
    school = School()
    first, _ = process(school)
    second, monitor = process(school)
    probe = school.faces[CLASS][4]
    assert best(first, CLASS, probe) == best(second, CLASS, probe) == f"{CLASS}-1"
    assert school.builds == 1
    assert monitor.figures().counters["gallery_loaded"] == 1


def test_whoever_was_removed_is_not_found_by_any_process_after_that() -> None:
    school = School()
    first, _ = process(school)
    second, _ = process(school)
    probe = school.faces[CLASS][0]
    assert best(first, CLASS, probe) == best(second, CLASS, probe) == f"{CLASS}-0"
    school.remove(CLASS, f"{CLASS}-0")
    assert best(second, CLASS, probe) != f"{CLASS}-0"
    assert best(first, CLASS, probe) != f"{CLASS}-0"


def test_an_old_gallery_that_is_played_back_is_not_used() -> None:
    school = School()
    galleries, _ = process(school)
    probe = school.faces[CLASS][0]
    best(galleries, CLASS, probe)
    old = cache.get(key_of(CLASS, SPACE))
    school.remove(CLASS, f"{CLASS}-0")
    cache.set(key_of(CLASS, SPACE), old)
    assert best(process(school)[0], CLASS, probe) != f"{CLASS}-0"


def test_an_old_gallery_under_a_new_label_does_not_open() -> None:
    school = School()
    galleries, _ = process(school)
    probe = school.faces[CLASS][0]
    best(galleries, CLASS, probe)
    old = cache.get(key_of(CLASS, SPACE))
    school.remove(CLASS, f"{CLASS}-0")
    cache.set(key_of(CLASS, SPACE), old.replace(b'"1"', b'"2"', 1))
    fresh, monitor = process(school)
    assert best(fresh, CLASS, probe) != f"{CLASS}-0"
    assert monitor.figures().counters["gallery_refused"] == 1


def test_an_old_gallery_under_a_new_edition_is_refused() -> None:
    school = School()
    galleries, _ = process(school)
    probe = school.faces[CLASS][0]
    best(galleries, CLASS, probe)
    old = cache.get(key_of(CLASS, SPACE))
    school.remove(CLASS, f"{CLASS}-0")
    cache.set(key_of(CLASS, SPACE), old.replace(b'"1"', b'"2"', 1))
    fresh, monitor = process(school)
    assert best(fresh, CLASS, probe) != f"{CLASS}-0"
    assert monitor.figures().counters["gallery_refused"] == 1


def test_a_gallery_of_another_space_is_refused() -> None:
    school = School()
    planted = Gallery.build(school.faces[CLASS][:1], ["planted"], space="another-network/1")
    cache.set(key_of(CLASS, SPACE), seal(planted, CLASS, "1"))
    fresh, monitor = process(school)
    assert best(fresh, CLASS, school.faces[CLASS][0]) == f"{CLASS}-0"
    assert monitor.figures().counters["gallery_refused"] == 1


def test_another_class_s_gallery_does_not_open() -> None:
    school = School()
    galleries, _ = process(school)
    galleries.search({CLASS: unit(1, 1), OTHER: unit(1, 1)})
    cache.set(key_of(CLASS, SPACE), cache.get(key_of(OTHER, SPACE)))
    fresh, monitor = process(school)
    assert best(fresh, CLASS, school.faces[CLASS][0]) == f"{CLASS}-0"
    assert monitor.figures().counters["gallery_refused"] == 1


def _cut(data: bytes) -> bytes:
    return data[: len(data) // 2]


def _flipped(data: bytes) -> bytes:
    return data[:-9] + bytes([data[-9] ^ 1]) + data[-8:]


@pytest.mark.parametrize(
    "harm", [_cut, _flipped, lambda _: b"", lambda _: b"RCGB1\xff\xff", lambda _: b"x" * 5000]
)
def test_damaged_bytes_cost_a_building_and_nothing_more(harm: Callable[[bytes], bytes]) -> None:
    school = School()
    best(process(school)[0], CLASS, school.faces[CLASS][0])
    cache.set(key_of(CLASS, SPACE), harm(cache.get(key_of(CLASS, SPACE))))
    fresh, _ = process(school)
    assert best(fresh, CLASS, school.faces[CLASS][0]) == f"{CLASS}-0"
    assert school.builds == 2


def test_a_planted_object_in_the_cache_is_not_bytes_and_is_passed_over() -> None:
    school = School()
    cache.set(key_of(CLASS, SPACE), {"gallery": [1, 2, 3]})
    assert best(process(school)[0], CLASS, school.faces[CLASS][0]) == f"{CLASS}-0"


def test_a_gallery_under_a_foreign_key_is_built_again(monkeypatch: pytest.MonkeyPatch) -> None:
    school = School()
    galleries, _ = process(school)
    held = galleries.current(CLASS, "1")
    foreign = Keyring((parse_key(new_key()),))
    monkeypatch.setattr("recognition.galleries.keyring", lambda: foreign)
    planted = seal(held.gallery, CLASS, "1")
    monkeypatch.setattr("recognition.galleries.keyring", keyring)
    cache.set(key_of(CLASS, SPACE), planted)
    fresh, monitor = process(school)
    assert best(fresh, CLASS, school.faces[CLASS][0]) == f"{CLASS}-0"
    assert monitor.figures().counters["gallery_refused"] == 1


def test_nothing_in_redis_shows_a_template_or_a_name() -> None:
    school = School()
    best(process(school)[0], CLASS, school.faces[CLASS][0])
    data = cache.get(key_of(CLASS, SPACE))
    assert school.faces[CLASS][0].tobytes() not in data
    assert f"{CLASS}-0".encode() not in data


def test_without_the_source_nobody_is_searched_and_nobody_waits_for_it_each_time() -> None:
    school = School()
    galleries, _ = process(school)
    best(galleries, CLASS, school.faces[CLASS][0])
    school.away = True
    with pytest.raises(SourceUnavailable):
        galleries.search({CLASS: unit(1, 1)})
    school.away = False
    with pytest.raises(SourceUnavailable):
        galleries.search({CLASS: unit(1, 1)})


def test_a_class_that_is_gone_finds_nobody() -> None:
    school = School()
    galleries, _ = process(school)
    del school.versions_now[CLASS]
    assert galleries.search({CLASS: unit(2, 1)})[CLASS].matches == [[], []]


def test_a_withdrawal_while_a_gallery_is_built_leaves_none_of_it_in_redis(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    school = School()
    galleries, _ = process(school)
    read = school.templates

    def read_before_the_withdrawal(class_id: str) -> tuple[Array, list[str]]:
        old = read(class_id)
        school.remove(class_id, f"{CLASS}-0")
        cache.delete(key_of(class_id, SPACE))
        return old

    monkeypatch.setattr(school, "templates", read_before_the_withdrawal)
    best(galleries, CLASS, school.faces[CLASS][0])
    assert cache.get(key_of(CLASS, SPACE)) is None
    monkeypatch.setattr(school, "templates", read)
    assert best(galleries, CLASS, school.faces[CLASS][0]) != f"{CLASS}-0"
    assert cache.get(key_of(CLASS, SPACE)) is not None


def test_a_database_that_goes_away_after_the_reading_leaves_no_gallery_in_redis(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    school = School()
    galleries, _ = process(school)
    read = school.templates

    def last_words(class_id: str) -> tuple[Array, list[str]]:
        school.away = True
        return read(class_id)

    monkeypatch.setattr(school, "templates", last_words)
    assert best(galleries, CLASS, school.faces[CLASS][0]) == f"{CLASS}-0"
    assert cache.get(key_of(CLASS, SPACE)) is None


def test_one_builder_at_a_time_and_one_building_for_all_who_wait() -> None:
    school = School()
    galleries, _ = process(school)
    start = threading.Barrier(8)
    found: list[str] = []

    def search() -> None:
        start.wait()
        found.append(best(galleries, CLASS, school.faces[CLASS][0]))

    threads = [threading.Thread(target=search) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [f"{CLASS}-0"] * 8
    assert school.builds == 1


@pytest.mark.soak
@pytest.mark.timeout(600)
def test_searches_answer_the_same_while_galleries_are_swapped_under_them(soak: bool) -> None:
    """In full 10,000 searches of 64 faces, beside 100 swaps at least."""
    school = School()
    galleries, _ = process(school)
    probes = unit(64, 9)
    before = [match[0].id for match in galleries.search({CLASS: probes})[CLASS].matches]
    ends = threading.Event()
    wrong: list[object] = []
    searches = [0, 0]

    def search(number: int) -> None:
        while not ends.is_set():
            searches[number] += 1
            found = [match[0].id for match in galleries.search({CLASS: probes})[CLASS].matches]
            if found != before:
                wrong.append(found)

    threads = [threading.Thread(target=search, args=(number,)) for number in range(len(searches))]
    for thread in threads:
        thread.start()
    swaps = 0
    while swaps < 100 or (soak and sum(searches) < 10_000 and all(thread.is_alive() for thread in threads)):
        school.versions_now[CLASS] += 1
        galleries.search({CLASS: probes[:1]})
        swaps += 1
    ends.set()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert school.builds > 50


def test_old_galleries_are_built_again_by_their_interval_though_nothing_changed() -> None:
    school = School()
    patient, _ = process(school)
    eager = Galleries(school, monitor=Monitor(), rebuild_seconds=0)
    probe = school.faces[CLASS][0]
    for galleries in (patient, eager):
        best(galleries, CLASS, probe)
    before = school.builds
    assert patient.refresh() == 0
    assert eager.refresh() == 1
    assert school.builds == before + 1
    assert best(eager, CLASS, probe) == f"{CLASS}-0"


def test_a_gallery_that_is_out_of_date_leaves_the_memory_with_the_next_round() -> None:
    school = School()
    galleries, monitor = process(school)
    galleries.search({CLASS: unit(1, 1), OTHER: unit(1, 1)})
    assert galleries.refresh() == 0
    assert monitor.figures().gauges["galleries"] == 2
    school.remove(CLASS, f"{CLASS}-0")
    assert galleries.refresh() == 0
    assert monitor.figures().gauges["galleries"] == 1
    assert school.builds == 2
    assert best(galleries, CLASS, school.faces[CLASS][0]) == f"{CLASS}-1"


def test_memory_holds_so_many_classes_and_no_more() -> None:
    school = School()
    galleries = Galleries(school, monitor=(monitor := Monitor()), rebuild_seconds=60, most_galleries=1)
    galleries.search({CLASS: unit(1, 1), OTHER: unit(1, 1)})
    assert monitor.figures().gauges["galleries"] == 1


def test_the_bytes_of_galleries_are_counted() -> None:
    school = School(students=30)
    galleries, monitor = process(school)
    assert monitor.figures().gauges["gallery_bytes"] == 0
    galleries.search({CLASS: unit(1, 1), OTHER: unit(1, 1)})
    assert monitor.figures().gauges["gallery_bytes"] == 2 * 30 * 128 * 4
