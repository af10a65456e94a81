"""Other devices of a session: the kiosk that a teacher's own device becomes, and one that joins by a code."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import psycopg2
from playwright.sync_api import Page, expect

from config.embedded_addresses import EmbeddedAddresses
from tests.browser.camera import from_pictures
from tests.browser.lessons import Lesson, begun
from tests.browser.office import add_class, add_user, beside
from tests.browser.school import ask
from tests.browser.screens import PASSWORD, Browsers, Seat
from tests.launcher.launching import Launched
from tests.material import people

OBAMA = "Barack Obama"
PIN = "2468"
USED_OR_OLD = "has been used or is older than five minutes"


def joins(seat: Seat, code: str) -> Page:
    """Opens the link of a QR code on a device, and joins."""
    seat.page.goto("about:blank")
    seat.page.goto(f"/pair/#{code}")
    expect(seat.page).to_have_url(re.compile(r"/pair/$"))
    seat.page.get_by_role("button", name="Join").click()
    return seat.page


def the_login_is_gone(seat: Seat, lesson: Lesson) -> None:
    """And the device's cookie opens neither register nor pictures."""
    assert "sessionid" not in {cookie["name"] for cookie in seat.context.cookies()}
    api = f"/api/v1/sessions/{lesson.session}"
    student = lesson.students[OBAMA]
    for closed in (f"{api}/register/", f"{api}/reviews/", f"/api/v1/students/{student}/portrait/"):
        assert seat.context.request.get(closed).status in (401, 403), closed
    away = seat.context.request.get(lesson.path)
    assert "/login/" in away.url


def only_the_pin_leaves(page: Page, lesson: Lesson) -> None:
    page.get_by_role("button", name="Leave").click()
    form = page.locator("#leave-form")
    form.get_by_label("PIN chosen by the teacher").fill("1111")
    form.get_by_role("button", name="Leave").click()
    expect(form).to_contain_text("Wrong PIN")
    form.get_by_label("PIN chosen by the teacher").fill(PIN)
    form.get_by_role("button", name="Leave").click()
    page.wait_for_url("**/login/")
    page.goto(f"{lesson.path}kiosk/")
    expect(page.get_by_role("heading", name="This device is not connected to the session")).to_be_visible()


def test_the_teachers_device_becomes_a_kiosk_that_greets_and_takes_a_wrong_name_back(
    browsers: Browsers, office: Seat, enrolled: Mapping[str, str], films: Path
) -> None:
    film = from_pictures(people()["obama"][:2], films / "kiosk.mjpeg", seconds=1)
    once = add_user(office, "doorkeeper", "teacher")
    school_class = add_class(office, "Kiosk", "doorkeeper", list(enrolled))
    seat = browsers.seat(film)
    seat.log_in("doorkeeper", once, PASSWORD)
    lesson = Lesson(office, begun(office, school_class), enrolled)
    page = seat.page
    page.goto(lesson.path)
    page.get_by_role("button", name="Other screens").click()
    page.get_by_label("a kiosk for students").check()
    page.get_by_label("PIN, four to eight digits").fill(PIN)
    page.get_by_role("button", name="Switch this device").click()
    page.wait_for_url("**/kiosk/")

    the_login_is_gone(seat, lesson)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.get_by_role("button", name="Start the camera").click()
    greeting = page.locator("#greeting")
    expect(greeting).to_contain_text(f"Hello, {OBAMA}")
    words = page.locator("body").inner_text()
    assert [name for name in enrolled if name != OBAMA and name in words] == []
    assert not re.search(r"distance|Looks|0\.\d\d", words)
    page.get_by_role("button", name="That is not me").click()
    expect(greeting).to_contain_text("The mark was removed")
    assert {name: (mark["code"], mark["source"]) for name, mark in lesson.register().items()} == {
        OBAMA: (None, "review")
    }
    # The face is looked at on and on, and is not taken for this student again.
    expect(greeting).to_contain_text("One moment")
    assert lesson.register()[OBAMA]["code"] is None
    assert [url for url in asked if "/portrait/" in url or "/evidence/" in url] == []

    seat.context.set_offline(True)
    expect(greeting).to_contain_text("Offline")
    seat.context.set_offline(False)
    expect(greeting).to_contain_text("One moment")
    assert lesson.register()[OBAMA]["code"] is None

    only_the_pin_leaves(page, lesson)
    seat.context.close()


def test_a_device_joins_by_a_code_that_works_once_and_for_five_minutes(
    browsers: Browsers, office: Seat, teacher: Seat, installation: Launched
) -> None:
    session = begun(office, add_class(office, "Codes", "teacher", []))
    seat = beside(browsers, teacher)
    seat.page.goto(f"/sessions/{session}/")
    seat.page.get_by_role("button", name="Other screens").click()
    seat.page.get_by_label("a projector").check()
    seat.page.get_by_role("button", name="Show a code").click()
    expect(seat.page.get_by_alt_text("QR code to join the session")).to_be_visible()
    code = seat.page.locator("#qr code").inner_text()

    device = browsers.seat()
    page = joins(device, code)
    page.wait_for_url(f"**/sessions/{session}/projector/")
    expect(page.get_by_role("heading", name="Codes")).to_be_visible()
    page.goto(f"/sessions/{session}/")
    page.wait_for_url("**/login/**")

    other = browsers.seat()
    page = joins(other, code)
    expect(page.locator("#fault")).to_contain_text(USED_OR_OLD)
    late = ask(office, "POST", f"/sessions/{session}/pair/", {"kind": "camera"})["code"]
    sooner = "UPDATE attendance_pairingcode SET expires_at = now() WHERE session_id = %s"
    with psycopg2.connect(EmbeddedAddresses.load(installation.output_file.parent).database_url) as database:
        database.cursor().execute(sooner, [session])
    database.close()
    page = joins(other, late)
    expect(page.locator("#fault")).to_contain_text(USED_OR_OLD)
    for each in (seat, device, other):
        each.context.close()
