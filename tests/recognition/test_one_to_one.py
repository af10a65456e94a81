"""One student to a face and one face to a student, over the frames of a camera."""

from __future__ import annotations

from recognition.engine.types import State
from tests.recognition.streams.test_frame_pipeline import Camera, states


def test_two_faces_of_one_student_give_one_name_and_mark() -> None:
    """As when a person holds up a photograph of themselves: the nearer face has the name, the other is uncertain."""
    camera = Camera()
    assert states(camera.frames(8, 5)[-1]) == [State.RECOGNISED]
    results = camera.frames(12, 5, 5)
    for result in results:
        assert sum(face.decision.id == "5" for face in result.faces) <= 1
    assert any(State.UNCERTAIN in states(result) for result in results)
    assert not any(track.student == "5" for result in results for track in result.recognised)


def test_two_students_are_both_named() -> None:
    camera = Camera()
    results = camera.frames(10, 3, 4)
    last = results[-1]
    assert [face.decision.id for face in last.faces] == ["3", "4"]
    assert sorted(track.student for result in results for track in result.recognised) == ["3", "4"]


def test_face_between_two_students_is_not_named() -> None:
    camera = Camera()
    camera.source.twins = {3: "the twin of 3"}
    for result in camera.frames(12, 3):
        (face,) = result.faces
        assert face.decision.id is None
        assert result.recognised == ()
