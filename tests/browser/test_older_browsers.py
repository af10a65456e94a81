"""Test pages in browsers without newer features: frames are answered and marks are made."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.browser.office import add_class, open_browser
from tests.browser.screens import PATIENCE_MS, Browsers, Seat
from tests.browser.session_page import add_students, start_session
from tests.browser.test_camera_faults import CAMERAS

NAMES = ("Olga Old", "Otto Older")

# Browsers that lack a way of encoding a frame as JPEG.
ENCODER_LIMITS = {
    "no OffscreenCanvas": "delete globalThis.OffscreenCanvas",
    "no createImageBitmap": "delete globalThis.createImageBitmap",
    "createImageBitmap refuses a video": (
        "globalThis.createImageBitmap = () => Promise.reject(new TypeError('no video'))"
    ),
    "no Worker": "delete globalThis.Worker",
    "the worker cannot draw": """
      OffscreenCanvas.prototype.convertToBlob = () => {};
      globalThis.Worker = class extends EventTarget {
        postMessage({ id }) { this.dispatchEvent(new MessageEvent("message", { data: { id, fault: "no context" } })); }
        terminate() { globalThis.ended = true; }
      };""",
    "the worker is refused": """
      globalThis.Worker = class extends EventTarget {
        postMessage() { this.dispatchEvent(new Event("error")); }
        terminate() {}
      };""",
}

# Removes the other features that some browsers in use, or pages without https, lack.
OTHER_LIMITS = """
delete AbortSignal.timeout;
delete Intl.ListFormat;
delete globalThis.AudioContext;
delete globalThis.webkitAudioContext;
delete CanvasRenderingContext2D.prototype.roundRect;
delete SubmitEvent.prototype.submitter;
for (const member of ["showModal", "close", "open"]) delete HTMLDialogElement.prototype[member];
for (const member of ["wakeLock", "serviceWorker"]) Object.defineProperty(navigator, member, { value: undefined });
Object.defineProperty(crypto, "subtle", { value: undefined });
Object.defineProperty(globalThis, "localStorage", { get() { throw new DOMException("", "SecurityError"); } });
"""


@pytest.fixture(scope="module")
def session(office: Seat, teacher: Seat) -> str:
    """Start a session of a class of two students without photographs."""
    return start_session(teacher, add_class(office, "Old", "teacher", list(add_students(office, NAMES))))


@pytest.fixture
def seat(browsers: Browsers, teacher: Seat) -> Iterator[Seat]:
    seat = open_browser(browsers, teacher)
    seat.page.add_init_script(CAMERAS)
    yield seat
    seat.context.close()


def start_camera(seat: Seat, session: str, limits: str) -> Page:
    """Open the live page in a browser with these limits, start its camera, and wait until a frame is answered."""
    page = seat.page
    page.add_init_script(limits)
    page.goto(f"/sessions/{session}/")
    page.get_by_role("button", name="Start the camera").click()
    expect(page.locator("#pace")).to_contain_text("answered in", timeout=PATIENCE_MS)
    return page


@pytest.mark.parametrize("limits", ENCODER_LIMITS.values(), ids=list(ENCODER_LIMITS))
def test_frames_are_answered_with_each_encoder(seat: Seat, session: str, limits: str) -> None:
    start_camera(seat, session, limits)
    assert seat.complaints == []


def test_older_browser_marks_students_and_checks_room(seat: Seat, session: str) -> None:
    page = start_camera(seat, session, OTHER_LIMITS)
    page.locator('#register [data-act="tick"]').first.click()
    expect(page.locator("#register li").filter(has_text=NAMES[0])).to_contain_text("present")
    remaining, dialog = page.locator("#remaining"), page.locator("#ask")
    remaining.click()
    expect(dialog).to_be_visible()
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(remaining).to_be_focused()
    expect(page.locator('#register [data-act="tick"]')).to_have_count(1)
    remaining.click()
    dialog.locator("#ask-yes").click()
    expect(dialog).to_be_hidden()
    expect(page.locator('[data-count="unmarked"]')).to_have_text("0")
    page.get_by_role("button", name="Check the room").click()
    expect(page.locator("#readiness")).to_contain_text(", ".join(NAMES), timeout=PATIENCE_MS)
    sound = page.get_by_role("button", name="Sound")
    sound.click()
    expect(sound).to_have_attribute("aria-pressed", "false")
    assert seat.complaints == []


def test_marks_are_saved_without_browser_storage(seat: Seat, session: str) -> None:
    refuse_storage = "IDBFactory.prototype.open = () => { throw new DOMException('', 'InvalidStateError'); }"
    page = start_camera(seat, session, refuse_storage)
    row = page.locator("#register li").filter(has_text=NAMES[0])
    row.focus()
    page.keyboard.press("u")
    expect(row.locator('[data-act="tick"]')).to_be_visible()
    page.keyboard.press("a")
    expect(row).to_contain_text("absent")
    # This page's memory is the only store, so the mark must be sent before the page is reloaded.
    expect(row).not_to_contain_text("not sent yet", timeout=PATIENCE_MS)
    page.reload()
    expect(page.locator("#register li").filter(has_text=NAMES[0])).to_contain_text("absent")
    assert seat.complaints == []
