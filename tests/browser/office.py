"""What an administrator does in the admin, click by click, and a teacher on the page of the day."""

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


def key_of(page: Page) -> str:
    """The key of the thing whose page is open."""
    found = KEY.search(page.url)
    assert found is not None, page.url
    return found[1]


def add_student(seat: Seat, given: str, family: str) -> str:
    """A new student, with a consent of today; its key."""
    page = seat.page
    page.goto("/admin/attendance/student/add/")
    page.get_by_label("Given name:").fill(given)
    page.get_by_label("Family name:").fill(family)
    page.get_by_role("button", name="Save and continue editing").click()
    page.wait_for_url(KEY)
    key = key_of(page)
    page.goto(f"/admin/attendance/student/{key}/consent/")
    page.get_by_label("Given by").fill("Guardian")
    page.get_by_role("button", name="Record consent").click()
    page.wait_for_url(KEY)
    return key


def add_photographs(seat: Seat, student: str, files: Sequence[Path]) -> list[str]:
    """Uploads photographs of a student; what was said of each."""
    page = seat.page
    page.goto(f"/admin/attendance/student/{student}/change/")
    page.get_by_label("Add photos").set_input_files(list(files))
    page.get_by_role("button", name="Check and add").click()
    verdicts = page.locator("[data-verdicts] > li")
    expect(verdicts).to_have_count(len(files), timeout=60_000)
    return verdicts.all_inner_texts()


def add_people(seat: Seat) -> dict[str, str]:
    """The people of `faces/people`, each photograph with its verdict; their keys by their whole names."""
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
    """A new user; the one-time password that the page shows."""
    page = seat.page
    page.goto("/admin/attendance/user/add/")
    page.get_by_label("Username:").fill(name)
    page.get_by_label("Role:").select_option(role)
    page.get_by_role("button", name="Save", exact=True).click()
    return page.locator("#rc-secret").inner_text()


def add_class(seat: Seat, name: str, teacher: str, students: Sequence[str]) -> str:
    """A new class with a teacher and, by their names, its students, all since a week ago; its key.

    From today on would not be enough: a little after midnight the lesson of two hours ago was yesterday's.
    """
    week_ago = (dt.datetime.now(dt.UTC).date() - dt.timedelta(days=7)).isoformat()
    page = seat.page
    page.goto("/admin/attendance/schoolclass/add/")
    page.get_by_label("Name:").fill(name)
    page.get_by_role("button", name="Save and continue editing").click()
    page.wait_for_url(KEY)
    key = key_of(page)
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


def beside(browsers: Browsers, seat: Seat, film: Path | None = None, **options: object) -> Seat:
    """The same login at one more browser, without the login page. `film` is what its camera shows."""
    return browsers.seat(film, storage_state=seat.context.storage_state(), **options)


def open_session(seat: Seat, school_class: str) -> str:
    """Starts a session of a class of that name from the page of the day; its key. The page is the camera's then."""
    seat.page.goto("/")
    seat.page.get_by_role("button", name=school_class).click()
    seat.page.wait_for_url("**/sessions/**")
    return seat.page.url.rstrip("/").rsplit("/", 1)[-1]
