"""Test signing and reopening: what the dialogs say, offer and require, and what is signed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import expect

from tests.browser.office import add_class, open_browser
from tests.browser.school import ask
from tests.browser.screens import Browsers, Seat
from tests.browser.session_page import SessionPage, expect_status, row, start_session

NEW_STUDENT = "Xenia Xylem"
TWINS = ("2041", "2042")
NAME = "Tilia Lime"
# Far from UTC, which is the zone of the test installation.
DEVICE_ZONE = "Pacific/Auckland"


def add_numbered(office: Seat, number: str) -> str:
    given, family = NAME.split()
    body = {"given_name": given, "family_name": family, "external_id": number}
    key: str = ask(office, "POST", "/students/", body)["id"]
    return key


@pytest.fixture
def session_page(
    browsers: Browsers, office: Seat, teacher: Seat, request: pytest.FixtureRequest
) -> Iterator[SessionPage]:
    """Start a session of two students of the same name, on a device that is set to another time zone."""
    numbers = [f"{request.node.name[-20:]}-{number}" for number in TWINS]
    students = {number: add_numbered(office, number) for number in numbers}
    school_class = add_class(office, request.node.name[5:40], "teacher", numbers)
    seat = open_browser(browsers, teacher, timezone_id=DEVICE_ZONE)
    session_page = SessionPage(seat, start_session(office, school_class), students)
    seat.page.goto(session_page.path + "register/")
    yield session_page
    seat.context.close()


def add_member(office: Seat, session_page: SessionPage) -> None:
    """Add one more student to the class of the session."""
    given, family = NEW_STUDENT.split()
    key = ask(office, "POST", "/students/", {"given_name": given, "family_name": family})["id"]
    school_class = ask(office, "GET", f"/sessions/{session_page.session}/")["school_class"]["id"]
    today = dt.datetime.now(dt.UTC).date().isoformat()
    ask(
        office,
        "POST",
        "/memberships/",
        {"student": key, "school_class": school_class, "starts_on": today},
    )


def test_signing_asks_again_after_unmarked_students_change(session_page: SessionPage, office: Seat) -> None:
    page, dialog = session_page.page, session_page.page.locator("#ask")
    page.locator("#sign").click()
    expect(dialog).to_contain_text("2 students are unmarked.")
    expect(dialog.get_by_label("Mark them as")).to_have_value("N")
    first, second = session_page.students.values()
    ask(office, "PUT", f"/sessions/{session_page.session}/marks/{first}/", {"code": "/"})
    add_member(office, session_page)
    # The open page receives the new student without a reload.
    expect(page.locator("#register > li")).to_have_count(3)
    dialog.get_by_role("button", name="Sign").click()
    expect(dialog).to_contain_text(f"Now unmarked as well: {NEW_STUDENT}.")
    expect(dialog).to_contain_text(f"No longer unmarked: {NAME} ({next(iter(session_page.students))}).")
    expect(dialog).to_contain_text("2 students are unmarked.")
    assert ask(office, "GET", f"/sessions/{session_page.session}/")["state"] == "open"
    dialog.get_by_role("button", name="Sign").click()
    expect(page.locator("#session-state")).to_have_text("signed")
    state = ask(office, "GET", f"/sessions/{session_page.session}/register/")
    assert {student["id"]: student["mark"]["code"] for student in state["students"]}[second] == "N"
    assert sorted(student["mark"]["code"] for student in state["students"]) == ["/", "N", "N"]
    (complaint,) = session_page.seat.complaints
    assert "409 (Conflict)" in complaint


def test_offered_codes_are_those_allowed_to_user(
    session_page: SessionPage, browsers: Browsers, office: Seat
) -> None:
    page = session_page.page
    codes = ask(office, "GET", f"/sessions/{session_page.session}/register/")["codes"]
    office_codes = {code["letter"] for code in codes if not code["for_teachers"]}
    assert office_codes
    page.locator("#register .who").first.click()
    offered = set(page.locator("#drawer .letters b").all_inner_texts())
    assert offered == {code["letter"] for code in codes} - office_codes
    seat = open_browser(browsers, office)
    seat.page.goto(session_page.path + "register/")
    seat.page.locator("#register .who").first.click()
    assert office_codes <= set(seat.page.locator("#drawer .letters b").all_inner_texts())
    seat.context.close()


def test_signed_register_is_reopened_and_amended_with_reason(session_page: SessionPage, office: Seat) -> None:
    page, dialog = session_page.page, session_page.page.locator("#ask")
    ask(office, "POST", f"/sessions/{session_page.session}/sign/", {"unmarked": "N"})
    page.get_by_role("button", name="Open again").click()
    expect(dialog).to_contain_text("The signature is kept.")
    dialog.get_by_label("Reason").fill("Signed too early")
    with page.expect_navigation():
        dialog.get_by_role("button", name="Open again").click()
    expect(page.locator("#session-state")).to_have_text("open")
    page.locator('#register [data-act="undo"]').first.click()
    expect(dialog).to_contain_text("Change a register that was signed?")
    dialog.get_by_label("Reason").fill("Was in the library")
    dialog.get_by_role("button", name="Change it").click()
    expect(page.locator('#register [data-act="tick"]')).to_have_count(1)


def test_same_name_students_show_numbers_and_school_time(session_page: SessionPage) -> None:
    page = session_page.page
    labels = [f"{NAME} ({number})" for number in session_page.students]
    assert sorted(page.locator("#register .who strong").all_inner_texts()) == labels
    page.get_by_role("button", name=f"Mark {labels[1]} present").click()
    expect_status(page, labels[1], "present")
    key = list(session_page.students.values())[-1]
    state = ask(session_page.seat, "GET", f"/sessions/{session_page.session}/register/")
    (marked_at,) = (student["mark"]["at"] for student in state["students"] if student["id"] == key)
    moment = dt.datetime.fromisoformat(marked_at)
    expect(row(page, labels[1]).locator("small")).to_contain_text(f"{moment.astimezone(dt.UTC):%H:%M}")
    assert moment.astimezone(ZoneInfo(DEVICE_ZONE)).utcoffset() != dt.timedelta(0)
    assert page.locator("#register .who bdi").first.get_attribute("translate") == "no"
