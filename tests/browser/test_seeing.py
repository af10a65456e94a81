"""What a page makes of what its camera's socket says: sounds and ticks of marks, and the question about a visitor."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.doubles import Double
from tests.browser.lessons import add_students, begun
from tests.browser.office import add_class, beside
from tests.browser.screens import PATIENCE_MS, Browsers, Seat

AUDIO = """
globalThis.notes = [];
globalThis.levels = [];
const nothing = () => {};
globalThis.AudioContext = class {
  state = "running";
  currentTime = 0;
  destination = {};
  resume() { return Promise.resolve(); }
  createOscillator() {
    const start = () => notes.push(node.frequency.value);
    const node = { frequency: {}, connect: (next) => next, start, stop: nothing };
    return node;
  }
  createGain() {
    const linearRampToValueAtTime = (to) => levels.push(to);
    const gain = { setValueAtTime: nothing, linearRampToValueAtTime, exponentialRampToValueAtTime: nothing };
    return { gain, connect: (next) => next };
  }
};
"""
"""A loudspeaker that writes down what it would have sounded."""

NEW, ALREADY = [660, 990], [330]
BOX = (200, 80, 400, 300)
"""In a frame of 640 x 360."""
LONG_AGO = "2026-03-02T08:03:00Z"

COLOURED = """([left, top, right, bottom, red, green, blue]) => {
  const canvas = document.getElementById("overlay");
  const scale = canvas.width / 640;
  const area = [left, top, right - left, bottom - top].map((side) => Math.round(side * scale));
  const { data } = canvas.getContext("2d").getImageData(...area);
  let found = 0;
  for (let i = 0; i < data.length; i += 4) {
    const off = Math.abs(data[i] - red) + Math.abs(data[i + 1] - green) + Math.abs(data[i + 2] - blue);
    if (data[i + 3] > 200 && off < 12) found++;
  }
  return found;
}"""
"""How many pixels of the boxes' canvas have a colour, within an area of the frame."""
GREEN, VIOLET = (87, 217, 147), (217, 184, 255)
INSIDE = (230, 110, 370, 270)
"""Of the box, away from its lines and its name."""


@dataclass(frozen=True, slots=True, eq=False)
class Lesson:
    """An open session and its two students, by name."""

    session: str
    students: dict[str, str]


@pytest.fixture(scope="module")
def lesson(office: Seat, teacher: Seat) -> Lesson:
    keys = add_students(office, ("Sia Seen", "Sol Sound"))
    return Lesson(begun(teacher, add_class(office, "Seeing", "teacher", list(keys))), keys)


@pytest.fixture
def live(browsers: Browsers, teacher: Seat, lesson: Lesson) -> Iterator[Double]:
    """The live page with its camera on."""
    seat = beside(browsers, teacher, service_workers="block")
    double = Double.behind(seat)
    seat.page.add_init_script(AUDIO)
    started(double, lesson)
    yield double
    seat.context.close()


def started(double: Double, lesson: Lesson) -> None:
    page = double.page
    page.goto(f"/sessions/{lesson.session}/")
    double.camera("shown")
    page.get_by_role("button", name="Start the camera").click()
    expect(page.locator("#pace")).to_contain_text("answered in", timeout=PATIENCE_MS)


def face(state: str, track: int = 1, **more: Any) -> dict[str, Any]:
    plain = {"student": None, "distance": None, "confidence": None, "looks": 5}
    return {"box": BOX, "track": track, "state": state, **plain, **more}


def student(lesson: Lesson, name: str) -> dict[str, str]:
    return {"id": lesson.students[name], "name": name}


def mark(double: Double, lesson: Lesson, name: str, at: str) -> None:
    """The camera's socket says that a student was marked."""
    double.say(
        {
            "type": "mark",
            "version": version(double.page),
            "student": student(lesson, name),
            "mark": "00000000-0000-7000-8000-000000000001",
            "code": "/",
            "status": "present",
            "at": at,
            "source": "camera",
            "by": None,
            "note": "",
            "revision": 1,
            "minutes_late": None,
        }
    )


def version(page: Page) -> int:
    """The next version of the register after the one that the page was given; each call is one more."""
    given = int(json.loads(page.locator("#state").text_content() or "")["version"])
    return given + int(page.evaluate("globalThis.told = (globalThis.told ?? 0) + 1"))


def notes(page: Page) -> list[int]:
    found: list[int] = page.evaluate("notes.splice(0)")
    return found


def coloured(page: Page, area: tuple[int, ...], colour: tuple[int, ...]) -> int:
    return int(page.evaluate(COLOURED, [*area, *colour]))


def shown(double: Double, faces: list[dict[str, Any]], answers: int = 3) -> None:
    """These faces, for so many more answers."""
    double.faces = faces
    for _ in range(answers):
        double.page.wait_for_function("() => !document.getElementById('pace').textContent.startsWith('…')")
        double.page.evaluate("document.getElementById('pace').textContent = '…'")
        expect(double.page.locator("#pace")).to_contain_text("answered in", timeout=PATIENCE_MS)


def test_a_new_rate_begins_at_a_moment_of_its_own(live: Double) -> None:
    live.page.evaluate("Math.random = () => 0.2")
    live.say({"type": "advice", "advice": {"fps": 0.25, "side": 640, "quality": 0.8}})
    told = time.monotonic()
    shown(live, [], answers=2)
    # One may have been on its way; the next comes after a fifth of four seconds, not at once and not after all four.
    assert any(0.5 < came - told < 3 for came in live.came)


def test_a_frame_that_waited_makes_the_next_one_come_later(live: Double) -> None:
    live.waited = 1500
    shown(live, [], answers=3)
    # Five frames a second are advised; the first may have been answered before.
    assert live.came[-1] - live.came[-2] >= 1.5


def test_a_new_mark_sounds_quietly_and_ticks_the_face_for_a_moment(live: Double, lesson: Lesson) -> None:
    page = live.page
    shown(live, [face("recognised", student=student(lesson, "Sia Seen"))])
    assert coloured(page, INSIDE, GREEN) == 0
    mark(live, lesson, "Sia Seen", LONG_AGO)
    row = page.locator("#register li").filter(has_text="Sia Seen")
    expect(row.locator(".status.present")).to_have_text("present")
    page.wait_for_function(f"() => ({COLOURED})({[*INSIDE, *GREEN]}) > 100")
    assert notes(page)[:2] == NEW
    assert 0 < max(page.evaluate("levels")) <= 0.1
    page.wait_for_function(f"() => ({COLOURED})({[*INSIDE, *GREEN]}) === 0")


def test_whoever_is_marked_already_sounds_otherwise_once_and_without_a_tick(
    live: Double, lesson: Lesson
) -> None:
    page = live.page
    mark(live, lesson, "Sia Seen", LONG_AGO)
    expect(page.locator("#register .status.present")).to_have_count(1)
    assert notes(page) == NEW
    shown(live, [face("recognised", track=7, student=student(lesson, "Sia Seen"))], answers=5)
    assert notes(page) == ALREADY


def test_a_muted_page_stays_muted(live: Double, lesson: Lesson) -> None:
    page = live.page
    sound = page.get_by_role("button", name="Sound", exact=True)
    expect(sound).to_have_attribute("aria-pressed", "true")
    sound.click()
    mark(live, lesson, "Sia Seen", LONG_AGO)
    expect(page.locator("#register .status.present")).to_have_count(1)
    started(live, lesson)
    expect(sound).to_have_attribute("aria-pressed", "false")
    mark(live, lesson, "Sol Sound", LONG_AGO)
    expect(page.locator("#register .status.present")).to_have_count(1)
    assert notes(page) == []
    sound.click()
    mark(live, lesson, "Sia Seen", LONG_AGO)
    expect(page.locator("#register .status.present")).to_have_count(2)
    assert notes(page) == NEW


def test_a_visitor_is_a_question_on_the_box_and_for_the_ear_once_and_no_mark(
    live: Double, lesson: Lesson
) -> None:
    page = live.page
    ada = {"name": "Ada Lovelace", "classes": ["7B"]}
    shown(live, [face("visitor", visitor=ada)])
    heard = page.locator("#live-polite")
    expect(heard).to_contain_text("Possibly Ada Lovelace of 7B? Nothing is marked.")
    assert coloured(page, (0, 0, 640, 360), VIOLET) > 100
    assert coloured(page, (0, 0, 640, 360), GREEN) == 0
    page.evaluate("document.getElementById('live-polite').replaceChildren()")
    shown(live, [face("visitor", visitor=ada)], answers=10)
    expect(heard).to_be_empty()
    shown(live, [face("visitor", track=2, visitor=ada | {"classes": []})])
    expect(heard).to_contain_text("Possibly Ada Lovelace? Nothing is marked.")
    expect(page.locator("#register .status")).to_have_count(0)
    expect(page.get_by_text("Ada Lovelace")).to_have_count(1)
    assert notes(page) == []
