"""From an empty installation to a filled register: the office enrols, the camera sees, two browsers show it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from playwright.sync_api import expect

from tests.browser.office import NAMES, add_class, add_user, beside, open_session
from tests.browser.screens import PASSWORD, Browsers, Seat
from tests.material import film

NEVER = {"Joe Biden", "Kit Harington", "Rose Leslie"}
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


def test_people_are_enrolled_and_the_right_one_is_marked(
    browsers: Browsers, office: Seat, enrolled: Mapping[str, str], teacher: Seat, hamilton: Path
) -> None:
    add_class(office, "6A", "teacher", list(enrolled))
    watcher_once = add_user(office, "watcher", "viewer")

    camera, watcher = beside(browsers, teacher, hamilton), browsers.seat()
    camera.page.goto("/")
    camera.picture("today")
    session = open_session(camera, "6A")
    watcher.log_in("watcher", watcher_once, PASSWORD)
    watcher.page.goto(camera.page.url + "register/")
    expect(watcher.page.get_by_role("heading", name="6A")).to_be_visible()

    camera.page.get_by_role("button", name="Start the camera").click()
    for seat in (camera, watcher):
        present = (
            seat.page.get_by_role("listitem")
            .filter(has_text=NAMES[film().person][1])
            .filter(has_text="present")
        )
        expect(present.last).to_be_visible(timeout=STARTING_MS + CLIP_MS)
    camera.picture("live")
    watcher.picture("watch")
    look_around(camera, session)
    look_at(office, OFFICE_PAGES)
    # One whole pass more: those who are not in the film must never be marked.
    camera.page.wait_for_timeout(CLIP_MS)
    for seat in (camera, watcher):
        for name in NEVER & enrolled.keys():
            marked = seat.page.get_by_role("listitem").filter(has_text=name).filter(has_text="camera")
            expect(marked).to_have_count(0)
        assert seat.complaints == []
    assert office.complaints == []
