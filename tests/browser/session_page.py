"""Read and use an open session on its teacher's page: what the page shows, and what the database has."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from playwright.sync_api import Locator, Page, expect

from tests.browser.school import ask
from tests.browser.screens import Seat


@dataclass(frozen=True, slots=True, eq=False)
class SessionPage:
    """Hold a session and its open page. `students` are the IDs of the class by full name."""

    seat: Seat
    session: str
    students: Mapping[str, str]

    @property
    def page(self) -> Page:
        return self.seat.page

    @property
    def path(self) -> str:
        return f"/sessions/{self.session}/"

    def press_button(self, name: str, act: str) -> None:
        """Press a button of a student's row: `tick`, `cross` or `undo`."""
        row(self.page, name).locator(f'[data-act="{act}"]').click()

    def register(self) -> dict[str, dict[str, Any]]:
        """Return the marks of the database by student name, removed marks included."""
        state = ask(self.seat, "GET", f"/sessions/{self.session}/register/")
        return {student["name"]: student["mark"] for student in state["students"] if student["mark"]}

    def history(self, name: str) -> list[dict[str, Any]]:
        """Return the changes of a student's mark, oldest first."""
        mark = self.register()[name]["mark"]
        events: list[dict[str, Any]] = ask(self.seat, "GET", f"/marks/{mark}/history/")["results"]
        return events


def add_students(office: Seat, names: Iterable[str]) -> dict[str, str]:
    """Add students without photographs; return their IDs by name."""
    full_names = {name: name.split(" ", 1) for name in names}
    return {
        name: ask(office, "POST", "/students/", {"given_name": given, "family_name": family})["id"]
        for name, (given, family) in full_names.items()
    }


def row(page: Page, name: str) -> Locator:
    return page.locator("#register > li").filter(has_text=name)


def expect_status(page: Page, name: str, status: str, within_ms: float | None = None) -> None:
    """Wait until a student's row shows this status and the mark is sent."""
    expect(row(page, name).locator(f".status.{status}")).to_be_visible(timeout=within_ms)
    expect(row(page, name)).not_to_contain_text("not sent yet")


def expect_unmarked(page: Page, name: str) -> None:
    """Wait until a student's row has no mark."""
    expect(row(page, name).locator('[data-act="tick"]')).to_be_visible()


def start_session(seat: Seat, school_class: str) -> str:
    """Start a session of this class that begins now; return its ID."""
    start = dt.datetime.now(dt.UTC).replace(microsecond=0)
    body = {
        "school_class": school_class,
        "starts_at": start.isoformat(),
        "ends_at": (start + dt.timedelta(hours=1)).isoformat(),
    }
    session: str = ask(seat, "POST", "/sessions/", body)["id"]
    ask(seat, "POST", f"/sessions/{session}/start/")
    return session
