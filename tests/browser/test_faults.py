"""Test faults of a session: no network, server restart, ended login, conflicting marks."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser import camera
from tests.browser.office import add_class, open_browser
from tests.browser.school import ask
from tests.browser.screens import PASSWORD, Browsers, Seat
from tests.browser.session_page import (
    SessionPage,
    add_students,
    expect_status,
    expect_unmarked,
    row,
    start_session,
)

NAMES = ("Ada Ashdown", "Ben Birch", "Cleo Cedar", "Dan Dogwood", "Eve Elder", "Finn Fir")
ADA, BEN, CLEO, DAN, EVE, FINN = NAMES
MARKS = re.compile(r"/api/v1/sessions/[^/]+/marks/[^/]+/$")
HOUR_MS = 3_600_000
AT_ONCE_MS = 1_000
# How long a page may take to find a restarted server, on a busy machine.
BACK_MS = 60_000

# All that the browser has stored: storages, rows of each database, and whether keys are extractable.
STORED_DATA = """async () => {
  const latin = (bytes) => String.fromCharCode(...new Uint8Array(bytes.buffer ?? bytes));
  const text = (_, value) => (value instanceof ArrayBuffer || ArrayBuffer.isView(value) ? latin(value) : value);
  const kept = { local: JSON.stringify({ ...localStorage, ...sessionStorage }), rows: [], readable: [] };
  const done = (request) => new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
  for (const { name } of await indexedDB.databases()) {
    const base = await done(indexedDB.open(name));
    for (const shelf of base.objectStoreNames) {
      for (const row of await done(base.transaction(shelf).objectStore(shelf).getAll())) {
        if (row instanceof CryptoKey) kept.readable.push(row.extractable);
        else kept.rows.push(JSON.stringify(row, text));
      }
    }
    base.close();
  }
  return kept;
}"""

# Moves the page's clock by an offset in milliseconds.
SHIFT_CLOCK = """(offset) => {
  const Real = globalThis.RealDate ??= Date;
  globalThis.Date = class extends Real {
    constructor(...given) { super(...(given.length ? given : [Real.now() + offset])); }
    static now() { return Real.now() + offset; }
  };
}"""


@pytest.fixture(scope="module")
def students(office: Seat) -> Mapping[str, str]:
    return add_students(office, NAMES)


@pytest.fixture(scope="module")
def school_class(office: Seat, students: Mapping[str, str]) -> str:
    return add_class(office, "Faults", "teacher", list(students))


@pytest.fixture(scope="module")
def empty_room(films: Path) -> Path:
    return camera.from_empty_room(films / "faults.mjpeg")


@pytest.fixture
def session_page(
    browsers: Browsers,
    office: Seat,
    teacher: Seat,
    students: Mapping[str, str],
    school_class: str,
    empty_room: Path,
) -> Iterator[SessionPage]:
    """Start a session without marks, on its teacher's page with a camera."""
    seat = open_browser(browsers, teacher, empty_room)
    session_page = SessionPage(seat, start_session(office, school_class), students)
    seat.page.goto(session_page.path)
    yield session_page
    seat.context.close()


@pytest.fixture
def colleague(browsers: Browsers, office: Seat, session_page: SessionPage) -> Iterator[Page]:
    """Open the same register in the browser of another user who may mark."""
    seat = open_browser(browsers, office)
    seat.page.goto(session_page.path + "register/")
    yield seat.page
    seat.context.close()


def expect_answered_frame(page: Page) -> None:
    """Wait until a frame of the camera is answered."""
    expect(page.locator("#pace")).to_contain_text("answered in", timeout=BACK_MS)


def test_offline_marks_are_encrypted_and_sent_once(session_page: SessionPage) -> None:
    page, context = session_page.page, session_page.seat.context
    page.get_by_role("button", name="Start the camera").click()
    expect_answered_frame(page)

    def drop_answer(route: Route) -> None:
        route.fetch()
        context.set_offline(True)
        route.abort()

    page.route(MARKS, drop_answer, times=1)
    session_page.press_button(CLEO, "tick")
    expect(page.locator("#link")).to_contain_text("Offline")
    session_page.press_button(ADA, "tick")
    session_page.press_button(BEN, "tick")
    # Undo Ben's mark and mark him absent.
    session_page.press_button(BEN, "undo")
    session_page.press_button(BEN, "cross")
    expect(row(page, ADA)).to_contain_text("not sent yet")
    expect(row(page, BEN).locator(".status.absent")).to_be_visible()
    expect(page.locator("#link")).to_contain_text("3 marks are not sent yet")
    video_time = page.evaluate("video.currentTime")
    page.wait_for_function("(seen) => video.currentTime > seen", arg=video_time)

    stored = page.evaluate(STORED_DATA)
    assert (len(stored["rows"]), stored["readable"]) == (5, [False])
    stored_text = stored["local"] + "".join(stored["rows"])
    first_names = [name.split()[0] for name in NAMES]
    plaintext = [*NAMES, *first_names, *session_page.students.values(), "arrived", "image", "JFIF"]
    assert [word for word in plaintext if word in stored_text] == []

    context.set_offline(False)
    for name, status in ((CLEO, "present"), (ADA, "present"), (BEN, "absent")):
        expect_status(page, name, status)
    expect(page.locator("#link")).to_be_hidden()
    expect_answered_frame(page)
    revisions = {name: mark["revision"] for name, mark in session_page.register().items()}
    assert revisions == {CLEO: 1, ADA: 1, BEN: 3}
    assert [event["to_code"] for event in session_page.history(BEN)] == ["/", None, "N"]
    assert len(session_page.history(CLEO)) == len(session_page.history(ADA)) == 1
    assert page.evaluate(STORED_DATA)["rows"] == []


def test_unsent_mark_survives_page_close_and_wrong_clock_is_reported(session_page: SessionPage) -> None:
    page, context = session_page.page, session_page.seat.context
    context.set_offline(True)
    session_page.press_button(DAN, "tick")
    page.evaluate(SHIFT_CLOCK, HOUR_MS)
    context.set_offline(False)
    expect_unmarked(page, DAN)
    expect(page.locator("#toasts")).to_contain_text(f"The mark of {DAN} was not saved")
    expect(page.locator("#attempts")).to_contain_text(f"{DAN} was marked by a device whose clock is wrong")
    # Online marks use the server's clock.
    session_page.press_button(DAN, "tick")
    expect_status(page, DAN, "present")
    assert session_page.history(DAN)[0]["late_upload"] is False

    page.evaluate(SHIFT_CLOCK, 0)
    context.set_offline(True)
    session_page.press_button(EVE, "tick")
    expect(row(page, EVE)).to_contain_text("not sent yet")
    page.close()
    context.set_offline(False)
    reopened = context.new_page()
    reopened.goto(session_page.path)
    expect_status(reopened, EVE, "present")
    assert session_page.register()[EVE]["revision"] == 1


def test_conflicting_marks_show_who_marked(session_page: SessionPage, colleague: Page) -> None:
    page = session_page.page
    session_page.press_button(ADA, "tick")
    expect_status(page, ADA, "present")
    expect_status(colleague, ADA, "present", AT_ONCE_MS)
    expect(row(colleague, ADA)).to_contain_text("teacher")
    row(colleague, ADA).locator('[data-act="undo"]').click()
    expect_unmarked(page, ADA)
    session_page.seat.context.set_offline(True)
    session_page.press_button(BEN, "tick")
    row(colleague, BEN).locator('[data-act="cross"]').click()
    expect_status(colleague, BEN, "absent")
    session_page.seat.context.set_offline(False)
    expect_status(page, BEN, "absent")
    expect(row(page, BEN)).to_contain_text("admin")
    message = f"admin has marked {BEN} “absent” in the meantime. Your mark was not saved."
    expect(page.locator("#toasts")).to_contain_text(message)
    expect(page.locator("#attempts")).to_contain_text(message)
    assert [event["to_code"] for event in session_page.history(BEN)] == ["N"]


def test_register_signed_elsewhere_accepts_earlier_marks(
    session_page: SessionPage, colleague: Page, office: Seat
) -> None:
    page = session_page.page
    page.get_by_role("button", name="Start the camera").click()
    session_page.seat.context.set_offline(True)
    session_page.press_button(ADA, "tick")
    ask(office, "POST", f"/sessions/{session_page.session}/sign/", {"unmarked": None})
    expect(colleague.locator("#session-notice")).to_contain_text("The register is signed")
    session_page.seat.context.set_offline(False)
    expect(page.locator("#session-notice")).to_contain_text("The register is signed")
    for selector in ("#sign", "#remaining", "#stage"):
        for viewer in (page, colleague):
            expect(viewer.locator(selector)).to_be_hidden()
    expect(page.locator("#share")).to_be_disabled()
    assert page.evaluate("video.srcObject") is None
    expect_status(page, ADA, "present")
    assert [event["reason"] for event in session_page.history(ADA)] == [
        "marked before the register was signed"
    ]
    row(page, BEN).locator('[data-act="tick"]').click()
    page.get_by_label("Reason").fill("Was in the sick room")
    page.get_by_role("button", name="Change it").click()
    expect_status(page, BEN, "present")
    expect_status(colleague, BEN, "present")


def test_ended_login_keeps_marks_and_sends_none_for_other_user(
    session_page: SessionPage, office: Seat
) -> None:
    page, context = session_page.page, session_page.seat.context
    dialog = page.locator("#login-again")
    context.clear_cookies(name="sessionid")
    session_page.press_button(ADA, "tick")
    expect(dialog).to_contain_text("Your login has ended")
    dialog.get_by_role("button", name="I have logged in").click()
    expect(dialog).to_contain_text("You are not logged in yet")
    # Another user logs in at this browser: no marks are sent in that user's name.
    other_session_id = next(
        cookie["value"] for cookie in office.context.cookies() if cookie["name"] == "sessionid"
    )
    context.add_cookies(
        [{"name": "sessionid", "value": other_session_id, "domain": "127.0.0.1", "path": "/"}]
    )
    with page.expect_navigation():
        dialog.get_by_role("button", name="I have logged in").click()
    expect_unmarked(page, ADA)
    assert session_page.register() == {}
    context.clear_cookies(name="sessionid")
    session_page.press_button(BEN, "tick")
    expect(dialog).to_be_visible()
    with context.expect_page() as opened:
        dialog.get_by_role("link", name="Log in").click()
    Seat(context, opened.value).log_in("teacher", PASSWORD)
    opened.value.close()
    with page.expect_navigation():
        dialog.get_by_role("button", name="I have logged in").click()
    expect_status(page, ADA, "present")
    marks = session_page.register()
    assert {name: mark["by"] for name, mark in marks.items()} == {ADA: "teacher"}


def test_server_restart_loses_and_duplicates_no_marks(
    session_page: SessionPage, restart: Callable[[Callable[[], None]], None]
) -> None:
    page = session_page.page
    page.get_by_role("button", name="Start the camera").click()
    expect_answered_frame(page)
    session_page.press_button(ADA, "tick")
    expect_status(page, ADA, "present")

    def mark_while_stopped() -> None:
        expect(page.locator("#link")).to_contain_text("Offline")
        expect(page.locator("#pace")).to_contain_text("Waiting for the connection")
        session_page.press_button(BEN, "cross")
        expect(row(page, BEN)).to_contain_text("not sent yet")

    restart(mark_while_stopped)
    expect(page.locator("#link")).to_be_hidden(timeout=BACK_MS)
    expect_status(page, ADA, "present")
    expect_status(page, BEN, "absent")
    expect_answered_frame(page)
    assert {name: mark["revision"] for name, mark in session_page.register().items()} == {ADA: 1, BEN: 1}
