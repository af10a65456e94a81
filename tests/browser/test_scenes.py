"""Test scenes in front of the camera, and the register that results on the page and in the database."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import CDPSession, expect

from tests.browser import camera, scene_frames
from tests.browser.camera import Pixels
from tests.browser.office import add_student
from tests.browser.scene_frames import BLAIR, CRUISE, RYDER, SPIELBERG, STUDENT_NAMES, People
from tests.browser.scene_runner import PATIENCE_MS, Scene, SceneRunner
from tests.browser.school import ask, enrol
from tests.browser.screens import Browsers, Seat
from tests.material import lfw, strangers

UNKNOWN = "not recognised"
FULL_SECONDS, SHORT_SECONDS, SAMPLES = 3600, 8, 16
# Below one frame in three retained in the short run, and below thirty bytes per frame in the full run.
GROWTH_KIB = 512
GROWTH_NODES = 50


@pytest.fixture(scope="module")
def people(office: Seat) -> People:
    """Enrol people of LFW with three photographs each; return their other photographs by name."""
    pictures = {name: lfw()[name.replace(" ", "_")] for name in STUDENT_NAMES}
    for name, files in pictures.items():
        key = enrol(office, name, files[:3])
        assert ask(office, "GET", f"/students/{key}/photographs/")["count"] >= 2, name
    return {name: files[3:] for name, files in pictures.items()}


@pytest.fixture(scope="module")
def runner(browsers: Browsers, office: Seat, teacher: Seat, films: Path) -> SceneRunner:
    return SceneRunner(browsers, office, teacher, films / "theatre.mjpeg")


def wait_for_replay(scene: Scene, frames: int) -> None:
    """Wait until the whole film has played again, so that a wrong mark would have been made."""
    scene.seat.page.wait_for_timeout(frames * 1000 / scene_frames.FRAME_RATE)


def expect_camera_marks(scene: Scene, *names: str) -> None:
    """Check that exactly these students are marked, each by one entry of the camera."""
    marks = scene.register()
    entries = {name: (mark["source"], mark["revision"]) for name, mark in marks.items()}
    assert entries == dict.fromkeys(names, ("camera", 1))
    assert scene.seat.complaints == []


def test_students_walking_past_are_marked_and_stranger_is_not(runner: SceneRunner, people: People) -> None:
    film = list(scene_frames.walk_past([people[RYDER][0], strangers()[0], people[BLAIR][3]]))
    scene = runner.start_class("Walking past", STUDENT_NAMES, film)
    scene.expect_camera_mark(RYDER)
    scene.expect_camera_mark(BLAIR)
    scene.expect_label(UNKNOWN)
    assert {f"✓ {CRUISE}", f"✓ {SPIELBERG}"}.isdisjoint(scene.labels())
    expect_camera_marks(scene, RYDER, BLAIR)


def test_three_students_together_are_marked_once_each(runner: SceneRunner, people: People) -> None:
    names = (RYDER, CRUISE, SPIELBERG)
    film = list(scene_frames.stand_together([people[name][:3] for name in names], seconds=3))
    scene = runner.start_class("Three at once", STUDENT_NAMES, film)
    for name in names:
        scene.expect_camera_mark(name)
        scene.expect_label(f"✓ {name}")
    wait_for_replay(scene, len(film))
    assert f"✓ {BLAIR}" not in scene.labels()
    expect_camera_marks(scene, *names)


def test_stranger_is_not_recognised_and_nobody_is_marked(runner: SceneRunner, people: People) -> None:
    film = list(scene_frames.stand_together([strangers()[2:3]], seconds=2))
    scene = runner.start_class("A stranger", STUDENT_NAMES, film)
    scene.expect_label(UNKNOWN)
    wait_for_replay(scene, len(film))
    assert not [words for words in scene.labels() if words.startswith("✓")]
    expect_camera_marks(scene)


def one_student(people: People) -> Iterator[Pixels]:
    return scene_frames.stand_together([people[CRUISE][:1]], seconds=1)


def expect_nobody(
    runner: SceneRunner,
    name: str,
    film: Sequence[Pixels],
    sentence: str,
    students: Sequence[str] = STUDENT_NAMES,
) -> None:
    """Check that the room check says why, and that nobody is boxed or marked."""
    scene = runner.start_class(name, students, film)
    scene.check_room(sentence)
    wait_for_replay(scene, len(film))
    assert scene.labels() == set()
    expect_camera_marks(scene)


def test_dark_image_is_reported_and_nobody_is_marked(runner: SceneRunner, people: People) -> None:
    film = list(scene_frames.dim(one_student(people), 0.02))
    expect_nobody(runner, "Dark", film, "It is too dark.")


def test_blurred_image_is_reported_and_nobody_is_marked(runner: SceneRunner, people: People) -> None:
    film = list(scene_frames.blur(one_student(people), 16))
    expect_nobody(runner, "Blurred", film, "The image is not sharp.")


def test_empty_room_is_reported(runner: SceneRunner, office: Seat, films: Path) -> None:
    add_student(office, "Nora", "Nash")
    film = camera.frames_of(camera.from_empty_room(films / "nothing.mjpeg"))
    expect_nobody(runner, "Empty", film, "No face in view yet.", students=["Nora Nash"])


def test_mark_of_printed_face_is_rejected_from_evidence(runner: SceneRunner, people: People) -> None:
    """Test that evidence shows a print: Rollcall does not claim to detect prints (docs/teacher.md)."""
    film = list(scene_frames.hold_up_print(strangers()[0], people[SPIELBERG][0], seconds=2))
    scene = runner.start_class("Held up", STUDENT_NAMES, film)
    scene.expect_camera_mark(SPIELBERG)
    scene.expect_label(UNKNOWN)
    page = scene.seat.page
    scene.row(SPIELBERG).locator("[data-act=open]").click()
    picture = page.get_by_alt_text("Face seen by the camera")
    expect(picture).to_be_visible()
    page.wait_for_function("(image) => image.naturalWidth > 40", arg=picture.element_handle())
    page.get_by_role("button", name="Not this student").click()
    taken_back = page.get_by_text("This face will not be matched to Steven Spielberg again")
    expect(taken_back).to_be_visible(timeout=PATIENCE_MS)
    wait_for_replay(scene, len(film))
    assert scene.register() == {}
    assert scene.seat.complaints == []


def test_two_cameras_fill_one_register(
    runner: SceneRunner, browsers: Browsers, office: Seat, teacher: Seat, films: Path, people: People
) -> None:
    def film_of(*names: str) -> Iterator[Pixels]:
        return scene_frames.stand_together([people[name][:1] for name in names], seconds=1)

    front = runner.start_class("Two cameras", STUDENT_NAMES, film_of(RYDER, CRUISE))
    back = SceneRunner(browsers, office, teacher, films / "back.mjpeg").join(
        front, film_of(CRUISE, SPIELBERG)
    )
    for scene, visible in ((front, (RYDER, CRUISE)), (back, (CRUISE, SPIELBERG))):
        for name in visible:
            scene.expect_label(f"✓ {name}")
    for scene in (front, back):
        for name in (RYDER, CRUISE, SPIELBERG):
            scene.expect_camera_mark(name)
        expect_camera_marks(scene, RYDER, CRUISE, SPIELBERG)
    back.seat.context.close()


def page_memory(cdp: CDPSession) -> tuple[float, int, int]:
    """Return the page's heap in KiB after garbage collection with external memory, its nodes and its listeners."""
    cdp.send("HeapProfiler.collectGarbage")
    heap = cdp.send("Runtime.getHeapUsage")
    dom = cdp.send("Memory.getDOMCounters")
    names = ("usedSize", "embedderHeapUsedSize", "backingStorageSize")
    return sum(heap.get(name, 0) for name in names) / 1024, dom["nodes"], dom["jsEventListeners"]


def growth(samples: list[float]) -> float:
    """Return by how much a straight line fitted to the samples rises from first to last."""
    slope, _ = np.polyfit(range(len(samples)), samples, 1)
    return float(slope * (len(samples) - 1))


@pytest.mark.soak
@pytest.mark.timeout(FULL_SECONDS + 900)
def test_page_memory_does_not_grow_during_session(runner: SceneRunner, people: People, soak: bool) -> None:
    film = scene_frames.walk_past([people[RYDER][0], strangers()[0], people[BLAIR][3]])
    scene = runner.start_class("Soak", STUDENT_NAMES, film)
    scene.expect_camera_mark(RYDER)
    page = scene.seat.page
    cdp = scene.seat.context.new_cdp_session(page)
    samples = []
    for _ in range(SAMPLES):
        page.wait_for_timeout((FULL_SECONDS if soak else SHORT_SECONDS) / SAMPLES * 1000)
        samples.append(page_memory(cdp))
    heap, nodes, listeners = (growth(list(column)) for column in zip(*samples, strict=True))
    assert heap <= GROWTH_KIB, samples
    assert max(nodes, listeners) <= GROWTH_NODES, samples
    assert page.locator("#stage").get_attribute("data-phase") == "running"
    assert scene.seat.complaints == []
    cdp.detach()
