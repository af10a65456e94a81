"""Test the register without a mouse: mark, undo, change, note, and mark all who remain."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.browser.office import add_class, open_browser
from tests.browser.school import ask
from tests.browser.screens import Browsers, Seat
from tests.browser.session_page import (
    SessionPage,
    add_students,
    expect_status,
    expect_unmarked,
    row,
    start_session,
)

NAMES = ("Gus Gorse", "Hal Hazel", "Ivy Ilex", "Jan Juniper")
GUS, HAL, IVY, JAN = NAMES
# The label or text of the focused element.
FOCUSED_TEXT = """() => {
  const { ariaLabel, labels, innerText } = document.activeElement;
  return (ariaLabel || labels?.[0]?.innerText || innerText).trim();
}"""


@pytest.fixture
def session_page(browsers: Browsers, office: Seat, teacher: Seat) -> Iterator[SessionPage]:
    students = add_students(office, NAMES)
    school_class = add_class(office, "Keyboard", "teacher", NAMES)
    seat = open_browser(browsers, teacher)
    session_page = SessionPage(seat, start_session(office, school_class), students)
    seat.page.clock.install()
    seat.page.goto(session_page.path + "register/")
    yield session_page
    seat.context.close()


def press(page: Page, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)


def tab_to(page: Page, words: str) -> None:
    """Press Tab until the focused element's text starts with these words."""
    focused: list[str] = []
    for _ in range(40):
        page.keyboard.press("Tab")
        focused.append(page.evaluate(FOCUSED_TEXT))
        if focused[-1].startswith(words):
            return
    assert words in focused


def mark_remaining(session_page: SessionPage, office: Seat) -> None:
    """Mark the three students without a mark, while another user marks one of them."""
    page = session_page.page
    press(page, "/", "ControlOrMeta+a", "Delete")
    tab_to(page, "Mark remaining 3 present")
    press(page, "Enter")
    dialog = page.locator("#ask")
    expect(dialog).to_contain_text("3 students have no mark yet and become “present”")
    ask(office, "PUT", f"/sessions/{session_page.session}/marks/{session_page.students[IVY]}/", {"code": "N"})
    tab_to(page, "Mark them")
    press(page, "Enter")
    expect(page.locator("#toasts")).to_contain_text("The register has changed in the meantime")
    assert set(session_page.register()) == {HAL, IVY}
    tab_to(page, "Mark remaining 2 present")
    press(page, "Enter")
    expect(dialog).to_contain_text("2 students have no mark yet")
    press(page, "Escape")
    expect(dialog).to_be_hidden()
    press(page, "Enter")
    tab_to(page, "Mark them")
    press(page, "Enter")
    expect_status(page, GUS, "present")
    expect_status(page, JAN, "present")
    expect_status(page, IVY, "absent")


def test_register_is_taken_by_keyboard_alone(session_page: SessionPage, office: Seat) -> None:
    page = session_page.page
    undo = page.locator(".toast").get_by_role("button", name="Undo")
    press(page, "/")
    page.keyboard.type("hazel")
    expect(row(page, GUS)).to_be_hidden()
    tab_to(page, f"HH\n{HAL}")
    press(page, "p")
    expect_status(page, HAL, "present")
    press(page, "z")
    expect_unmarked(page, HAL)
    press(page, "p")
    expect_status(page, HAL, "present")
    page.clock.fast_forward(9_000)
    expect(undo).to_be_visible()
    page.clock.fast_forward(2_000)
    expect(undo).to_have_count(0)
    press(page, "z")

    drawer = page.locator("#drawer")
    press(page, "Enter")
    expect(drawer.locator(".history > li")).to_have_count(3)
    tab_to(page, "Note")
    page.keyboard.type("came without a book")
    tab_to(page, "L")
    press(page, "Enter")
    expect_status(page, HAL, "late")
    expect(row(page, HAL)).to_contain_text("came without a book")
    press(page, "Enter")
    expect(drawer.locator(".history > li")).to_have_count(4)
    expect(drawer.locator(".history > li").first).to_contain_text("L · late")
    expect(drawer.locator(".history > li").first).to_contain_text("by hand, teacher")
    press(page, "Escape")
    expect(drawer).to_be_hidden()
    assert [event["to_code"] for event in session_page.history(HAL)] == ["/", None, "/", "L"]
    mark_remaining(session_page, office)
    (complaint,) = session_page.seat.complaints
    assert "409 (Conflict)" in complaint
