"""From an empty installation to a filled register: the office enrols, the camera sees, two browsers show it."""

from __future__ import annotations

import re
from pathlib import Path

from playwright.sync_api import expect

from tests.browser.office import add_class, add_photographs, add_student, add_user
from tests.browser.screens import PASSWORD, Browsers, Seat
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
CLIP_MS = 275 * 1000 / 30
TEACHER_PAGES = {
    "classes": "/classes/",
    "privacy": "/privacy/",
    "password": "/password/",
    "offline": "/offline/",
}
OFFICE_PAGES = {
    "admin": "/admin/",
    "admin-students": "/admin/attendance/student/",
    "admin-student-new": "/admin/attendance/student/add/",
    "admin-classes": "/admin/attendance/schoolclass/",
    "admin-marks": "/admin/attendance/mark/",
    "admin-audit": "/admin/attendance/auditevent/",
    "api": "/api/docs/",
}
STARTING_MS = 30_000
"""The camera's start and the first frame's answer on a busy machine, before the film's first pass counts."""


def look_at(seat: Seat, pages: dict[str, str]) -> None:
    """Opens each page and keeps its pictures."""
    for name, path in pages.items():
        seat.page.goto(path)
        seat.picture(name)


def look_around(teacher: Seat, session: str) -> None:
    """The teacher's other pages, in a second tab: the camera goes on in the first."""
    tab = Seat(teacher.context, teacher.context.new_page(), teacher.complaints)
    look_at(
        tab,
        TEACHER_PAGES
        | {"group": f"/sessions/{session}/group/", "projector": f"/sessions/{session}/projector/"},
    )
    tab.page.goto("/classes/")
    tab.page.get_by_role("link", name="6A").first.click()
    tab.page.wait_for_url("**/classes/*/")
    tab.picture("class")
    tab.page.close()


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
    browsers: Browsers, office: Seat, hamilton: Path
) -> None:
    enrolled(office)
    teacher_once = add_user(office, "teacher", "teacher")
    watcher_once = add_user(office, "watcher", "viewer")
    names = [" ".join(name) for name in NAMES.values()]
    add_class(office, "6A", "teacher", names)

    teacher, watcher = browsers.seat(hamilton), browsers.seat()
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
    session = teacher.page.url.rstrip("/").rsplit("/", 1)[-1]
    look_around(teacher, session)
    look_at(office, OFFICE_PAGES)
    # One whole pass more: those who are not in the film must never be marked.
    teacher.page.wait_for_timeout(CLIP_MS)
    for seat in (teacher, watcher):
        for name in NEVER:
            marked = seat.page.get_by_role("listitem").filter(has_text=name).filter(has_text="camera")
            expect(marked).to_have_count(0)
        assert seat.complaints == []
    assert office.complaints == []
