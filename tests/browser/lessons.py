"""An open session on the page of its teacher: what the page shows of a student, and what the database has."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from playwright.sync_api import Locator, Page, expect

from tests.browser.school import ask
from tests.browser.screens import Seat


@dataclass(frozen=True, slots=True, eq=False)
class Lesson:
    """`students` are the keys of the class, by whole names."""

    seat: Seat
    session: str
    students: Mapping[str, str]

    @property
    def page(self) -> Page:
        return self.seat.page

    @property
    def path(self) -> str:
        return f"/sessions/{self.session}/"

    def does(self, name: str, act: str) -> None:
        """Presses a button of a student's row: `tick`, `cross` or `undo`."""
        row(self.page, name).locator(f'[data-act="{act}"]').click()

    def register(self) -> dict[str, dict[str, Any]]:
        """The marks as the database has them, those that were taken back too, by the students' names."""
        state = ask(self.seat, "GET", f"/sessions/{self.session}/register/")
        return {each["name"]: each["mark"] for each in state["students"] if each["mark"]}

    def history(self, name: str) -> list[dict[str, Any]]:
        """Each change of a student's mark, the first one first."""
        mark = self.register()[name]["mark"]
        events: list[dict[str, Any]] = ask(self.seat, "GET", f"/marks/{mark}/history/")["results"]
        return events


def add_students(office: Seat, names: Iterable[str]) -> dict[str, str]:
    """Students whom no camera knows; their keys by their names."""
    asked = {name: name.split(" ", 1) for name in names}
    return {
        name: ask(office, "POST", "/students/", {"given_name": given, "family_name": family})["id"]
        for name, (given, family) in asked.items()
    }


def row(page: Page, name: str) -> Locator:
    return page.locator("#register > li").filter(has_text=name)


def shows(page: Page, name: str, status: str, within_ms: float | None = None) -> None:
    """Waits until a student's row bears this status, written and not kept."""
    expect(row(page, name).locator(f".status.{status}")).to_be_visible(timeout=within_ms)
    expect(row(page, name)).not_to_contain_text("not sent yet")


def shows_none(page: Page, name: str) -> None:
    """Waits until a student's row is one without a mark."""
    expect(row(page, name).locator('[data-act="tick"]')).to_be_visible()


def begun(seat: Seat, school_class: str) -> str:
    """A session of now, of the class with that key, started; its key."""
    start = dt.datetime.now(dt.UTC).replace(microsecond=0)
    body = {
        "school_class": school_class,
        "starts_at": start.isoformat(),
        "ends_at": (start + dt.timedelta(hours=1)).isoformat(),
    }
    session: str = ask(seat, "POST", "/sessions/", body)["id"]
    ask(seat, "POST", f"/sessions/{session}/start/")
    return session
