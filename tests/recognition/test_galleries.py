"""Galleries over a real Valkey, with a fake source whose versions and templates a test can change."""

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


class FakeSource:
    """A gallery source with three photographs each of some students of two classes."""

    def __init__(self, students: int = 30) -> None:
        self.current_versions = {CLASS: 1, OTHER: 1}
        self.faces = {CLASS: unit(students * 3, 1), OTHER: unit(students * 3, 2)}
        self.owners = {name: [f"{name}-{row // 3}" for row in range(students * 3)] for name in (CLASS, OTHER)}
        self.version_queries: list[list[str]] = []
        self.builds = 0
        self.unavailable = False

    def versions(self, class_ids: Sequence[str]) -> dict[str, int]:
        if self.unavailable:
            raise SourceUnavailable("away")
        self.version_queries.append(sorted(class_ids))
        return {name: self.current_versions[name] for name in class_ids if name in self.current_versions}

    def templates(self, class_id: str) -> tuple[Array, list[str]]:
        self.builds += 1
        return self.faces[class_id], self.owners[class_id]

    def run_locked(self, class_id: str, build: Callable[[], None]) -> None:
        build()

    def remove(self, class_id: str, student: str) -> None:
        keep = [row for row, owner in enumerate(self.owners[class_id]) if owner != student]
        self.faces[class_id] = self.faces[class_id][keep]
        self.owners[class_id] = [self.owners[class_id][row] for row in keep]
        self.current_versions[class_id] += 1


def process(source: FakeSource) -> tuple[Galleries, Monitor]:
    """Return the galleries of a new process, which shares source and Redis with others."""
    monitor = Monitor()
    return Galleries(source, monitor=monitor, rebuild_seconds=3600), monitor


def nearest(galleries: Galleries, class_id: str, probe: Array) -> str:
    return galleries.search({class_id: probe[None]})[class_id].matches[0][0].id


def test_search_equals_brute_force_over_means() -> None:
    source = FakeSource()
    galleries, _ = process(source)
    probes = unit(64, 9)
    results = galleries.search({CLASS: probes}, k=2)[CLASS].matches
    sums = source.faces[CLASS].reshape(30, 3, 128).sum(axis=1)
    means = sums / np.linalg.norm(sums, axis=1, keepdims=True)
    distances = np.linalg.norm(probes[:, None] - means[None], axis=2)
    order = distances.argsort(axis=1)[:, :2]
    assert [[match.id for match in matches] for matches in results] == [
        [f"{CLASS}-{row}" for row in rows] for rows in order
    ]
    given = np.array([[match.distance for match in matches] for matches in results])
    np.testing.assert_allclose(given, np.take_along_axis(distances, order, axis=1), atol=1e-5)


def test_versions_of_all_classes_are_read_in_one_query() -> None:
    source = FakeSource()
    galleries, _ = process(source)
    galleries.search({CLASS: unit(2, 1), OTHER: unit(3, 2)})
    assert source.builds == 2
    source.version_queries.clear()
    galleries.search({CLASS: unit(2, 1), OTHER: unit(3, 2)})
    assert source.version_queries == [[CLASS, OTHER]]
    assert source.builds == 2


def test_second_process_loads_the_gallery_of_the_first() -> None:
    source = FakeSource()
    first, _ = process(source)
    second, monitor = process(source)
    probe = source.faces[CLASS][4]
    assert nearest(first, CLASS, probe) == nearest(second, CLASS, probe) == f"{CLASS}-1"
    assert source.builds == 1
    assert monitor.figures().counters["gallery_loaded"] == 1


def test_removed_student_is_not_found_by_any_process() -> None:
    source = FakeSource()
    first, _ = process(source)
    second, _ = process(source)
    probe = source.faces[CLASS][0]
    assert nearest(first, CLASS, probe) == nearest(second, CLASS, probe) == f"{CLASS}-0"
    source.remove(CLASS, f"{CLASS}-0")
    assert nearest(second, CLASS, probe) != f"{CLASS}-0"
    assert nearest(first, CLASS, probe) != f"{CLASS}-0"


def test_old_gallery_put_back_into_redis_is_not_used() -> None:
    source = FakeSource()
    galleries, _ = process(source)
    probe = source.faces[CLASS][0]
    nearest(galleries, CLASS, probe)
    old = cache.get(key_of(CLASS, SPACE))
    source.remove(CLASS, f"{CLASS}-0")
    cache.set(key_of(CLASS, SPACE), old)
    assert nearest(process(source)[0], CLASS, probe) != f"{CLASS}-0"


def test_old_gallery_with_a_new_label_does_not_open() -> None:
    source = FakeSource()
    galleries, _ = process(source)
    probe = source.faces[CLASS][0]
    nearest(galleries, CLASS, probe)
    old = cache.get(key_of(CLASS, SPACE))
    source.remove(CLASS, f"{CLASS}-0")
    cache.set(key_of(CLASS, SPACE), old.replace(b'"1"', b'"2"', 1))
    fresh, monitor = process(source)
    assert nearest(fresh, CLASS, probe) != f"{CLASS}-0"
    assert monitor.figures().counters["gallery_refused"] == 1


def test_old_gallery_with_a_new_version_is_refused() -> None:
    source = FakeSource()
    galleries, _ = process(source)
    probe = source.faces[CLASS][0]
    nearest(galleries, CLASS, probe)
    old = cache.get(key_of(CLASS, SPACE))
    source.remove(CLASS, f"{CLASS}-0")
    cache.set(key_of(CLASS, SPACE), old.replace(b'"1"', b'"2"', 1))
    fresh, monitor = process(source)
    assert nearest(fresh, CLASS, probe) != f"{CLASS}-0"
    assert monitor.figures().counters["gallery_refused"] == 1


def test_gallery_of_another_space_is_refused() -> None:
    source = FakeSource()
    planted = Gallery.build(source.faces[CLASS][:1], ["planted"], space="another-network/1")
    cache.set(key_of(CLASS, SPACE), seal(planted, CLASS, "1"))
    fresh, monitor = process(source)
    assert nearest(fresh, CLASS, source.faces[CLASS][0]) == f"{CLASS}-0"
    assert monitor.figures().counters["gallery_refused"] == 1


def test_gallery_of_another_class_does_not_open() -> None:
    source = FakeSource()
    galleries, _ = process(source)
    galleries.search({CLASS: unit(1, 1), OTHER: unit(1, 1)})
    cache.set(key_of(CLASS, SPACE), cache.get(key_of(OTHER, SPACE)))
    fresh, monitor = process(source)
    assert nearest(fresh, CLASS, source.faces[CLASS][0]) == f"{CLASS}-0"
    assert monitor.figures().counters["gallery_refused"] == 1


def _cut(data: bytes) -> bytes:
    return data[: len(data) // 2]


def _flipped(data: bytes) -> bytes:
    return data[:-9] + bytes([data[-9] ^ 1]) + data[-8:]


@pytest.mark.parametrize(
    "harm", [_cut, _flipped, lambda _: b"", lambda _: b"RCGB1\xff\xff", lambda _: b"x" * 5000]
)
def test_damaged_bytes_cause_only_a_new_building(harm: Callable[[bytes], bytes]) -> None:
    source = FakeSource()
    nearest(process(source)[0], CLASS, source.faces[CLASS][0])
    cache.set(key_of(CLASS, SPACE), harm(cache.get(key_of(CLASS, SPACE))))
    fresh, _ = process(source)
    assert nearest(fresh, CLASS, source.faces[CLASS][0]) == f"{CLASS}-0"
    assert source.builds == 2


def test_object_in_redis_that_is_not_bytes_is_skipped() -> None:
    source = FakeSource()
    cache.set(key_of(CLASS, SPACE), {"gallery": [1, 2, 3]})
    assert nearest(process(source)[0], CLASS, source.faces[CLASS][0]) == f"{CLASS}-0"


def test_gallery_under_a_foreign_key_is_built_again(monkeypatch: pytest.MonkeyPatch) -> None:
    source = FakeSource()
    galleries, _ = process(source)
    held = galleries.current(CLASS, "1")
    foreign = Keyring((parse_key(new_key()),))
    monkeypatch.setattr("recognition.galleries.keyring", lambda: foreign)
    planted = seal(held.gallery, CLASS, "1")
    monkeypatch.setattr("recognition.galleries.keyring", keyring)
    cache.set(key_of(CLASS, SPACE), planted)
    fresh, monitor = process(source)
    assert nearest(fresh, CLASS, source.faces[CLASS][0]) == f"{CLASS}-0"
    assert monitor.figures().counters["gallery_refused"] == 1


def test_redis_shows_no_template_and_no_id() -> None:
    source = FakeSource()
    nearest(process(source)[0], CLASS, source.faces[CLASS][0])
    data = cache.get(key_of(CLASS, SPACE))
    assert source.faces[CLASS][0].tobytes() not in data
    assert f"{CLASS}-0".encode() not in data


def test_unavailable_source_raises_at_once_for_a_second() -> None:
    source = FakeSource()
    galleries, _ = process(source)
    nearest(galleries, CLASS, source.faces[CLASS][0])
    source.unavailable = True
    with pytest.raises(SourceUnavailable):
        galleries.search({CLASS: unit(1, 1)})
    source.unavailable = False
    with pytest.raises(SourceUnavailable):
        galleries.search({CLASS: unit(1, 1)})


def test_deleted_class_has_no_matches() -> None:
    source = FakeSource()
    galleries, _ = process(source)
    del source.current_versions[CLASS]
    assert galleries.search({CLASS: unit(2, 1)})[CLASS].matches == [[], []]


def test_withdrawal_during_a_build_leaves_no_gallery_in_redis(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    source = FakeSource()
    galleries, _ = process(source)
    read = source.templates

    def templates_before_the_withdrawal(class_id: str) -> tuple[Array, list[str]]:
        old = read(class_id)
        source.remove(class_id, f"{CLASS}-0")
        cache.delete(key_of(class_id, SPACE))
        return old

    monkeypatch.setattr(source, "templates", templates_before_the_withdrawal)
    nearest(galleries, CLASS, source.faces[CLASS][0])
    assert cache.get(key_of(CLASS, SPACE)) is None
    monkeypatch.setattr(source, "templates", read)
    assert nearest(galleries, CLASS, source.faces[CLASS][0]) != f"{CLASS}-0"
    assert cache.get(key_of(CLASS, SPACE)) is not None


def test_database_failure_during_a_build_leaves_no_gallery_in_redis(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    source = FakeSource()
    galleries, _ = process(source)
    read = source.templates

    def templates_then_fail(class_id: str) -> tuple[Array, list[str]]:
        source.unavailable = True
        return read(class_id)

    monkeypatch.setattr(source, "templates", templates_then_fail)
    assert nearest(galleries, CLASS, source.faces[CLASS][0]) == f"{CLASS}-0"
    assert cache.get(key_of(CLASS, SPACE)) is None


def test_waiting_threads_share_one_build() -> None:
    source = FakeSource()
    galleries, _ = process(source)
    start = threading.Barrier(8)
    results: list[str] = []

    def search() -> None:
        start.wait()
        results.append(nearest(galleries, CLASS, source.faces[CLASS][0]))

    threads = [threading.Thread(target=search) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [f"{CLASS}-0"] * 8
    assert source.builds == 1


@pytest.mark.soak
@pytest.mark.timeout(600)
def test_searches_give_the_same_while_galleries_are_replaced(soak: bool) -> None:
    """In full 10,000 searches of 64 faces, beside 100 swaps at least."""
    source = FakeSource()
    galleries, _ = process(source)
    probes = unit(64, 9)
    before = [match[0].id for match in galleries.search({CLASS: probes})[CLASS].matches]
    ends = threading.Event()
    wrong: list[object] = []
    searches = [0, 0]

    def search(number: int) -> None:
        while not ends.is_set():
            searches[number] += 1
            results = [match[0].id for match in galleries.search({CLASS: probes})[CLASS].matches]
            if results != before:
                wrong.append(results)

    threads = [threading.Thread(target=search, args=(number,)) for number in range(len(searches))]
    for thread in threads:
        thread.start()
    swaps = 0
    while swaps < 100 or (soak and sum(searches) < 10_000 and all(thread.is_alive() for thread in threads)):
        source.current_versions[CLASS] += 1
        galleries.search({CLASS: probes[:1]})
        swaps += 1
    ends.set()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert source.builds > 50


def test_old_galleries_are_rebuilt_after_the_interval() -> None:
    source = FakeSource()
    patient, _ = process(source)
    eager = Galleries(source, monitor=Monitor(), rebuild_seconds=0)
    probe = source.faces[CLASS][0]
    for galleries in (patient, eager):
        nearest(galleries, CLASS, probe)
    before = source.builds
    assert patient.refresh() == 0
    assert eager.refresh() == 1
    assert source.builds == before + 1
    assert nearest(eager, CLASS, probe) == f"{CLASS}-0"


def test_refresh_drops_galleries_of_an_older_version() -> None:
    source = FakeSource()
    galleries, monitor = process(source)
    galleries.search({CLASS: unit(1, 1), OTHER: unit(1, 1)})
    assert galleries.refresh() == 0
    assert monitor.figures().gauges["galleries"] == 2
    source.remove(CLASS, f"{CLASS}-0")
    assert galleries.refresh() == 0
    assert monitor.figures().gauges["galleries"] == 1
    assert source.builds == 2
    assert nearest(galleries, CLASS, source.faces[CLASS][0]) == f"{CLASS}-1"


def test_memory_keeps_at_most_its_number_of_galleries() -> None:
    source = FakeSource()
    galleries = Galleries(source, monitor=(monitor := Monitor()), rebuild_seconds=60, most_galleries=1)
    galleries.search({CLASS: unit(1, 1), OTHER: unit(1, 1)})
    assert monitor.figures().gauges["galleries"] == 1


def test_bytes_of_galleries_are_counted() -> None:
    source = FakeSource(students=30)
    galleries, monitor = process(source)
    assert monitor.figures().gauges["gallery_bytes"] == 0
    galleries.search({CLASS: unit(1, 1), OTHER: unit(1, 1)})
    assert monitor.figures().gauges["gallery_bytes"] == 2 * 30 * 128 * 4
