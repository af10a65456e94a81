"""The chain from frame to claim; the engine is a stand-in that sees whom the test puts before the camera."""

from collections.abc import Callable, Sequence

import numpy as np
import pytest

from recognition.engine.identification.rejection import RejectedTemplate
from recognition.engine.images.image import encode_jpeg
from recognition.engine.timing import StageTimes
from recognition.engine.types import SPACE, Array, Detection, Face, Pixels, Quality, State
from recognition.galleries import Galleries, SourceUnavailable
from recognition.streams.frame_pipeline import FramePipeline
from recognition.streams.frame_results import CameraContext, FrameError, FrameResult, MatchRules
from recognition.streams.queue import Frame
from recognition.telemetry.monitor import Monitor

CLASS = "class-a"
GOOD = Quality(40.0, 200.0, 0.5, 0.0, 0.0, 0.0, 0.0, 0.9)
PICTURE = encode_jpeg(np.full((480, 640, 3), 120, np.uint8))


def unit(seed: int) -> Array:
    made = np.random.default_rng(seed).standard_normal(128).astype(np.float32)
    return np.asarray(made / np.linalg.norm(made), np.float32)


def look_of(person: int, seed: int, distance: float = 0.2) -> Array:
    moved = unit(person) + distance * unit(10_000 + seed)
    return np.asarray(moved / np.linalg.norm(moved), np.float32)


class Eyes:
    """Sees the people that stand there: person by place from the left."""

    def __init__(self) -> None:
        self.timings = StageTimes()
        self.people: list[int] = []
        self.distance = 0.2
        self.encoded = 0
        self.size = (0, 0)
        self.reduced: list[bool] = []
        self.width = 100.0

    @property
    def space(self) -> str:
        return SPACE

    def detect(self, rgb: Pixels, *, reduced: bool) -> list[Detection]:
        self.reduced.append(reduced)
        self.size = (rgb.shape[1], rgb.shape[0])
        return [
            Detection((20.0 + 200 * place, 100.0, 20.0 + self.width + 200 * place, 220.0), 0.9, None)
            for place in range(len(self.people))
        ]

    def encode(self, rgb: Pixels, detections: Sequence[Detection], *, quick: bool) -> list[Face]:
        assert quick
        faces = []
        for detection in detections:
            self.encoded += 1
            person = self.people[round((detection.box[0] - 20) / 200)]
            template = look_of(person, self.encoded, self.distance)
            left, top, right, bottom = (round(side) for side in detection.box)
            landmarks = np.zeros((5, 2), np.float32)
            faces.append(Face((left, top, right, bottom), 0.9, landmarks, template, template, GOOD))
        return faces


class School:
    """Three photographs each of persons 0 to 9."""

    def __init__(self) -> None:
        self.away = False
        self.version = 1
        self.people = list(range(10))
        self.twins: dict[int, str] = {}

    def versions(self, class_ids: Sequence[str]) -> dict[str, int]:
        if self.away:
            raise SourceUnavailable("away")
        return dict.fromkeys(class_ids, self.version)

    def templates(self, class_id: str) -> tuple[Array, list[str]]:
        rows = [look_of(person, 500 + shot) for person in self.people for shot in range(3)]
        owners = [str(person) for person in self.people for _ in range(3)]
        for person, name in self.twins.items():
            rows += [look_of(person, 600 + shot) for shot in range(3)]
            owners += [name] * 3
        return np.stack(rows), owners

    def run_locked(self, class_id: str, build: Callable[[], None]) -> None:
        build()


class Room:
    """A camera before which a test puts people. `at` is when its frame was taken, `waited` how long that is ago."""

    def __init__(self, school: School | None = None) -> None:
        self.eyes, self.school, self.monitor = Eyes(), school or School(), Monitor()
        self.galleries = Galleries(self.school, monitor=self.monitor, rebuild_seconds=60)
        self.pipeline = FramePipeline(
            self.eyes, self.galleries, monitor=self.monitor, largest_side=640, quality=85, clock=self.now
        )
        self.view = CameraContext(CLASS)
        self.at, self.waited = 1000.0, 0.0

    def now(self) -> float:
        return self.at + self.waited

    def frame(self, *people: int, picture: bytes = PICTURE) -> FrameResult | FrameError:
        self.eyes.people = list(people)
        self.at += 0.3
        (found,) = self.pipeline.process([Frame(self.view, 1, picture, self.at)])
        return found

    def frames(self, count: int, *people: int) -> list[FrameResult]:
        found = [self.frame(*people) for _ in range(count)]
        return [each for each in found if isinstance(each, FrameResult)]


@pytest.fixture
def room() -> Room:
    return Room()


def states(seen: FrameResult) -> list[State]:
    return [face.decision.state for face in seen.faces]


def test_a_student_is_confirmed_before_being_named_and_claimed_once(room: Room) -> None:
    found = room.frames(8, 3)
    assert states(found[0]) == [State.CONFIRMING]
    assert states(found[-1]) == [State.RECOGNISED]
    claims = [claim for seen in found for claim in seen.recognised]
    assert [(claim.student, claim.photographs) for claim in claims] == [("3", 3)]
    assert claims[0].decision.samples >= 2
    assert claims[0].crop.startswith(b"\xff\xd8")


def test_a_claim_that_was_taken_back_is_made_again(room: Room) -> None:
    (claim,) = [claim for seen in room.frames(8, 3) for claim in seen.recognised]
    room.view.handovers.release_mark(claim.track, claim.student)
    assert [again.student for again in room.frames(1, 3)[0].recognised] == ["3"]


def test_a_stranger_is_never_named(room: Room) -> None:
    found = room.frames(12, 77)
    assert all(face.decision.id is None for seen in found for face in seen.faces)
    assert states(found[-1]) == [State.UNKNOWN]
    assert not any(seen.recognised for seen in found)


def test_without_the_database_boxes_stay_and_names_go(room: Room) -> None:
    assert states(room.frames(8, 3)[-1]) == [State.RECOGNISED]
    room.school.away = True
    seen = room.frames(1, 3)[0]
    assert states(seen) == [State.UNAVAILABLE]
    assert seen.faces[0].decision.id is None
    assert seen.faces[0].box == (20, 100, 120, 220)
    assert room.monitor.figures().counters["unavailable"] == 1


def test_whoever_leaves_the_class_loses_the_name_with_the_next_frame(room: Room) -> None:
    assert states(room.frames(8, 3)[-1]) == [State.RECOGNISED]
    room.school.people.remove(3)
    room.school.version += 1
    seen = room.frames(1, 3)[0]
    assert seen.faces[0].decision.id is None
    assert states(seen) != [State.RECOGNISED]


def test_a_face_that_a_person_said_is_not_the_student_is_not_named(room: Room) -> None:
    room.frames(8, 3)
    room.view.rules = MatchRules(rejected=(RejectedTemplate("3", unit(3)),))
    seen = room.frames(1, 3)[0]
    assert seen.faces[0].decision.id is None
    room.view.rules = MatchRules(rejected=(RejectedTemplate("3", unit(4)),))
    assert states(room.frames(1, 3)[0]) == [State.RECOGNISED]


def test_a_face_between_twins_is_asked_about_once_and_never_named(room: Room) -> None:
    room.school.twins = {3: "the twin of 3"}
    room.view.rules = MatchRules(confusable=frozenset({frozenset(("3", "the twin of 3"))}))
    found = room.frames(12, 3)
    assert states(found[-1]) == [State.UNCERTAIN]
    assert not any(seen.recognised for seen in found)
    (question,) = [question for seen in found for question in seen.uncertain]
    assert {match.id for match in question.decision.candidates} == {"3", "the twin of 3"}
    assert float(np.linalg.norm(question.template)) == pytest.approx(1, abs=1e-5)


def test_two_faces_are_never_one_student(room: Room) -> None:
    for seen in room.frames(10, 5, 5):
        named = [face.decision.id for face in seen.faces if face.decision.id]
        assert len(named) == len(set(named))


def test_a_known_track_is_not_encoded_again_with_each_frame(room: Room) -> None:
    room.frames(8, 3)
    before = room.eyes.encoded
    room.frames(10, 3)
    assert room.eyes.encoded - before <= 2


def test_boxes_are_in_pixels_of_the_frame_that_was_sent(room: Room) -> None:
    large = encode_jpeg(np.full((960, 1280, 3), 120, np.uint8))
    seen = room.frame(3, picture=large)
    assert isinstance(seen, FrameResult)
    assert room.eyes.size == (640, 480)
    assert seen.faces[0].box == (40, 200, 240, 440)


def test_what_is_no_picture_is_a_fault_and_leaves_the_others_of_the_turn_alone(room: Room) -> None:
    other = CameraContext(CLASS)
    room.eyes.people = [3]
    bad, good = room.pipeline.process(
        [Frame(room.view, 1, b"nothing", room.at), Frame(other, 1, PICTURE, room.at)]
    )
    assert isinstance(bad, FrameError)
    assert bad.code == "unsupported_format"
    assert isinstance(good, FrameResult)
    assert len(good.faces) == 1


def test_frames_of_one_turn_are_searched_together(room: Room) -> None:
    views = [CameraContext(CLASS) for _ in range(4)]
    room.eyes.people = [3]
    room.pipeline.process([Frame(view, 1, PICTURE, room.at) for view in views])
    assert room.monitor.figures().stages["match"].count == 1


def test_nobody_who_waits_for_nothing_is_looked_at_coarsely(room: Room) -> None:
    room.frames(8, 3)
    assert room.eyes.reduced == [False] * 8


def test_where_a_queue_builds_most_looks_are_coarse_and_the_same_person_is_claimed(room: Room) -> None:
    room.waited = 60.0
    found = room.frames(18, 3)
    assert room.eyes.reduced == [True, *([False, *[True] * 5] * 3)][:18]
    assert room.monitor.figures().counters["reduced"] == sum(room.eyes.reduced)
    assert [claim.student for seen in found for claim in seen.recognised] == ["3"]


def test_while_a_face_is_far_away_every_look_is_close(room: Room) -> None:
    room.waited, room.eyes.width = 60.0, 40.0
    room.frames(8, 3)
    assert room.eyes.reduced == [True, *[False] * 7]
