"""Visitors of other classes: proposed for tracks that stayed unknown, and never named or handed on."""

from collections.abc import Sequence

import numpy as np
import pytest

from recognition.engine.identification.rejection import RejectedTemplate
from recognition.engine.types import Array, State
from recognition.galleries import SCHOOL
from recognition.streams.frame_results import FrameResult, MatchRules
from tests.recognition.streams.test_frame_pipeline import Camera, FakeSource, sample_of, states, unit

# A person of another class, and one of no class. Those of the class are 0 to 9.
VISITOR, STRANGER = 20, 77
ON = MatchRules(visitors=True)


class SchoolSource(FakeSource):
    """A source whose class are persons 0 to 9; the school has 10 to 29 as well, while visitors are enabled."""

    def __init__(self) -> None:
        super().__init__()
        self.others = list(range(10, 30))
        self.names: dict[int, str] = {}
        self.enabled = True
        self.school_searches = 0

    def versions(self, class_ids: Sequence[str]) -> dict[str, int]:
        self.school_searches += SCHOOL in class_ids
        results = super().versions(class_ids)
        return {name: version for name, version in results.items() if self.enabled or name != SCHOOL}

    def templates(self, class_id: str) -> tuple[Array, list[str]]:
        rows, owners = super().templates(class_id)
        if class_id != SCHOOL:
            return rows, owners
        more = np.stack([sample_of(person, 500 + shot) for person in self.others for shot in range(3)])
        named = [self.names.get(person, str(person)) for person in self.others]
        kept = [place for place, owner in enumerate(owners) if owner not in self.names.values()]
        return (
            np.concatenate([rows[kept], more]),
            [owners[place] for place in kept] + [name for name in named for _ in range(3)],
        )


class CameraOfSchool(Camera):
    """A camera whose rules allow visitors; galleries are refreshed after each frame."""

    source: SchoolSource

    def __init__(self) -> None:
        super().__init__(SchoolSource())
        self.context.rules = ON

    def visitors_of(self, count: int, *people: int) -> list[str]:
        """Return the visitors of each of so many frames: one string for a frame, empty for none."""
        return [
            ",".join(face.visitor or "" for face in result.faces)
            for result in self.results_of(count, *people)
        ]

    def results_of(self, count: int, *people: int) -> list[FrameResult]:
        results = []
        for _ in range(count):
            results += self.frames(1, *people)
            self.galleries.refresh()
        return results


@pytest.fixture
def camera() -> CameraOfSchool:
    return CameraOfSchool()


def test_stranger_with_five_samples_may_be_a_visitor_and_stays_unknown(camera: CameraOfSchool) -> None:
    results = camera.results_of(10, VISITOR)
    samples = [result.faces[0].decision.samples for result in results if result.faces[0].visitor]
    assert results[-1].faces[0].visitor == str(VISITOR)
    assert min(samples) >= 5
    assert states(results[-1]) == [State.UNKNOWN]
    assert results[-1].faces[0].decision.id is None


def test_visitor_is_neither_recognised_nor_uncertain(camera: CameraOfSchool) -> None:
    results = camera.results_of(20, VISITOR)
    assert results[-1].faces[0].visitor
    assert [result.recognised + result.uncertain for result in results] == [()] * len(results)


def test_visitors_are_searched_only_if_the_rules_allow_it(camera: CameraOfSchool) -> None:
    camera.context.rules = MatchRules()
    assert set(camera.visitors_of(12, VISITOR)) == {""}
    assert camera.source.school_searches == 0


def test_visitors_end_with_the_next_frame_after_the_school_turns_them_off(camera: CameraOfSchool) -> None:
    assert camera.visitors_of(10, VISITOR)[-1] == str(VISITOR)
    camera.source.enabled = False
    assert camera.visitors_of(5, VISITOR) == [""] * 5


def test_withdrawn_student_is_no_visitor_in_the_next_frame(camera: CameraOfSchool) -> None:
    assert camera.visitors_of(10, VISITOR)[-1] == str(VISITOR)
    camera.source.others.remove(VISITOR)
    camera.source.version += 1
    assert camera.visitors_of(5, VISITOR) == [""] * 5


def test_there_are_no_visitors_without_the_database(camera: CameraOfSchool) -> None:
    assert camera.visitors_of(10, VISITOR)[-1] == str(VISITOR)
    camera.source.unavailable = True
    assert camera.frames(1, VISITOR)[0].faces[0].visitor is None


def test_person_of_no_class_is_never_a_visitor(camera: CameraOfSchool) -> None:
    assert set(camera.visitors_of(20, STRANGER)) == {""}


def test_rejected_student_of_the_class_is_no_visitor(camera: CameraOfSchool) -> None:
    camera.context.rules = MatchRules(visitors=True, rejected=(RejectedTemplate("3", unit(3)),))
    results = camera.results_of(12, 3)
    assert states(results[-1]) == [State.UNKNOWN]
    assert {result.faces[0].visitor for result in results} == {None}


def test_student_of_the_class_is_never_a_visitor(camera: CameraOfSchool) -> None:
    camera.source.names = {VISITOR: "3"}
    assert set(camera.visitors_of(12, VISITOR)) == {""}


def test_rejected_visitor_is_not_returned(camera: CameraOfSchool) -> None:
    camera.context.rules = MatchRules(
        visitors=True, rejected=(RejectedTemplate(str(VISITOR), unit(VISITOR)),)
    )
    assert set(camera.visitors_of(12, VISITOR)) == {""}


def test_track_that_had_a_name_is_no_visitor(camera: CameraOfSchool) -> None:
    camera.results_of(8, 3)
    camera.source.people.remove(3)
    camera.source.others.append(3)
    camera.source.version += 1
    results = camera.results_of(12, 3)
    assert states(results[-1]) == [State.UNKNOWN]
    assert {result.faces[0].visitor for result in results} == {None}


def test_two_faces_are_never_the_same_visitor(camera: CameraOfSchool) -> None:
    assert camera.visitors_of(14, VISITOR)[-1] == str(VISITOR)
    assert set(camera.visitors_of(14, VISITOR, VISITOR)[-3:]) == {","}
