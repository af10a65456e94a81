"""`Galleries.search_ready`: no frame waits for a gallery, and searches are not remembered."""

from tests.recognition.test_galleries import CLASS, FakeSource, process


def test_missing_gallery_is_built_by_the_next_refresh() -> None:
    source = FakeSource()
    galleries, _ = process(source)
    probe = source.faces[CLASS][:1]
    assert galleries.search_ready(CLASS, probe) is None
    assert source.builds == 0
    assert galleries.refresh() == 0
    assert source.builds == 1
    results = galleries.search_ready(CLASS, probe)
    assert results is not None
    assert results.matches[0][0].id == f"{CLASS}-0"


def test_removed_student_is_not_found_before_the_new_gallery_is_built() -> None:
    source = FakeSource()
    galleries, _ = process(source)
    probe = source.faces[CLASS][:1]
    galleries.search_ready(CLASS, probe)
    galleries.refresh()
    source.remove(CLASS, f"{CLASS}-0")
    assert galleries.search_ready(CLASS, probe) is None
    galleries.refresh()
    results = galleries.search_ready(CLASS, probe)
    assert results is not None
    assert results.matches[0][0].id != f"{CLASS}-0"


def test_gallery_without_a_version_is_dropped() -> None:
    source = FakeSource()
    galleries, monitor = process(source)
    probe = source.faces[CLASS][:1]
    galleries.search_ready(CLASS, probe)
    galleries.refresh()
    assert monitor.figures().gauges["galleries"] == 1
    del source.current_versions[CLASS]
    assert galleries.search_ready(CLASS, probe) is None
    assert monitor.figures().gauges["galleries"] == 0
    galleries.refresh()
    assert source.builds == 1


def test_searches_of_ready_galleries_are_not_remembered() -> None:
    source = FakeSource()
    galleries, monitor = process(source)
    galleries.search_ready(CLASS, source.faces[CLASS][:1])
    galleries.refresh()
    for _ in range(3):
        galleries.search_ready(CLASS, source.faces[CLASS][:5])
    assert galleries.current(CLASS, "1").searches == {}
    assert monitor.figures().counters["recognition_misses"] == 0
