"""From an empty installation to a filled register: the office enrols, the camera sees, two browsers show it."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from tests.browser.office import add_class, add_photographs, add_student, add_user
from tests.browser.screens import Browsers, Seat
from tests.config.launching import Launched
from tests.material import people

NAMES = {
    "alex_lacamoire": ("Alex", "Lacamoire"),
    "biden": ("Joe", "Biden"),
    "kit_harington": ("Kit", "Harington"),
    "lin_manuel_miranda": ("Lin-Manuel", "Miranda"),
    "obama": ("Barack", "Obama"),
    "rose_leslie": ("Rose", "Leslie"),
}
NEVER = ("Joe Biden", "Kit Harington", "Rose Leslie")
PASSWORD = "a quiet morning in school"
CLIP_MS = 275 * 1000 / 30
STARTING_MS = 30_000
"""The camera's start and the first frame's answer on a busy machine, before the film's first pass counts."""


def row(page: Page, name: str) -> str:
    """What the register says of a student."""
    return page.get_by_role("listitem").filter(has_text=name).locator("visible=true").last.inner_text()


def enrolled(office: Seat) -> None:
    """The six people, each photograph with its verdict."""
    for folder, files in people().items():
        student = add_student(office, *NAMES[folder])
        verdicts = add_photographs(office, student, files)
        refused = [
            file.name for file, verdict in zip(files, verdicts, strict=True) if "was accepted" not in verdict
        ]
        assert all(name.startswith("partial") for name in refused), (folder, verdicts)
    office.picture("admin-photographs")


def test_six_people_are_enrolled_and_the_right_one_is_marked(
    installation: Launched, browsers: Browsers, hamilton: object
) -> None:
    once = installation.said().split("one-time password: ")[1].split()[0]
    office = browsers.seat()
    office.log_in("admin", once, PASSWORD)
    enrolled(office)
    teacher_once = add_user(office, "teacher", "teacher")
    watcher_once = add_user(office, "watcher", "viewer")
    names = [" ".join(name) for name in NAMES.values()]
    add_class(office, "6A", "teacher", names)

    teacher, watcher = browsers.seat(hamilton), browsers.seat()  # type: ignore[arg-type]
    teacher.log_in("teacher", teacher_once, PASSWORD)
    teacher.picture("today")
    teacher.page.get_by_role("button", name=re.compile("6A")).click()
    teacher.page.wait_for_url("**/sessions/**")
    watcher.log_in("watcher", watcher_once, PASSWORD)
    watcher.page.goto(teacher.page.url + "register/")
    expect(watcher.page.get_by_role("heading", name="6A")).to_be_visible()

    teacher.page.get_by_role("button", name="Start the camera").click()
    for seat in (teacher, watcher):
        here = seat.page.get_by_role("listitem").filter(has_text="Miranda").filter(has_text="here")
        expect(here.last).to_be_visible(timeout=STARTING_MS + CLIP_MS)
    teacher.picture("live")
    watcher.picture("watch")
    # One whole pass more: those who are not in the film must never be marked.
    teacher.page.wait_for_timeout(CLIP_MS)
    for seat in (teacher, watcher):
        for name in NEVER:
            marked = seat.page.get_by_role("listitem").filter(has_text=name).filter(has_text="camera")
            expect(marked).to_have_count(0)
        assert seat.complaints == []
    assert office.complaints == []
