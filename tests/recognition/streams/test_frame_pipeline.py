"""The frame pipeline with a fake engine, which detects the people that a test puts in front of the camera."""

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


def sample_of(person: int, seed: int, distance: float = 0.2) -> Array:
    moved = unit(person) + distance * unit(10_000 + seed)
    return np.asarray(moved / np.linalg.norm(moved), np.float32)


class FakeEngine:
    """Detects `people`, from left to right, without reading the image."""

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
            template = sample_of(person, self.encoded, self.distance)
            left, top, right, bottom = (round(side) for side in detection.box)
            landmarks = np.zeros((5, 2), np.float32)
            faces.append(Face((left, top, right, bottom), 0.9, landmarks, template, template, GOOD))
        return faces


class FakeSource:
    """A gallery source with three photographs each of persons 0 to 9."""

    def __init__(self) -> None:
        self.unavailable = False
        self.version = 1
        self.people = list(range(10))
        self.twins: dict[int, str] = {}

    def versions(self, class_ids: Sequence[str]) -> dict[str, int]:
        if self.unavailable:
            raise SourceUnavailable("away")
        return dict.fromkeys(class_ids, self.version)

    def templates(self, class_id: str) -> tuple[Array, list[str]]:
        rows = [sample_of(person, 500 + shot) for person in self.people for shot in range(3)]
        owners = [str(person) for person in self.people for _ in range(3)]
        for person, name in self.twins.items():
            rows += [sample_of(person, 600 + shot) for shot in range(3)]
            owners += [name] * 3
        return np.stack(rows), owners

    def run_locked(self, class_id: str, build: Callable[[], None]) -> None:
        build()


class Camera:
    """A camera and its pipeline. `at` is when its frame was taken, `waited` how many seconds ago that is."""

    def __init__(self, source: FakeSource | None = None) -> None:
        self.engine, self.source, self.monitor = FakeEngine(), source or FakeSource(), Monitor()
        self.galleries = Galleries(self.source, monitor=self.monitor, rebuild_seconds=60)
        self.pipeline = FramePipeline(
            self.engine, self.galleries, monitor=self.monitor, largest_side=640, quality=85, clock=self.now
        )
        self.context = CameraContext(CLASS)
        self.at, self.waited = 1000.0, 0.0

    def now(self) -> float:
        return self.at + self.waited

    def frame(self, *people: int, picture: bytes = PICTURE) -> FrameResult | FrameError:
        self.engine.people = list(people)
        self.at += 0.3
        (result,) = self.pipeline.process([Frame(self.context, 1, picture, self.at)])
        return result

    def frames(self, count: int, *people: int) -> list[FrameResult]:
        results = [self.frame(*people) for _ in range(count)]
        return [result for result in results if isinstance(result, FrameResult)]


@pytest.fixture
def camera() -> Camera:
    return Camera()


def states(result: FrameResult) -> list[State]:
    return [face.decision.state for face in result.faces]


def test_student_is_confirmed_then_named_and_handed_on_once(camera: Camera) -> None:
    results = camera.frames(8, 3)
    assert states(results[0]) == [State.CONFIRMING]
    assert states(results[-1]) == [State.RECOGNISED]
    tracks = [track for result in results for track in result.recognised]
    assert [(track.student, track.photographs) for track in tracks] == [("3", 3)]
    assert tracks[0].decision.samples >= 2
    assert tracks[0].crop.startswith(b"\xff\xd8")


def test_released_track_is_handed_on_again(camera: Camera) -> None:
    (track,) = [track for result in camera.frames(8, 3) for track in result.recognised]
    camera.context.handovers.release_mark(track.track, track.student)
    assert [again.student for again in camera.frames(1, 3)[0].recognised] == ["3"]


def test_stranger_is_never_named(camera: Camera) -> None:
    results = camera.frames(12, 77)
    assert all(face.decision.id is None for result in results for face in result.faces)
    assert states(results[-1]) == [State.UNKNOWN]
    assert not any(result.recognised for result in results)


def test_faces_have_boxes_and_no_names_without_the_database(camera: Camera) -> None:
    assert states(camera.frames(8, 3)[-1]) == [State.RECOGNISED]
    camera.source.unavailable = True
    result = camera.frames(1, 3)[0]
    assert states(result) == [State.UNAVAILABLE]
    assert result.faces[0].decision.id is None
    assert result.faces[0].box == (20, 100, 120, 220)
    assert camera.monitor.figures().counters["unavailable"] == 1


def test_removed_student_loses_the_name_with_the_next_frame(camera: Camera) -> None:
    assert states(camera.frames(8, 3)[-1]) == [State.RECOGNISED]
    camera.source.people.remove(3)
    camera.source.version += 1
    result = camera.frames(1, 3)[0]
    assert result.faces[0].decision.id is None
    assert states(result) != [State.RECOGNISED]


def test_rejected_match_is_not_named(camera: Camera) -> None:
    camera.frames(8, 3)
    camera.context.rules = MatchRules(rejected=(RejectedTemplate("3", unit(3)),))
    result = camera.frames(1, 3)[0]
    assert result.faces[0].decision.id is None
    camera.context.rules = MatchRules(rejected=(RejectedTemplate("3", unit(4)),))
    assert states(camera.frames(1, 3)[0]) == [State.RECOGNISED]


def test_face_between_twins_is_uncertain_once_and_never_named(camera: Camera) -> None:
    camera.source.twins = {3: "the twin of 3"}
    camera.context.rules = MatchRules(confusable=frozenset({frozenset(("3", "the twin of 3"))}))
    results = camera.frames(12, 3)
    assert states(results[-1]) == [State.UNCERTAIN]
    assert not any(result.recognised for result in results)
    (question,) = [question for result in results for question in result.uncertain]
    assert {match.id for match in question.decision.candidates} == {"3", "the twin of 3"}
    assert float(np.linalg.norm(question.template)) == pytest.approx(1, abs=1e-5)


def test_two_faces_are_never_one_student(camera: Camera) -> None:
    for result in camera.frames(10, 5, 5):
        named = [face.decision.id for face in result.faces if face.decision.id]
        assert len(named) == len(set(named))


def test_named_track_is_not_encoded_in_each_frame(camera: Camera) -> None:
    camera.frames(8, 3)
    before = camera.engine.encoded
    camera.frames(10, 3)
    assert camera.engine.encoded - before <= 2


def test_boxes_are_in_pixels_of_the_sent_frame(camera: Camera) -> None:
    large = encode_jpeg(np.full((960, 1280, 3), 120, np.uint8))
    result = camera.frame(3, picture=large)
    assert isinstance(result, FrameResult)
    assert camera.engine.size == (640, 480)
    assert result.faces[0].box == (40, 200, 240, 440)


def test_undecodable_frame_is_an_error_and_others_of_the_batch_are_not(camera: Camera) -> None:
    other = CameraContext(CLASS)
    camera.engine.people = [3]
    bad, good = camera.pipeline.process(
        [Frame(camera.context, 1, b"nothing", camera.at), Frame(other, 1, PICTURE, camera.at)]
    )
    assert isinstance(bad, FrameError)
    assert bad.code == "unsupported_format"
    assert isinstance(good, FrameResult)
    assert len(good.faces) == 1


def test_frames_of_a_batch_are_searched_together(camera: Camera) -> None:
    views = [CameraContext(CLASS) for _ in range(4)]
    camera.engine.people = [3]
    camera.pipeline.process([Frame(view, 1, PICTURE, camera.at) for view in views])
    assert camera.monitor.figures().stages["match"].count == 1


def test_detection_is_full_without_a_queue(camera: Camera) -> None:
    camera.frames(8, 3)
    assert camera.engine.reduced == [False] * 8


def test_most_detections_are_reduced_when_overloaded(camera: Camera) -> None:
    camera.waited = 60.0
    results = camera.frames(18, 3)
    assert camera.engine.reduced == [True, *([False, *[True] * 5] * 3)][:18]
    assert camera.monitor.figures().counters["reduced"] == sum(camera.engine.reduced)
    assert [track.student for result in results for track in result.recognised] == ["3"]


def test_detection_is_full_while_a_face_is_far_away(camera: Camera) -> None:
    camera.waited, camera.engine.width = 60.0, 40.0
    camera.frames(8, 3)
    assert camera.engine.reduced == [True, *[False] * 7]
