"""Visitors of other classes: a question about a track that stayed unknown, and never anything more."""

from collections.abc import Sequence

import numpy as np
import pytest

from recognition.engine.identification.rejection import RejectedTemplate
from recognition.engine.types import Array, State
from recognition.galleries import SCHOOL
from recognition.streams.frame_results import FrameResult, MatchRules
from tests.recognition.streams.test_frame_pipeline import Room, School, look_of, states, unit

VISITOR, STRANGER = 20, 77
"""Somebody of another class, and nobody of the school. The class are 0 to 9."""
ON = MatchRules(visitors=True)


class WholeSchool(School):
    """Persons 0 to 9 are the class; the school has 10 to 29 as well, once it wants visitors."""

    def __init__(self) -> None:
        super().__init__()
        self.others = list(range(10, 30))
        self.names: dict[int, str] = {}
        self.on = True
        self.asked_for_school = 0

    def versions(self, class_ids: Sequence[str]) -> dict[str, int]:
        self.asked_for_school += SCHOOL in class_ids
        found = super().versions(class_ids)
        return {name: version for name, version in found.items() if self.on or name != SCHOOL}

    def templates(self, class_id: str) -> tuple[Array, list[str]]:
        rows, owners = super().templates(class_id)
        if class_id != SCHOOL:
            return rows, owners
        more = np.stack([look_of(person, 500 + shot) for person in self.others for shot in range(3)])
        named = [self.names.get(person, str(person)) for person in self.others]
        kept = [place for place, owner in enumerate(owners) if owner not in self.names.values()]
        return (
            np.concatenate([rows[kept], more]),
            [owners[place] for place in kept] + [name for name in named for _ in range(3)],
        )


class Hall(Room):
    """A camera whose watcher may be asked; the round that builds galleries follows each frame."""

    school: WholeSchool

    def __init__(self) -> None:
        super().__init__(WholeSchool())
        self.view.rules = ON

    def asked(self, count: int, *people: int) -> list[str]:
        """Whom each of so many frames asked about; one string for a frame, empty for nobody."""
        return [",".join(face.visitor or "" for face in seen.faces) for seen in self.shown(count, *people)]

    def shown(self, count: int, *people: int) -> list[FrameResult]:
        found = []
        for _ in range(count):
            found += self.frames(1, *people)
            self.galleries.refresh()
        return found


@pytest.fixture
def hall() -> Hall:
    return Hall()


def test_a_stranger_of_five_looks_is_asked_about_and_stays_unknown(hall: Hall) -> None:
    found = hall.shown(10, VISITOR)
    looks = [seen.faces[0].decision.samples for seen in found if seen.faces[0].visitor]
    assert found[-1].faces[0].visitor == str(VISITOR)
    assert min(looks) >= 5
    assert states(found[-1]) == [State.UNKNOWN]
    assert found[-1].faces[0].decision.id is None


def test_a_visitor_is_no_claim_and_no_question_for_the_queue(hall: Hall) -> None:
    found = hall.shown(20, VISITOR)
    assert found[-1].faces[0].visitor
    assert [seen.recognised + seen.uncertain for seen in found] == [()] * len(found)


def test_nobody_is_sought_unless_the_watcher_may_be_asked(hall: Hall) -> None:
    hall.view.rules = MatchRules()
    assert set(hall.asked(12, VISITOR)) == {""}
    assert hall.school.asked_for_school == 0


def test_off_is_off_with_the_next_frame(hall: Hall) -> None:
    assert hall.asked(10, VISITOR)[-1] == str(VISITOR)
    hall.school.on = False
    assert hall.asked(5, VISITOR) == [""] * 5


def test_whoever_is_withdrawn_is_not_asked_about_with_the_next_frame(hall: Hall) -> None:
    assert hall.asked(10, VISITOR)[-1] == str(VISITOR)
    hall.school.others.remove(VISITOR)
    hall.school.version += 1
    assert hall.asked(5, VISITOR) == [""] * 5


def test_without_the_database_nobody_is_asked_about(hall: Hall) -> None:
    assert hall.asked(10, VISITOR)[-1] == str(VISITOR)
    hall.school.away = True
    assert hall.frames(1, VISITOR)[0].faces[0].visitor is None


def test_somebody_of_no_class_is_never_asked_about(hall: Hall) -> None:
    assert set(hall.asked(20, STRANGER)) == {""}


def test_a_student_whom_a_person_ruled_out_of_the_class_is_no_visitor(hall: Hall) -> None:
    hall.view.rules = MatchRules(visitors=True, rejected=(RejectedTemplate("3", unit(3)),))
    found = hall.shown(12, 3)
    assert states(found[-1]) == [State.UNKNOWN]
    assert {seen.faces[0].visitor for seen in found} == {None}


def test_a_student_of_the_class_is_never_a_visitor_whatever_their_photographs_there_show(hall: Hall) -> None:
    hall.school.names = {VISITOR: "3"}
    assert set(hall.asked(12, VISITOR)) == {""}


def test_whom_a_person_ruled_out_is_not_asked_about(hall: Hall) -> None:
    hall.view.rules = MatchRules(visitors=True, rejected=(RejectedTemplate(str(VISITOR), unit(VISITOR)),))
    assert set(hall.asked(12, VISITOR)) == {""}


def test_a_track_that_had_a_name_is_not_asked_about(hall: Hall) -> None:
    hall.shown(8, 3)
    hall.school.people.remove(3)
    hall.school.others.append(3)
    hall.school.version += 1
    found = hall.shown(12, 3)
    assert states(found[-1]) == [State.UNKNOWN]
    assert {seen.faces[0].visitor for seen in found} == {None}


def test_two_faces_are_never_the_same_visitor(hall: Hall) -> None:
    assert hall.asked(14, VISITOR)[-1] == str(VISITOR)
    assert set(hall.asked(14, VISITOR, VISITOR)[-3:]) == {","}
