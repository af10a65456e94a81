"""Pages in browsers that lack what newer ones have: frames are answered and marks are made all the same."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.browser.lessons import add_students, begun
from tests.browser.office import add_class, beside
from tests.browser.screens import PATIENCE_MS, Browsers, Seat
from tests.browser.test_camera_faults import CAMERAS

NAMES = ("Olga Old", "Otto Older")

ENCODING = {
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
"""How a frame becomes a JPEG."""

THE_REST = """
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
"""Everything else that a page uses and some browser in use, or a page without https, does not have."""


@pytest.fixture(scope="module")
def session(office: Seat, teacher: Seat) -> str:
    """An open session of a class of two, whom no camera can know."""
    return begun(teacher, add_class(office, "Old", "teacher", list(add_students(office, NAMES))))


@pytest.fixture
def seat(browsers: Browsers, teacher: Seat) -> Iterator[Seat]:
    made = beside(browsers, teacher)
    made.page.add_init_script(CAMERAS)
    yield made
    made.context.close()


def started(seat: Seat, session: str, lacking: str) -> Page:
    """The live page of a browser that lacks something, with its camera on and a frame answered."""
    page = seat.page
    page.add_init_script(lacking)
    page.goto(f"/sessions/{session}/")
    page.get_by_role("button", name="Start the camera").click()
    expect(page.locator("#pace")).to_contain_text("answered in", timeout=PATIENCE_MS)
    return page


@pytest.mark.parametrize("lacking", ENCODING.values(), ids=list(ENCODING))
def test_frames_are_answered_however_a_picture_becomes_a_jpeg(seat: Seat, session: str, lacking: str) -> None:
    started(seat, session, lacking)
    assert seat.complaints == []


def test_a_browser_that_lacks_everything_else_marks_asks_and_checks(seat: Seat, session: str) -> None:
    page = started(seat, session, THE_REST)
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


def test_marks_outlast_a_store_that_refuses_them(seat: Seat, session: str) -> None:
    refusing = "IDBFactory.prototype.open = () => { throw new DOMException('', 'InvalidStateError'); }"
    page = started(seat, session, refusing)
    row = page.locator("#register li").filter(has_text=NAMES[0])
    row.focus()
    page.keyboard.press("u")
    expect(row.locator('[data-act="tick"]')).to_be_visible()
    page.keyboard.press("a")
    expect(row).to_contain_text("absent")
    # This page's memory is the only store, so the mark must be written before the page goes.
    expect(row).not_to_contain_text("not sent yet", timeout=PATIENCE_MS)
    page.reload()
    expect(page.locator("#register li").filter(has_text=NAMES[0])).to_contain_text("absent")
    assert seat.complaints == []
