"""The gallery gives brute force's answers, keeps them through its bytes, and refuses what is not its own."""

import itertools
import threading
import time
from uuid import UUID, uuid4

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recognition.engine import gallery as gallery_module
from recognition.engine.errors import DamagedGallery, WrongSpace
from recognition.engine.gallery import Gallery
from recognition.engine.types import SPACE, Array, Match


def unit(count: int, seed: int = 0) -> Array:
    rows = np.random.default_rng(seed).standard_normal((count, 128)).astype(np.float32)
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), np.float32)


def brute_force(templates: Array, ids: list[str], probe: Array, k: int) -> list[tuple[str, float]]:
    best: dict[str, float] = {}
    distances = np.linalg.norm(templates.astype(np.float64) - probe.astype(np.float64), axis=1)
    for name, distance in zip(ids, distances.tolist(), strict=True):
        best[name] = min(distance, best.get(name, 9.0))
    return sorted(best.items(), key=lambda item: item[1])[:k]


def same(found: list[Match], wanted: list[tuple[str, float]]) -> bool:
    """Same distances at every place, and the same ids wherever the distance is nobody else's."""
    if len(found) != len(wanted) or len({match.id for match in found}) != len(found):
        return False
    if not np.allclose([m.distance for m in found], [d for _, d in wanted], atol=2e-6):
        return False
    alone = [abs(a - b) > 1e-5 for (_, a), (_, b) in itertools.pairwise(wanted)]
    return all(found[i].id == wanted[i][0] for i, ok in enumerate(alone) if ok and (i == 0 or alone[i - 1]))


@settings(max_examples=120, deadline=None)
@given(st.data())
def test_search_equals_brute_force(data: st.DataObject) -> None:
    rows = data.draw(st.integers(1, 160))
    names = [str(n) for n in data.draw(st.lists(st.integers(0, 40), min_size=rows, max_size=rows))]
    templates = unit(rows, data.draw(st.integers(0, 9)))
    # Repeated templates, also under other names, must not hide anybody.
    copies = data.draw(st.integers(0, rows // 3))
    templates[rows - copies :] = templates[:copies]
    probes = unit(data.draw(st.integers(1, 33)), 77)
    probes[0] = templates[0]
    k = data.draw(st.integers(1, 6))
    made = Gallery.build(templates, names)
    batched = made.search(probes, k)
    for probe, found in zip(probes, batched, strict=True):
        wanted = brute_force(templates, names, probe, k)
        assert same(found, wanted)
        assert same(made.search(probe[None], k)[0], wanted)


def test_search_finds_a_second_subject_behind_many_rows_of_one() -> None:
    crowd = unit(3000, 3) * 0.01 + unit(1, 4)
    templates = np.concatenate([crowd, unit(2, 5)])
    found = Gallery.build(templates, ["a"] * 3000 + ["b", "c"]).search(unit(1, 4), 3)[0]
    assert found[0].id == "a"
    assert {match.id for match in found} == {"a", "b", "c"}


def test_template_has_no_distance_to_itself() -> None:
    templates = unit(300)
    matches = Gallery.build(templates, [str(i) for i in range(300)]).search(templates, 1)
    assert [found[0] for found in matches] == [(str(i), 0.0) for i in range(300)]


def test_ids_may_be_uuids_and_matches_are_tuples() -> None:
    ids = [uuid4() for _ in range(3)]
    ((name, distance), _) = Gallery.build(unit(3), ids).search(unit(3)[:1])[0]
    assert UUID(name) == ids[0]
    assert distance == 0.0


def test_build_means_gives_one_unit_row_for_each_student() -> None:
    templates, ids = unit(7), ["a", "b", "a", "c", "a", "b", "c"]
    made = Gallery.build_means(templates, ids)
    assert made.rows == made.size == 3
    assert [made.photographs(name) for name in "abc"] == [3, 2, 2]
    mean = templates[[0, 2, 4]].mean(axis=0)
    assert made.search((mean / np.linalg.norm(mean))[None], 1)[0][0].distance < 1e-6


def test_empty_gallery_has_no_matches() -> None:
    made = Gallery.from_bytes(Gallery.build(unit(0), []).to_bytes())
    assert made.search(unit(2), 2) == [[], []]
    assert Gallery.build(unit(3), ["a", "b", "c"]).search(unit(0)) == []


@pytest.mark.parametrize(
    ("templates", "ids"),
    [
        (unit(3), ["a", "b"]),
        (unit(3)[:, :64], ["a", "b", "c"]),
        (np.full((1, 128), np.nan, np.float32), ["a"]),
    ],
)
def test_wrong_arguments_are_refused(templates: Array, ids: list[str]) -> None:
    with pytest.raises(ValueError, match="template"):
        Gallery.build(templates, ids)


def test_bytes_give_the_same_gallery() -> None:
    ids = [f"naïve\n{n % 30}" for n in range(150)]
    for made in (Gallery.build(unit(150), ids), Gallery.build_means(unit(150), ids)):
        back = Gallery.from_bytes(made.to_bytes())
        assert back.search(unit(9, 2), 4) == made.search(unit(9, 2), 4)
        assert (back.ids, back.space, back.rows) == (made.ids, SPACE, made.rows)
        assert back.photographs(ids[3]) == 5


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 10_000), st.integers(0, 255))
def test_single_changed_byte_is_detected(at: int, value: int) -> None:
    whole = bytearray(Gallery.build(unit(12), [str(i) for i in range(12)]).to_bytes())
    at %= len(whole)
    if whole[at] == value:
        value ^= 1
    whole[at] = value
    with pytest.raises(DamagedGallery):
        Gallery.from_bytes(bytes(whole))


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=200))
def test_foreign_bytes_are_refused(data: bytes) -> None:
    for candidate in (data, gallery_module.MAGIC + data):
        with pytest.raises(DamagedGallery):
            Gallery.from_bytes(candidate)


def test_incomplete_gallery_is_refused() -> None:
    whole = Gallery.build(unit(5), list("abcde")).to_bytes()
    for length in range(0, len(whole), 37):
        with pytest.raises(DamagedGallery):
            Gallery.from_bytes(whole[:length])


def test_other_space_is_refused() -> None:
    made = Gallery.build(unit(3), list("abc"), space="face_recognition/1")
    with pytest.raises(WrongSpace):
        Gallery.from_bytes(made.to_bytes())
    with pytest.raises(WrongSpace):
        made.search(unit(1), space=SPACE)
    assert Gallery.from_bytes(made.to_bytes(), space="face_recognition/1").size == 3


def test_arguments_are_not_changed() -> None:
    templates, probes = unit(20), unit(4, 9)
    templates.flags.writeable = probes.flags.writeable = False
    Gallery.build(templates, list("abcd") * 5).search(probes, 3)
    Gallery.build_means(templates, list("abcd") * 5).search(probes, 3)
    assert (templates == unit(20)).all()


def test_searches_of_many_threads_agree() -> None:
    made, probes = Gallery.build(unit(150), [str(i % 30) for i in range(150)]), unit(64, 8)
    wanted = made.search(probes)
    wrong: list[int] = []

    def search() -> None:
        wrong.extend(1 for _ in range(200) if made.search(probes) != wanted)

    threads = [threading.Thread(target=search) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_search_of_64_faces_takes_little_time() -> None:
    """The aim is 0.2 ms; the test allows a busy machine ten times that, the benchmark prints the figure."""
    made, probes = Gallery.build(unit(150), [str(i % 30) for i in range(150)]), unit(64, 8)
    times = []
    for _ in range(100):
        started = time.thread_time()
        made.search(probes)
        times.append(time.thread_time() - started)
    assert min(times) < 0.002


def test_large_gallery_measures_its_recall(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gallery_module, "EXACT_ROWS", 4000)
    templates, ids = unit(20_000), [str(i // 2) for i in range(20_000)]
    made = Gallery.build(templates, ids)
    assert 0.99 <= made.recall <= 1.0
    probes = templates[:200] + unit(200, 6) * 0.2
    found = made.search(probes, 2)
    assert sum(found[i][0].id == ids[i] for i in range(200)) >= 197
    back = Gallery.from_bytes(made.to_bytes())
    assert back.search(probes, 2) == found
    assert back.recall == made.recall
