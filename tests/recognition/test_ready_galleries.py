"""Galleries for questions that may wait: no frame is held up by one, and nothing of a search is remembered."""

from tests.recognition.test_galleries import CLASS, School, process


def test_a_gallery_that_is_not_at_hand_is_built_in_the_next_round() -> None:
    school = School()
    galleries, _ = process(school)
    probe = school.faces[CLASS][:1]
    assert galleries.search_ready(CLASS, probe) is None
    assert school.builds == 0
    assert galleries.refresh() == 0
    assert school.builds == 1
    found = galleries.search_ready(CLASS, probe)
    assert found is not None
    assert found.matches[0][0].id == f"{CLASS}-0"


def test_whoever_was_removed_is_not_found_while_the_new_gallery_is_waited_for() -> None:
    school = School()
    galleries, _ = process(school)
    probe = school.faces[CLASS][:1]
    galleries.search_ready(CLASS, probe)
    galleries.refresh()
    school.remove(CLASS, f"{CLASS}-0")
    assert galleries.search_ready(CLASS, probe) is None
    galleries.refresh()
    found = galleries.search_ready(CLASS, probe)
    assert found is not None
    assert found.matches[0][0].id != f"{CLASS}-0"


def test_a_gallery_that_is_no_longer_given_out_leaves_the_memory() -> None:
    school = School()
    galleries, monitor = process(school)
    probe = school.faces[CLASS][:1]
    galleries.search_ready(CLASS, probe)
    galleries.refresh()
    assert monitor.figures().gauges["galleries"] == 1
    del school.versions_now[CLASS]
    assert galleries.search_ready(CLASS, probe) is None
    assert monitor.figures().gauges["galleries"] == 0
    galleries.refresh()
    assert school.builds == 1


def test_nothing_that_was_sought_is_remembered() -> None:
    school = School()
    galleries, monitor = process(school)
    galleries.search_ready(CLASS, school.faces[CLASS][:1])
    galleries.refresh()
    for _ in range(3):
        galleries.search_ready(CLASS, school.faces[CLASS][:5])
    assert galleries.current(CLASS, "1").searches == {}
    assert monitor.figures().counters["recognition_misses"] == 0
