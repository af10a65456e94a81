"""From a camera that shows an enrolled student to the committed mark on both sockets."""

from itertools import cycle, islice

from attendance.models import Evidence, Mark, Student
from tests.sockets.people import clip_frames
from tests.sockets.serving import Message, Served, frame, receive
from tests.world import World

# Frames: samples of a track are apart in time, so the number depends on how fast frames are answered.
PATIENCE = 300


def test_camera_marks_a_student_and_both_sockets_get_the_event(
    server: Served, school: World, miranda: Student, camera_path: str, dashboard_path: str
) -> None:
    with (
        server.token(dashboard_path, school.viewer) as dashboard,
        server.token(camera_path, school.teacher) as camera,
    ):
        state = receive(dashboard)
        assert state["type"] == "register"
        assert receive(camera)["type"] == "ready"
        states: list[str] = []
        marks: list[Message] = []
        for seq, picture in enumerate(islice(cycle(clip_frames(85, 210, 6)), PATIENCE)):
            camera.send(frame(seq, picture))
            while True:
                message = receive(camera)
                if message["type"] == "mark":
                    marks.append(message)
                if message["type"] == "result":
                    break
            assert message["seq"] == seq
            states.extend(face["state"] for face in message["faces"] if face["student"])
            if marks:
                break
        assert marks[0]["student"] == {"id": str(miranda.pk), "name": "Ann Ash"}
        assert marks[0]["code"] == "/"
        assert set(states) == {"recognised"}
        # Where frames take long, a question may be asked before the mark; each event has the next version.
        events = [receive(dashboard)]
        while events[-1]["type"] != "mark":
            events.append(receive(dashboard))
        assert events[-1]["student"]["id"] == str(miranda.pk)
        first = state["version"] + 1
        assert [event["version"] for event in events] == list(range(first, first + len(events)))
    stored = Mark.objects.get(session=school.session)
    assert (stored.student_id, str(stored.pk)) == (miranda.pk, marks[0]["mark"])
    assert Evidence.objects.get(event__mark=stored).crop is not None
