"""What happens before the camera, and who is in the register afterwards: in the page and in the database."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import CDPSession, expect

from tests.browser import acting, camera
from tests.browser.acting import BLAIR, CAST, CRUISE, RYDER, SPIELBERG, Cast
from tests.browser.camera import Pixels
from tests.browser.school import ask, enrol
from tests.browser.screens import Browsers, Seat
from tests.browser.theatre import PATIENCE_MS, Scene, Theatre
from tests.material import lfw, strangers

UNKNOWN = "not recognised"
FULL_SECONDS, SHORT_SECONDS, SAMPLES = 3600, 8, 16
GROWTH_KIB = 512
"""Less than one retained frame of each three in the short run; thirty bytes of each frame in the full one."""
GROWTH_NODES = 50


@pytest.fixture(scope="module")
def cast(office: Seat) -> Cast:
    """People of LFW, enrolled with three photographs each; the pictures of them that nobody has enrolled."""
    pictures = {name: lfw()[name.replace(" ", "_")] for name in CAST}
    for name, files in pictures.items():
        key = enrol(office, name, files[:3])
        assert ask(office, "GET", f"/students/{key}/photographs/")["count"] >= 2, name
    return {name: files[3:] for name, files in pictures.items()}


@pytest.fixture(scope="module")
def theatre(browsers: Browsers, office: Seat, teacher: Seat, films: Path) -> Theatre:
    """The browser before whose camera scenes are played."""
    return Theatre(browsers, office, teacher, films / "theatre.mjpeg")


def once_more(scene: Scene, frames: int) -> None:
    """Lets the whole film pass again: whoever is not to be marked has had every chance then."""
    scene.seat.page.wait_for_timeout(frames * 1000 / acting.RATE)


def marked_once(scene: Scene, *names: str) -> None:
    """These students and nobody else are in the register, each by one entry of the camera."""
    marks = scene.register()
    written = {name: (mark["source"], mark["revision"]) for name, mark in marks.items()}
    assert written == dict.fromkeys(names, ("camera", 1))
    assert scene.seat.complaints == []


def test_people_who_walk_past_are_marked_and_the_stranger_between_them_is_not(
    theatre: Theatre, cast: Cast
) -> None:
    film = list(acting.walking([cast[RYDER][0], strangers()[0], cast[BLAIR][3]]))
    scene = theatre.play("Walking past", CAST, film)
    scene.is_marked(RYDER)
    scene.is_marked(BLAIR)
    scene.draws(UNKNOWN)
    assert {f"✓ {CRUISE}", f"✓ {SPIELBERG}"}.isdisjoint(scene.drawn())
    marked_once(scene, RYDER, BLAIR)


def test_three_who_stand_together_are_marked_each_once(theatre: Theatre, cast: Cast) -> None:
    together = (RYDER, CRUISE, SPIELBERG)
    film = list(acting.standing([cast[name][:3] for name in together], seconds=3))
    scene = theatre.play("Three at once", CAST, film)
    for name in together:
        scene.is_marked(name)
        scene.draws(f"✓ {name}")
    once_more(scene, len(film))
    assert f"✓ {BLAIR}" not in scene.drawn()
    marked_once(scene, *together)


def test_a_stranger_is_boxed_as_not_recognised_and_nobody_is_marked(theatre: Theatre, cast: Cast) -> None:
    film = list(acting.standing([strangers()[2:3]], seconds=2))
    scene = theatre.play("A stranger", CAST, film)
    scene.draws(UNKNOWN)
    once_more(scene, len(film))
    assert not [words for words in scene.drawn() if words.startswith("✓")]
    marked_once(scene)


def alone(cast: Cast) -> Iterator[Pixels]:
    return acting.standing([cast[CRUISE][:1]], seconds=1)


def shows_nobody(theatre: Theatre, name: str, film: Sequence[Pixels], sentence: str) -> None:
    """The check of the room says why; nobody is boxed and nobody marked."""
    scene = theatre.play(name, CAST, film)
    scene.checks_the_room(sentence)
    once_more(scene, len(film))
    assert scene.drawn() == set()
    marked_once(scene)


def test_in_the_dark_the_page_says_so_and_marks_nobody(theatre: Theatre, cast: Cast) -> None:
    film = list(acting.dimmed(alone(cast), 0.02))
    shows_nobody(theatre, "Dark", film, "It is too dark.")


def test_a_blurred_picture_is_named_and_marks_nobody(theatre: Theatre, cast: Cast) -> None:
    film = list(acting.out_of_focus(alone(cast), 16))
    shows_nobody(theatre, "Blurred", film, "The image is not sharp.")


def test_an_empty_room_is_called_empty(theatre: Theatre, films: Path) -> None:
    film = camera.frames_of(camera.of_nothing(films / "nothing.mjpeg"))
    shows_nobody(theatre, "Empty", film, "No face in view yet.")


def test_a_picture_held_up_leaves_evidence_by_which_the_teacher_takes_it_back(
    theatre: Theatre, cast: Cast
) -> None:
    """Rollcall claims no liveness (docs/teacher.md): to the network a print is the same face. The teacher sees it."""
    film = list(acting.holding_up(strangers()[0], cast[SPIELBERG][0], seconds=2))
    scene = theatre.play("Held up", CAST, film)
    scene.is_marked(SPIELBERG)
    scene.draws(UNKNOWN)
    page = scene.seat.page
    scene.row(SPIELBERG).locator("[data-act=open]").click()
    picture = page.get_by_alt_text("Face seen by the camera")
    expect(picture).to_be_visible()
    page.wait_for_function("(image) => image.naturalWidth > 40", arg=picture.element_handle())
    page.get_by_role("button", name="Not this student").click()
    taken_back = page.get_by_text("This face will not be matched to Steven Spielberg again")
    expect(taken_back).to_be_visible(timeout=PATIENCE_MS)
    once_more(scene, len(film))
    assert scene.register() == {}
    assert scene.seat.complaints == []


def test_two_cameras_of_one_session_fill_one_register(
    theatre: Theatre, browsers: Browsers, office: Seat, teacher: Seat, films: Path, cast: Cast
) -> None:
    def pair(*names: str) -> Iterator[Pixels]:
        return acting.standing([cast[name][:1] for name in names], seconds=1)

    front = theatre.play("Two cameras", CAST, pair(RYDER, CRUISE))
    back = Theatre(browsers, office, teacher, films / "back.mjpeg").join(front, pair(CRUISE, SPIELBERG))
    for scene, seen in ((front, (RYDER, CRUISE)), (back, (CRUISE, SPIELBERG))):
        for name in seen:
            scene.draws(f"✓ {name}")
    for scene in (front, back):
        for name in (RYDER, CRUISE, SPIELBERG):
            scene.is_marked(name)
        marked_once(scene, RYDER, CRUISE, SPIELBERG)
    back.seat.context.close()


def size(cdp: CDPSession) -> tuple[float, int, int]:
    """KiB of the page's heaps after a collection, what lies outside them for it included; its nodes and listeners."""
    cdp.send("HeapProfiler.collectGarbage")
    heap = cdp.send("Runtime.getHeapUsage")
    dom = cdp.send("Memory.getDOMCounters")
    names = ("usedSize", "embedderHeapUsedSize", "backingStorageSize")
    return sum(heap.get(name, 0) for name in names) / 1024, dom["nodes"], dom["jsEventListeners"]


def grown(samples: list[float]) -> float:
    """By how much a straight line through the samples rises from the first to the last."""
    slope, _ = np.polyfit(range(len(samples)), samples, 1)
    return float(slope * (len(samples) - 1))


@pytest.mark.soak
@pytest.mark.timeout(FULL_SECONDS + 900)
def test_an_hour_of_session_leaves_the_page_as_large_as_it_was(
    theatre: Theatre, cast: Cast, soak: bool
) -> None:
    film = acting.walking([cast[RYDER][0], strangers()[0], cast[BLAIR][3]])
    scene = theatre.play("Soak", CAST, film)
    scene.is_marked(RYDER)
    page = scene.seat.page
    cdp = scene.seat.context.new_cdp_session(page)
    samples = []
    for _ in range(SAMPLES):
        page.wait_for_timeout((FULL_SECONDS if soak else SHORT_SECONDS) / SAMPLES * 1000)
        samples.append(size(cdp))
    heap, nodes, listeners = (grown(list(column)) for column in zip(*samples, strict=True))
    assert heap <= GROWTH_KIB, samples
    assert max(nodes, listeners) <= GROWTH_NODES, samples
    assert page.locator("#stage").get_attribute("data-phase") == "running"
    assert scene.seat.complaints == []
    cdp.detach()
