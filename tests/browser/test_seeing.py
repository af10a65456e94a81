"""Test what a page does with messages of its camera's socket: sounds, ticks, and the question about a visitor."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.doubles import Double
from tests.browser.office import add_class, open_browser
from tests.browser.screens import PATIENCE_MS, Browsers, Seat
from tests.browser.session_page import add_students, start_session

# Audio output that records notes and levels.
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

NEW, ALREADY = [660, 990], [330]
# In a frame of 640 x 360.
BOX = (200, 80, 400, 300)
LONG_AGO = "2026-03-02T08:03:00Z"

# How many pixels of the overlay have a colour, within an area of the frame.
COUNT_PIXELS = """([left, top, right, bottom, red, green, blue]) => {
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
GREEN, VIOLET = (87, 217, 147), (217, 184, 255)
# The part of the box away from its lines and label.
INSIDE = (230, 110, 370, 270)


@dataclass(frozen=True, slots=True, eq=False)
class ClassSession:
    """Hold an open session and the IDs of its two students by name."""

    key: str
    students: dict[str, str]


@pytest.fixture(scope="module")
def session(office: Seat, teacher: Seat) -> ClassSession:
    keys = add_students(office, ("Sia Seen", "Sol Sound"))
    return ClassSession(start_session(teacher, add_class(office, "Seeing", "teacher", list(keys))), keys)


@pytest.fixture
def live(browsers: Browsers, teacher: Seat, session: ClassSession) -> Iterator[Double]:
    """Open the live page and start its camera."""
    seat = open_browser(browsers, teacher, service_workers="block")
    double = Double.install(seat)
    seat.page.add_init_script(AUDIO)
    start_camera(double, session)
    yield double
    seat.context.close()


def start_camera(double: Double, session: ClassSession) -> None:
    page = double.page
    page.goto(f"/sessions/{session.key}/")
    double.set_camera("shown")
    page.get_by_role("button", name="Start the camera").click()
    expect(page.locator("#pace")).to_contain_text("answered in", timeout=PATIENCE_MS)


def face_result(state: str, track: int = 1, **more: Any) -> dict[str, Any]:
    plain = {"student": None, "distance": None, "confidence": None, "looks": 5}
    return {"box": BOX, "track": track, "state": state, **plain, **more}


def student(session: ClassSession, name: str) -> dict[str, str]:
    return {"id": session.students[name], "name": name}


def send_mark(double: Double, session: ClassSession, name: str, at: str) -> None:
    """Send the message that a student was marked."""
    double.send(
        {
            "type": "mark",
            "version": next_version(double.page),
            "student": student(session, name),
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


def next_version(page: Page) -> int:
    """Return the version after the one that the page was given; each call adds one."""
    given = int(json.loads(page.locator("#state").text_content() or "")["version"])
    return given + int(page.evaluate("globalThis.told = (globalThis.told ?? 0) + 1"))


def played_notes(page: Page) -> list[int]:
    played: list[int] = page.evaluate("notes.splice(0)")
    return played


def count_pixels(page: Page, area: tuple[int, ...], colour: tuple[int, ...]) -> int:
    return int(page.evaluate(COUNT_PIXELS, [*area, *colour]))


def show_faces(double: Double, faces: list[dict[str, Any]], answers: int = 3) -> None:
    """Show these faces until `answers` more frames are answered."""
    double.faces = faces
    for _ in range(answers):
        double.page.wait_for_function("() => !document.getElementById('pace').textContent.startsWith('…')")
        double.page.evaluate("document.getElementById('pace').textContent = '…'")
        expect(double.page.locator("#pace")).to_contain_text("answered in", timeout=PATIENCE_MS)


def test_new_frame_rate_starts_after_random_delay(live: Double) -> None:
    live.page.evaluate("Math.random = () => 0.2")
    live.send({"type": "advice", "advice": {"fps": 0.25, "side": 640, "quality": 0.8}})
    sent_at = time.monotonic()
    show_faces(live, [], answers=2)
    # One frame may have been under way; the next comes after a fifth of four seconds, not at once or after four.
    assert any(0.5 < received_at - sent_at < 3 for received_at in live.received_at)


def test_queued_frame_delays_next_frame(live: Double) -> None:
    live.queue_ms = 1500
    show_faces(live, [], answers=3)
    # The advice is five frames per second; the first frame may have been answered before.
    assert live.received_at[-1] - live.received_at[-2] >= 1.5


def test_new_mark_sounds_quietly_and_ticks_face_briefly(live: Double, session: ClassSession) -> None:
    page = live.page
    show_faces(live, [face_result("recognised", student=student(session, "Sia Seen"))])
    assert count_pixels(page, INSIDE, GREEN) == 0
    send_mark(live, session, "Sia Seen", LONG_AGO)
    row = page.locator("#register li").filter(has_text="Sia Seen")
    expect(row.locator(".status.present")).to_have_text("present")
    page.wait_for_function(f"() => ({COUNT_PIXELS})({[*INSIDE, *GREEN]}) > 100")
    assert played_notes(page)[:2] == NEW
    assert 0 < max(page.evaluate("levels")) <= 0.1
    page.wait_for_function(f"() => ({COUNT_PIXELS})({[*INSIDE, *GREEN]}) === 0")


def test_marked_student_sounds_once_without_tick(live: Double, session: ClassSession) -> None:
    page = live.page
    send_mark(live, session, "Sia Seen", LONG_AGO)
    expect(page.locator("#register .status.present")).to_have_count(1)
    assert played_notes(page) == NEW
    show_faces(live, [face_result("recognised", track=7, student=student(session, "Sia Seen"))], answers=5)
    assert played_notes(page) == ALREADY


def test_muted_page_stays_muted(live: Double, session: ClassSession) -> None:
    page = live.page
    sound = page.get_by_role("button", name="Sound", exact=True)
    expect(sound).to_have_attribute("aria-pressed", "true")
    sound.click()
    send_mark(live, session, "Sia Seen", LONG_AGO)
    expect(page.locator("#register .status.present")).to_have_count(1)
    start_camera(live, session)
    expect(sound).to_have_attribute("aria-pressed", "false")
    send_mark(live, session, "Sol Sound", LONG_AGO)
    expect(page.locator("#register .status.present")).to_have_count(1)
    assert played_notes(page) == []
    sound.click()
    send_mark(live, session, "Sia Seen", LONG_AGO)
    expect(page.locator("#register .status.present")).to_have_count(2)
    assert played_notes(page) == NEW


def test_visitor_is_announced_once_and_not_marked(live: Double, session: ClassSession) -> None:
    page = live.page
    ada = {"name": "Ada Lovelace", "classes": ["7B"]}
    show_faces(live, [face_result("visitor", visitor=ada)])
    announcement = page.locator("#live-polite")
    expect(announcement).to_contain_text("Possibly Ada Lovelace of 7B? Nothing is marked.")
    assert count_pixels(page, (0, 0, 640, 360), VIOLET) > 100
    assert count_pixels(page, (0, 0, 640, 360), GREEN) == 0
    page.evaluate("document.getElementById('live-polite').replaceChildren()")
    show_faces(live, [face_result("visitor", visitor=ada)], answers=10)
    expect(announcement).to_be_empty()
    show_faces(live, [face_result("visitor", track=2, visitor=ada | {"classes": []})])
    expect(announcement).to_contain_text("Possibly Ada Lovelace? Nothing is marked.")
    expect(page.locator("#register .status")).to_have_count(0)
    expect(page.get_by_text("Ada Lovelace")).to_have_count(1)
    assert played_notes(page) == []
