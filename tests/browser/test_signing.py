"""Signing and opening again: what the dialogs say, offer and ask, and what is signed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import expect

from tests.browser.lessons import Lesson, begun, row, shows
from tests.browser.office import add_class, beside
from tests.browser.school import ask
from tests.browser.screens import Browsers, Seat

LATE_COMER = "Xenia Xylem"
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
def lesson(
    browsers: Browsers, office: Seat, teacher: Seat, request: pytest.FixtureRequest
) -> Iterator[Lesson]:
    """Two students of one name, on a device that is set to another time zone."""
    numbers = [f"{request.node.name[-20:]}-{number}" for number in TWINS]
    students = {number: add_numbered(office, number) for number in numbers}
    school_class = add_class(office, request.node.name[5:40], "teacher", numbers)
    seat = beside(browsers, teacher, timezone_id=DEVICE_ZONE)
    made = Lesson(seat, begun(office, school_class), students)
    seat.page.goto(made.path + "register/")
    yield made
    seat.context.close()


def join(office: Seat, lesson: Lesson) -> None:
    """Add one more student to the class of the lesson."""
    given, family = LATE_COMER.split()
    key = ask(office, "POST", "/students/", {"given_name": given, "family_name": family})["id"]
    school_class = ask(office, "GET", f"/sessions/{lesson.session}/")["school_class"]["id"]
    today = dt.datetime.now(dt.UTC).date().isoformat()
    ask(
        office,
        "POST",
        "/memberships/",
        {"student": key, "school_class": school_class, "starts_on": today},
    )


def test_signing_asks_again_when_other_students_are_unmarked_by_then(lesson: Lesson, office: Seat) -> None:
    page, dialog = lesson.page, lesson.page.locator("#ask")
    page.locator("#sign").click()
    expect(dialog).to_contain_text("2 students are unmarked.")
    expect(dialog.get_by_label("Mark them as")).to_have_value("N")
    first, second = lesson.students.values()
    ask(office, "PUT", f"/sessions/{lesson.session}/marks/{first}/", {"code": "/"})
    join(office, lesson)
    # Without a reload: the open page is sent the new student.
    expect(page.locator("#register > li")).to_have_count(3)
    dialog.get_by_role("button", name="Sign").click()
    expect(dialog).to_contain_text(f"Now unmarked as well: {LATE_COMER}.")
    expect(dialog).to_contain_text(f"No longer unmarked: {NAME} ({next(iter(lesson.students))}).")
    expect(dialog).to_contain_text("2 students are unmarked.")
    assert ask(office, "GET", f"/sessions/{lesson.session}/")["state"] == "open"
    dialog.get_by_role("button", name="Sign").click()
    expect(page.locator("#session-state")).to_have_text("signed")
    state = ask(office, "GET", f"/sessions/{lesson.session}/register/")
    assert {each["id"]: each["mark"]["code"] for each in state["students"]}[second] == "N"
    assert sorted(each["mark"]["code"] for each in state["students"]) == ["/", "N", "N"]
    (refused,) = lesson.seat.complaints
    assert "409 (Conflict)" in refused


def test_only_codes_that_the_person_may_use_are_offered(
    lesson: Lesson, browsers: Browsers, office: Seat
) -> None:
    page = lesson.page
    codes = ask(office, "GET", f"/sessions/{lesson.session}/register/")["codes"]
    of_the_office = {code["letter"] for code in codes if not code["for_teachers"]}
    assert of_the_office
    page.locator("#register .who").first.click()
    offered = set(page.locator("#drawer .letters b").all_inner_texts())
    assert offered == {code["letter"] for code in codes} - of_the_office
    seat = beside(browsers, office)
    seat.page.goto(lesson.path + "register/")
    seat.page.locator("#register .who").first.click()
    assert of_the_office <= set(seat.page.locator("#drawer .letters b").all_inner_texts())
    seat.context.close()


def test_opening_again_and_each_change_afterwards_ask_for_a_reason(lesson: Lesson, office: Seat) -> None:
    page, dialog = lesson.page, lesson.page.locator("#ask")
    ask(office, "POST", f"/sessions/{lesson.session}/sign/", {"unmarked": "N"})
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


def test_students_of_one_name_are_told_apart_and_times_are_the_schools(lesson: Lesson) -> None:
    page = lesson.page
    labels = [f"{NAME} ({number})" for number in lesson.students]
    assert sorted(page.locator("#register .who strong").all_inner_texts()) == labels
    page.get_by_role("button", name=f"Mark {labels[1]} present").click()
    shows(page, labels[1], "present")
    key = list(lesson.students.values())[-1]
    state = ask(lesson.seat, "GET", f"/sessions/{lesson.session}/register/")
    (at,) = (each["mark"]["at"] for each in state["students"] if each["id"] == key)
    moment = dt.datetime.fromisoformat(at)
    expect(row(page, labels[1]).locator("small")).to_contain_text(f"{moment.astimezone(dt.UTC):%H:%M}")
    assert moment.astimezone(ZoneInfo(DEVICE_ZONE)).utcoffset() != dt.timedelta(0)
    assert page.locator("#register .who bdi").first.get_attribute("translate") == "no"
