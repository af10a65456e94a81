"""Do what an administrator does in the admin, by clicks, and what a teacher does on the page of the day."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.browser.screens import Browsers, Seat
from tests.material import people

NAMES = {
    "alex_lacamoire": ("Alex", "Lacamoire"),
    "biden": ("Joe", "Biden"),
    "kit_harington": ("Kit", "Harington"),
    "lin_manuel_miranda": ("Lin-Manuel", "Miranda"),
    "obama": ("Barack", "Obama"),
    "rose_leslie": ("Rose", "Leslie"),
}
KEY = re.compile(r"/([0-9a-f-]{36})/change/")


def object_key(page: Page) -> str:
    """Return the ID of the object whose admin page is open."""
    match = KEY.search(page.url)
    assert match is not None, page.url
    return match[1]


def add_student(seat: Seat, given: str, family: str) -> str:
    """Add a student with a consent of today; return the ID."""
    page = seat.page
    page.goto("/admin/attendance/student/add/")
    page.get_by_label("Given name:").fill(given)
    page.get_by_label("Family name:").fill(family)
    page.get_by_role("button", name="Save and continue editing").click()
    page.wait_for_url(KEY)
    key = object_key(page)
    page.goto(f"/admin/attendance/student/{key}/consent/")
    page.get_by_label("Given by").fill("Guardian")
    page.get_by_role("button", name="Record consent").click()
    page.wait_for_url(KEY)
    return key


def add_photographs(seat: Seat, student: str, files: Sequence[Path]) -> list[str]:
    """Upload photographs of a student; return the message shown for each."""
    page = seat.page
    page.goto(f"/admin/attendance/student/{student}/change/")
    page.get_by_label("Add photos").set_input_files(list(files))
    page.get_by_role("button", name="Check and add").click()
    verdicts = page.locator("[data-verdicts] > li")
    expect(verdicts).to_have_count(len(files), timeout=60_000)
    return verdicts.all_inner_texts()


def add_people(seat: Seat) -> dict[str, str]:
    """Add the people of `faces/people` with their photographs; return their IDs by full name."""
    keys = {}
    for folder, files in people().items():
        student = add_student(seat, *NAMES[folder])
        verdicts = add_photographs(seat, student, files)
        refused = [
            file.name for file, verdict in zip(files, verdicts, strict=True) if "was accepted" not in verdict
        ]
        assert all(name.startswith("partial") for name in refused), (folder, verdicts)
        keys[" ".join(NAMES[folder])] = student
    return keys


def add_user(seat: Seat, name: str, role: str) -> str:
    """Add a user; return the one-time password that the page shows."""
    page = seat.page
    page.goto("/admin/attendance/user/add/")
    page.get_by_label("Username:").fill(name)
    page.get_by_label("Role:").select_option(role)
    page.get_by_role("button", name="Save", exact=True).click()
    return page.locator("#rc-secret").inner_text()


def add_class(seat: Seat, name: str, teacher: str, students: Sequence[str]) -> str:
    """Add a class with a teacher and students (by name) from a week ago on; return its ID.

    A start of today is too late: shortly after midnight, the session of two hours ago is yesterday's.
    """
    week_ago = (dt.datetime.now(dt.UTC).date() - dt.timedelta(days=7)).isoformat()
    page = seat.page
    page.goto("/admin/attendance/schoolclass/add/")
    page.get_by_label("Name:").fill(name)
    page.get_by_role("button", name="Save and continue editing").click()
    page.wait_for_url(KEY)
    key = object_key(page)
    page.get_by_role("button", name="Add another Teaching").click()
    page.locator("[name=teachings-0-user]").select_option(label=teacher)
    page.locator("[name=teachings-0-starts_on]").fill(week_ago)
    page.get_by_role("button", name="Save and continue editing").click()
    expect(page.locator(".messagelist .success")).to_contain_text("changed")
    if students:
        page.goto(f"/admin/attendance/schoolclass/{key}/members/")
        page.get_by_label("Students").fill("\n".join(students))
        page.get_by_label("From").fill(week_ago)
        page.get_by_role("button", name=re.compile("^Add")).click()
        page.wait_for_url(KEY)
    return key


def open_browser(browsers: Browsers, seat: Seat, film: Path | None = None, **options: object) -> Seat:
    """Open another browser with the same login. `film` is what its camera shows."""
    return browsers.seat(film, storage_state=seat.context.storage_state(), **options)


def open_session(seat: Seat, school_class: str) -> str:
    """Start a session of the named class from the page of the day; return its ID. The seat is then on the live page."""
    seat.page.goto("/")
    seat.page.get_by_role("button", name=school_class).click()
    seat.page.wait_for_url("**/sessions/**")
    return seat.page.url.rstrip("/").rsplit("/", 1)[-1]
