"""One student to a face and one face to a student, over the frames of a camera."""

from __future__ import annotations

from recognition.engine.types import State
from tests.recognition.streams.test_frame_pipeline import Room, states


def test_of_two_faces_of_one_student_only_one_is_named_and_marked() -> None:
    """A picture of somebody who stands beside it, held up: the nearer one has the name, the other is asked about."""
    room = Room()
    assert states(room.frames(8, 5)[-1]) == [State.RECOGNISED]
    found = room.frames(12, 5, 5)
    for seen in found:
        assert sum(face.decision.id == "5" for face in seen.faces) <= 1
    assert any(State.UNCERTAIN in states(seen) for seen in found)
    assert not any(claim.student == "5" for seen in found for claim in seen.recognised)


def test_two_students_side_by_side_have_each_their_own_name() -> None:
    room = Room()
    found = room.frames(10, 3, 4)
    last = found[-1]
    assert [face.decision.id for face in last.faces] == ["3", "4"]
    assert sorted(claim.student for seen in found for claim in seen.recognised) == ["3", "4"]


def test_a_face_that_could_be_either_of_two_students_is_neither() -> None:
    room = Room()
    room.school.twins = {3: "the twin of 3"}
    for seen in room.frames(12, 3):
        (face,) = seen.faces
        assert face.decision.id is None
        assert seen.recognised == ()
