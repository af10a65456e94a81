"""Test the focus on the live page, and what a screen reader announces. Marking is in `test_keyboard`."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from tests.browser.doubles import Double
from tests.browser.office import add_class, add_user
from tests.browser.school import ask, enrol
from tests.browser.screens import PASSWORD, Browsers, Seat

TREES = ("Alder", "Birch", "Cedar", "Elm", "Fir", "Hazel", "Larch", "Maple", "Oak", "Pine", "Rowan", "Yew")
NAMES = tuple(f"Pupil {tree}" for tree in TREES)
TAB_ORDER = ["share", "sign", "camera-start", "sound", "find", "remaining", "keys"]
RECORD_ANNOUNCEMENTS = """() => {
  globalThis.told = [];
  const region = document.getElementById("live-polite");
  new MutationObserver(() => told.push(region.textContent)).observe(region, { childList: true, subtree: true });
}"""
FOCUS = "() => document.activeElement.id || document.activeElement.dataset.student || document.activeElement.outerHTML"
FOCUS_IN_DIALOG = (
    "() => document.activeElement === document.body || Boolean(document.activeElement.closest('#ask'))"
)


@pytest.fixture(scope="module")
def seat(browsers: Browsers, office: Seat) -> Seat:
    """Log in as the teacher of one class."""
    for name in NAMES:
        enrol(office, name, ())
    one_time_password = add_user(office, "fern", "teacher")
    add_class(office, "Trees", "fern", NAMES)
    seat = browsers.seat(service_workers="block")
    seat.log_in("fern", one_time_password, PASSWORD)
    return seat


@pytest.fixture
def session(seat: Seat) -> Iterator[str]:
    """Start a session and open its live page; sign it after the test, so that the next test has its own."""
    (school_class,) = ask(seat, "GET", "/classes/")["results"]
    key = ask(seat, "POST", "/sessions/start/", {"school_class": school_class["id"]})["id"]
    seat.page.goto(f"/sessions/{key}/")
    expect(seat.page.locator("#register li")).to_have_count(len(NAMES))
    yield key
    ask(seat, "POST", f"/sessions/{key}/sign/", {"unmarked": None})


@pytest.mark.usefixtures("session")
def test_first_tab_stop_is_skip_link(seat: Seat) -> None:
    page = seat.page
    page.keyboard.press("Tab")
    skip = page.get_by_role("link", name="Skip to content")
    expect(skip).to_be_focused()
    expect(skip).to_be_in_viewport()
    page.keyboard.press("Enter")
    expect(page.locator("#main")).to_be_focused()


@pytest.mark.usefixtures("session")
def test_tab_order_follows_page_and_register_is_one_stop(seat: Seat) -> None:
    page = seat.page
    steps: list[str] = []
    page.locator("#main").focus()
    while (step := page.evaluate(FOCUS)) not in steps:
        steps.append(step)
        page.keyboard.press("Tab")
    assert [step for step in steps if step in TAB_ORDER] == TAB_ORDER
    students = {row.get_attribute("data-student") for row in page.locator("#register li").all()}
    assert len(students & set(steps)) == 1


@pytest.mark.usefixtures("session")
def test_dialog_traps_focus_and_returns_it(seat: Seat) -> None:
    page, dialog = seat.page, seat.page.locator("#ask")
    page.locator("#remaining").focus()
    page.keyboard.press("Enter")
    expect(dialog).to_contain_text(f"{len(NAMES)} students")
    buttons = set()
    for _ in range(6):
        page.keyboard.press("Tab")
        assert page.evaluate(FOCUS_IN_DIALOG), page.evaluate(FOCUS)
        buttons.add(page.evaluate("() => document.activeElement.textContent"))
    assert {"Cancel", "Mark them"} <= buttons
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(page.locator("#remaining")).to_be_focused()
    expect(page.locator("#register .status")).to_have_count(0)


def test_drawer_returns_focus_to_redrawn_row(seat: Seat, session: str) -> None:
    page, row = seat.page, seat.page.locator("#register li").nth(1)
    row.focus()
    page.keyboard.press("Enter")
    expect(page.locator("#drawer")).to_be_visible()
    student = row.get_attribute("data-student")
    ask(seat, "PUT", f"/sessions/{session}/marks/{student}/", {"code": "L"})
    expect(row.locator(".status")).to_contain_text("late")
    page.keyboard.press("Escape")
    expect(page.locator("#drawer")).to_be_hidden()
    expect(row).to_be_focused()


def test_amendment_is_cancelled_without_reason(seat: Seat, session: str) -> None:
    ask(seat, "POST", f"/sessions/{session}/sign/", {"unmarked": "N"})
    page, dialog = seat.page, seat.page.locator("#ask")
    page.goto(f"/sessions/{session}/")
    page.locator('#register [data-act="undo"]').first.click()
    expect(dialog).to_contain_text("Change a register that was signed?")
    dialog.get_by_role("button", name="Cancel").click()
    expect(dialog).to_be_hidden()
    expect(page.locator("#register .status")).to_have_count(len(NAMES))


def test_many_camera_marks_are_one_polite_message(seat: Seat, session: str) -> None:
    tab = Seat(seat.context, seat.context.new_page(), seat.complaints)
    double, page = Double.install(tab), tab.page
    page.goto(f"/sessions/{session}/")
    double.set_camera("shown")
    page.locator("#camera-start").click()
    expect(page.locator("#pace")).to_contain_text("ms")
    page.evaluate(RECORD_ANNOUNCEMENTS)
    state = json.loads(page.locator("#state").text_content() or "")
    for place, student in enumerate(state["students"], 1):
        identity = {"student": {"id": student["id"], "name": student["name"]}, "mark": student["id"]}
        mark = {
            "code": "/",
            "status": "present",
            "source": "camera",
            "by": None,
            "at": "2026-03-02T08:03:00Z",
        }
        rest = {"note": "", "revision": 1, "minutes_late": None}
        double.send({"type": "mark", "version": state["version"] + place, **identity, **mark, **rest})
    page.wait_for_function("(last) => told.join(' ').includes(last)", arg=state["students"][-1]["name"])
    announcements: list[str] = page.evaluate("() => told")
    assert len(announcements) <= 2, announcements
    for name in NAMES:
        assert len(re.findall(f"{name}: present", " ".join(announcements))) == 1, announcements
    region = page.locator("#live-polite")
    expect(region).to_have_attribute("aria-live", "polite")
    expect(region.locator("p")).to_have_count(1)
    page.close()
