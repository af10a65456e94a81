"""Test from an empty installation to a marked register: enrolment, camera, and two browsers that show the mark."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from playwright.sync_api import expect

from tests.browser.office import NAMES, add_class, add_user, open_browser, open_session
from tests.browser.screens import PASSWORD, Browsers, Seat
from tests.material import film

NOT_IN_FILM = {"Joe Biden", "Kit Harington", "Rose Leslie"}
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
# Time for the camera's start and the first answered frame on a busy machine, before the film's first pass.
STARTING_MS = 30_000


def take_screenshots_of(seat: Seat, pages: dict[str, str]) -> None:
    """Open each page and take screenshots."""
    for name, path in pages.items():
        seat.page.goto(path)
        seat.take_screenshots(name)


def visit_teacher_pages(teacher: Seat, session: str) -> None:
    """Take screenshots of the teacher's other pages in a second tab, while the camera runs in the first."""
    tab = Seat(teacher.context, teacher.context.new_page(), teacher.complaints)
    take_screenshots_of(
        tab,
        TEACHER_PAGES
        | {"group": f"/sessions/{session}/group/", "projector": f"/sessions/{session}/projector/"},
    )
    tab.page.goto("/classes/")
    tab.page.get_by_role("link", name="6A").first.click()
    tab.page.wait_for_url("**/classes/*/")
    tab.take_screenshots("class")
    tab.page.close()


def test_enrolled_student_in_film_is_marked(
    browsers: Browsers, office: Seat, enrolled: Mapping[str, str], teacher: Seat, clip_film: Path
) -> None:
    add_class(office, "6A", "teacher", list(enrolled))
    watcher_password = add_user(office, "watcher", "viewer")

    camera, watcher = open_browser(browsers, teacher, clip_film), browsers.seat()
    camera.page.goto("/")
    camera.take_screenshots("today")
    session = open_session(camera, "6A")
    watcher.log_in("watcher", watcher_password, PASSWORD)
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
    camera.take_screenshots("live")
    watcher.take_screenshots("watch")
    visit_teacher_pages(camera, session)
    take_screenshots_of(office, OFFICE_PAGES)
    # Play the whole film again: students who are not in it must never be marked.
    camera.page.wait_for_timeout(CLIP_MS)
    for seat in (camera, watcher):
        for name in NOT_IN_FILM & enrolled.keys():
            marked = seat.page.get_by_role("listitem").filter(has_text=name).filter(has_text="camera")
            expect(marked).to_have_count(0)
        assert seat.complaints == []
    assert office.complaints == []
