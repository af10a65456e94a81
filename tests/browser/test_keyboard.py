"""The register without a mouse: mark, undo, correct, note, and all who remain."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.browser.lessons import Lesson, add_students, begun, row, shows, shows_none
from tests.browser.office import add_class, beside
from tests.browser.school import ask
from tests.browser.screens import Browsers, Seat

NAMES = ("Gus Gorse", "Hal Hazel", "Ivy Ilex", "Jan Juniper")
GUS, HAL, IVY, JAN = NAMES
FOCUSED = """() => {
  const { ariaLabel, labels, innerText } = document.activeElement;
  return (ariaLabel || labels?.[0]?.innerText || innerText).trim();
}"""
"""The words of what has the focus."""


@pytest.fixture
def lesson(browsers: Browsers, office: Seat, teacher: Seat) -> Iterator[Lesson]:
    students = add_students(office, NAMES)
    school_class = add_class(office, "Keyboard", "teacher", NAMES)
    seat = beside(browsers, teacher)
    made = Lesson(seat, begun(office, school_class), students)
    seat.page.clock.install()
    seat.page.goto(made.path + "register/")
    yield made
    seat.context.close()


def press(page: Page, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)


def tab_to(page: Page, words: str) -> None:
    """Goes on with the Tab key until the focus is on what bears these words."""
    passed: list[str] = []
    for _ in range(40):
        page.keyboard.press("Tab")
        passed.append(page.evaluate(FOCUSED))
        if passed[-1].startswith(words):
            return
    assert words in passed


def marks_all_who_remain(lesson: Lesson, office: Seat) -> None:
    """Three have no mark; somebody marks one of them while the page asks."""
    page = lesson.page
    press(page, "/", "ControlOrMeta+a", "Delete")
    tab_to(page, "Mark remaining 3 present")
    press(page, "Enter")
    asked = page.locator("#ask")
    expect(asked).to_contain_text("3 students have no mark yet and become “present”")
    ask(office, "PUT", f"/sessions/{lesson.session}/marks/{lesson.students[IVY]}/", {"code": "N"})
    tab_to(page, "Mark them")
    press(page, "Enter")
    expect(page.locator("#toasts")).to_contain_text("The register has changed in the meantime")
    assert set(lesson.register()) == {HAL, IVY}
    tab_to(page, "Mark remaining 2 present")
    press(page, "Enter")
    expect(asked).to_contain_text("2 students have no mark yet")
    press(page, "Escape")
    expect(asked).to_be_hidden()
    press(page, "Enter")
    tab_to(page, "Mark them")
    press(page, "Enter")
    shows(page, GUS, "present")
    shows(page, JAN, "present")
    shows(page, IVY, "absent")


def test_the_keyboard_marks_undoes_corrects_notes_and_marks_all_who_remain(
    lesson: Lesson, office: Seat
) -> None:
    page = lesson.page
    undo = page.locator(".toast").get_by_role("button", name="Undo")
    press(page, "/")
    page.keyboard.type("hazel")
    expect(row(page, GUS)).to_be_hidden()
    tab_to(page, f"HH\n{HAL}")
    press(page, "p")
    shows(page, HAL, "present")
    press(page, "z")
    shows_none(page, HAL)
    press(page, "p")
    shows(page, HAL, "present")
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
    shows(page, HAL, "late")
    expect(row(page, HAL)).to_contain_text("came without a book")
    press(page, "Enter")
    expect(drawer.locator(".history > li")).to_have_count(4)
    expect(drawer.locator(".history > li").first).to_contain_text("L · late")
    expect(drawer.locator(".history > li").first).to_contain_text("by hand, teacher")
    press(page, "Escape")
    expect(drawer).to_be_hidden()
    assert [event["to_code"] for event in lesson.history(HAL)] == ["/", None, "/", "L"]
    marks_all_who_remain(lesson, office)
    (refused,) = lesson.seat.complaints
    assert "409 (Conflict)" in refused
