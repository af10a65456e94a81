"""What can go wrong with a session: no network, a server that starts again, a login that ends, two who disagree."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser import camera
from tests.browser.lessons import Lesson, add_students, begun, row, shows, shows_none
from tests.browser.office import add_class, beside
from tests.browser.school import ask
from tests.browser.screens import PASSWORD, Browsers, Seat

NAMES = ("Ada Ashdown", "Ben Birch", "Cleo Cedar", "Dan Dogwood", "Eve Elder", "Finn Fir")
ADA, BEN, CLEO, DAN, EVE, FINN = NAMES
MARKS = re.compile(r"/api/v1/sessions/[^/]+/marks/[^/]+/$")
HOUR_MS = 3_600_000
AT_ONCE_MS = 1_000
BACK_MS = 60_000
"""How long a page may take to find a server that was away, on a machine that does other things as well."""

EVERYTHING_KEPT = """async () => {
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
"""All that the browser has put by: its storages, each row of each database, and whether its keys can be read out."""

CLOCK = """(offset) => {
  const Real = globalThis.RealDate ??= Date;
  globalThis.Date = class extends Real {
    constructor(...given) { super(...(given.length ? given : [Real.now() + offset])); }
    static now() { return Real.now() + offset; }
  };
}"""
"""Moves the page's clock by so many milliseconds."""


@pytest.fixture(scope="module")
def students(office: Seat) -> Mapping[str, str]:
    return add_students(office, NAMES)


@pytest.fixture(scope="module")
def school_class(office: Seat, students: Mapping[str, str]) -> str:
    return add_class(office, "Faults", "teacher", list(students))


@pytest.fixture(scope="module")
def empty_room(films: Path) -> Path:
    return camera.of_nothing(films / "faults.mjpeg")


@pytest.fixture
def lesson(
    browsers: Browsers,
    office: Seat,
    teacher: Seat,
    students: Mapping[str, str],
    school_class: str,
    empty_room: Path,
) -> Iterator[Lesson]:
    """A session in which nobody is marked, on the teacher's page with a camera."""
    seat = beside(browsers, teacher, empty_room)
    made = Lesson(seat, begun(office, school_class), students)
    seat.page.goto(made.path)
    yield made
    seat.context.close()


@pytest.fixture
def colleague(browsers: Browsers, office: Seat, lesson: Lesson) -> Iterator[Page]:
    """The same register at another browser, of somebody else who may mark."""
    seat = beside(browsers, office)
    seat.page.goto(lesson.path + "register/")
    yield seat.page
    seat.context.close()


def sees(page: Page) -> None:
    """Waits until a frame of the camera is answered."""
    expect(page.locator("#pace")).to_contain_text("answered in", timeout=BACK_MS)


def test_without_network_the_page_says_so_goes_on_and_sends_each_kept_mark_once(lesson: Lesson) -> None:
    page, context = lesson.page, lesson.seat.context
    page.get_by_role("button", name="Start the camera").click()
    sees(page)

    def lose_the_answer(route: Route) -> None:
        route.fetch()
        context.set_offline(True)
        route.abort()

    page.route(MARKS, lose_the_answer, times=1)
    lesson.does(CLEO, "tick")
    expect(page.locator("#link")).to_contain_text("Offline")
    lesson.does(ADA, "tick")
    lesson.does(BEN, "tick")
    # Ben was the wrong one: undone, and marked absent.
    lesson.does(BEN, "undo")
    lesson.does(BEN, "cross")
    expect(row(page, ADA)).to_contain_text("not sent yet")
    expect(row(page, BEN).locator(".status.absent")).to_be_visible()
    expect(page.locator("#link")).to_contain_text("3 marks are not sent yet")
    seen = page.evaluate("video.currentTime")
    page.wait_for_function("(seen) => video.currentTime > seen", arg=seen)

    kept = page.evaluate(EVERYTHING_KEPT)
    assert (len(kept["rows"]), kept["readable"]) == (5, [False])
    words = kept["local"] + "".join(kept["rows"])
    clear = [
        *NAMES,
        *(name.split()[0] for name in NAMES),
        *lesson.students.values(),
        "arrived",
        "image",
        "JFIF",
    ]
    assert [word for word in clear if word in words] == []

    context.set_offline(False)
    for name, status in ((CLEO, "present"), (ADA, "present"), (BEN, "absent")):
        shows(page, name, status)
    expect(page.locator("#link")).to_be_hidden()
    sees(page)
    assert {name: mark["revision"] for name, mark in lesson.register().items()} == {CLEO: 1, ADA: 1, BEN: 3}
    assert [event["to_code"] for event in lesson.history(BEN)] == ["/", None, "N"]
    assert len(lesson.history(CLEO)) == len(lesson.history(ADA)) == 1
    assert page.evaluate(EVERYTHING_KEPT)["rows"] == []


def test_a_kept_mark_outlives_its_page_and_one_of_a_doubtful_clock_is_to_be_looked_at(lesson: Lesson) -> None:
    page, context = lesson.page, lesson.seat.context
    context.set_offline(True)
    lesson.does(DAN, "tick")
    page.evaluate(CLOCK, HOUR_MS)
    context.set_offline(False)
    shows_none(page, DAN)
    expect(page.locator("#toasts")).to_contain_text(f"The mark of {DAN} was not saved")
    expect(page.locator("#attempts")).to_contain_text(f"{DAN} was marked by a device whose clock is wrong")
    # While the network is there the server's own clock counts.
    lesson.does(DAN, "tick")
    shows(page, DAN, "present")
    assert lesson.history(DAN)[0]["late_upload"] is False

    page.evaluate(CLOCK, 0)
    context.set_offline(True)
    lesson.does(EVE, "tick")
    expect(row(page, EVE)).to_contain_text("not sent yet")
    page.close()
    context.set_offline(False)
    again = context.new_page()
    again.goto(lesson.path)
    shows(again, EVE, "present")
    assert lesson.register()[EVE]["revision"] == 1


def test_two_who_mark_the_same_student_see_who_did_what(lesson: Lesson, colleague: Page) -> None:
    page = lesson.page
    lesson.does(ADA, "tick")
    shows(page, ADA, "present")
    shows(colleague, ADA, "present", AT_ONCE_MS)
    expect(row(colleague, ADA)).to_contain_text("teacher")
    row(colleague, ADA).locator('[data-act="undo"]').click()
    shows_none(page, ADA)
    lesson.seat.context.set_offline(True)
    lesson.does(BEN, "tick")
    row(colleague, BEN).locator('[data-act="cross"]').click()
    shows(colleague, BEN, "absent")
    lesson.seat.context.set_offline(False)
    shows(page, BEN, "absent")
    expect(row(page, BEN)).to_contain_text("admin")
    said = f"admin has marked {BEN} “absent” in the meantime. Your mark was not saved."
    expect(page.locator("#toasts")).to_contain_text(said)
    expect(page.locator("#attempts")).to_contain_text(said)
    assert [event["to_code"] for event in lesson.history(BEN)] == ["N"]


def test_a_session_that_was_signed_elsewhere_says_so_and_takes_what_was_marked_before(
    lesson: Lesson, colleague: Page, office: Seat
) -> None:
    page = lesson.page
    page.get_by_role("button", name="Start the camera").click()
    lesson.seat.context.set_offline(True)
    lesson.does(ADA, "tick")
    ask(office, "POST", f"/sessions/{lesson.session}/sign/", {"unmarked": None})
    expect(colleague.locator("#session-notice")).to_contain_text("The register is signed")
    lesson.seat.context.set_offline(False)
    expect(page.locator("#session-notice")).to_contain_text("The register is signed")
    for gone in ("#sign", "#remaining", "#stage"):
        for each in (page, colleague):
            expect(each.locator(gone)).to_be_hidden()
    expect(page.locator("#share")).to_be_disabled()
    assert page.evaluate("video.srcObject") is None
    shows(page, ADA, "present")
    assert [event["reason"] for event in lesson.history(ADA)] == ["marked before the register was signed"]
    row(page, BEN).locator('[data-act="tick"]').click()
    page.get_by_label("Reason").fill("Was in the sick room")
    page.get_by_role("button", name="Change it").click()
    shows(page, BEN, "present")
    shows(colleague, BEN, "present")


def test_a_login_that_ended_is_asked_for_and_nothing_is_lost_nor_sent_for_another(
    lesson: Lesson, office: Seat
) -> None:
    page, context = lesson.page, lesson.seat.context
    dialog = page.locator("#login-again")
    context.clear_cookies(name="sessionid")
    lesson.does(ADA, "tick")
    expect(dialog).to_contain_text("Your login has ended")
    dialog.get_by_role("button", name="I have logged in").click()
    expect(dialog).to_contain_text("You are not logged in yet")
    # Somebody else logs in at this browser: nothing is sent in that name.
    theirs = next(each["value"] for each in office.context.cookies() if each["name"] == "sessionid")
    context.add_cookies([{"name": "sessionid", "value": theirs, "domain": "127.0.0.1", "path": "/"}])
    with page.expect_navigation():
        dialog.get_by_role("button", name="I have logged in").click()
    shows_none(page, ADA)
    assert lesson.register() == {}
    context.clear_cookies(name="sessionid")
    lesson.does(BEN, "tick")
    expect(dialog).to_be_visible()
    with context.expect_page() as opened:
        dialog.get_by_role("link", name="Log in").click()
    Seat(context, opened.value).log_in("teacher", PASSWORD)
    opened.value.close()
    with page.expect_navigation():
        dialog.get_by_role("button", name="I have logged in").click()
    shows(page, ADA, "present")
    marks = lesson.register()
    assert {name: mark["by"] for name, mark in marks.items()} == {ADA: "teacher"}


def test_a_server_that_starts_again_loses_and_doubles_nothing(
    lesson: Lesson, restart: Callable[[Callable[[], None]], None]
) -> None:
    page = lesson.page
    page.get_by_role("button", name="Start the camera").click()
    sees(page)
    lesson.does(ADA, "tick")
    shows(page, ADA, "present")

    def meanwhile() -> None:
        expect(page.locator("#link")).to_contain_text("Offline")
        expect(page.locator("#pace")).to_contain_text("Waiting for the connection")
        lesson.does(BEN, "cross")
        expect(row(page, BEN)).to_contain_text("not sent yet")

    restart(meanwhile)
    expect(page.locator("#link")).to_be_hidden(timeout=BACK_MS)
    shows(page, ADA, "present")
    shows(page, BEN, "absent")
    sees(page)
    assert {name: mark["revision"] for name, mark in lesson.register().items()} == {ADA: 1, BEN: 1}
