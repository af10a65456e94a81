"""Test other devices of a session: the teacher's device as kiosk, and devices that join with a code."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import psycopg2
from playwright.sync_api import Page, expect

from config.embedded_addresses import EmbeddedAddresses
from tests.browser.camera import from_pictures
from tests.browser.office import add_class, add_user, open_browser
from tests.browser.school import ask
from tests.browser.screens import PASSWORD, Browsers, Seat
from tests.browser.session_page import SessionPage, start_session
from tests.launcher.launching import Launched
from tests.material import people

OBAMA = "Barack Obama"
PIN = "2468"
USED_OR_OLD = "has been used or is older than five minutes"


def join_device(seat: Seat, code: str) -> Page:
    """Open the link of a QR code on a device, and join."""
    seat.page.goto("about:blank")
    seat.page.goto(f"/pair/#{code}")
    expect(seat.page).to_have_url(re.compile(r"/pair/$"))
    seat.page.get_by_role("button", name="Join").click()
    return seat.page


def expect_logged_out(seat: Seat, session_page: SessionPage) -> None:
    """Check that the login has ended, and that the device's cookie gives no access to the register or pictures."""
    assert "sessionid" not in {cookie["name"] for cookie in seat.context.cookies()}
    api = f"/api/v1/sessions/{session_page.session}"
    student = session_page.students[OBAMA]
    for path in (f"{api}/register/", f"{api}/reviews/", f"/api/v1/students/{student}/portrait/"):
        assert seat.context.request.get(path).status in (401, 403), path
    response = seat.context.request.get(session_page.path)
    assert "/login/" in response.url


def expect_exit_only_with_pin(page: Page, session_page: SessionPage) -> None:
    page.get_by_role("button", name="Leave").click()
    form = page.locator("#leave-form")
    form.get_by_label("PIN chosen by the teacher").fill("1111")
    form.get_by_role("button", name="Leave").click()
    expect(form).to_contain_text("Wrong PIN")
    form.get_by_label("PIN chosen by the teacher").fill(PIN)
    form.get_by_role("button", name="Leave").click()
    page.wait_for_url("**/login/")
    page.goto(f"{session_page.path}kiosk/")
    expect(page.get_by_role("heading", name="This device is not connected to the session")).to_be_visible()


def test_teacher_device_becomes_kiosk_and_wrong_mark_is_removed(
    browsers: Browsers, office: Seat, enrolled: Mapping[str, str], films: Path
) -> None:
    film = from_pictures(people()["obama"][:2], films / "kiosk.mjpeg", seconds=1)
    one_time_password = add_user(office, "doorkeeper", "teacher")
    school_class = add_class(office, "Kiosk", "doorkeeper", list(enrolled))
    seat = browsers.seat(film)
    seat.log_in("doorkeeper", one_time_password, PASSWORD)
    session_page = SessionPage(office, start_session(office, school_class), enrolled)
    page = seat.page
    page.goto(session_page.path)
    page.get_by_role("button", name="Other screens").click()
    page.get_by_label("a kiosk for students").check()
    page.get_by_label("PIN, four to eight digits").fill(PIN)
    page.get_by_role("button", name="Switch this device").click()
    page.wait_for_url("**/kiosk/")

    expect_logged_out(seat, session_page)
    requested_urls: list[str] = []
    page.on("request", lambda request: requested_urls.append(request.url))
    page.get_by_role("button", name="Start the camera").click()
    greeting = page.locator("#greeting")
    expect(greeting).to_contain_text(f"Hello, {OBAMA}")
    page_text = page.locator("body").inner_text()
    assert [name for name in enrolled if name != OBAMA and name in page_text] == []
    assert not re.search(r"distance|Looks|0\.\d\d", page_text)
    page.get_by_role("button", name="That is not me").click()
    expect(greeting).to_contain_text("The mark was removed")
    assert {name: (mark["code"], mark["source"]) for name, mark in session_page.register().items()} == {
        OBAMA: (None, "review")
    }
    # The camera still sees the face, and does not match it to this student again.
    expect(greeting).to_contain_text("One moment")
    assert session_page.register()[OBAMA]["code"] is None
    assert [url for url in requested_urls if "/portrait/" in url or "/evidence/" in url] == []

    seat.context.set_offline(True)
    expect(greeting).to_contain_text("Offline")
    seat.context.set_offline(False)
    expect(greeting).to_contain_text("One moment")
    assert session_page.register()[OBAMA]["code"] is None

    expect_exit_only_with_pin(page, session_page)
    seat.context.close()


def test_pairing_code_works_once_and_expires(
    browsers: Browsers, office: Seat, teacher: Seat, installation: Launched
) -> None:
    session = start_session(office, add_class(office, "Codes", "teacher", []))
    seat = open_browser(browsers, teacher)
    seat.page.goto(f"/sessions/{session}/")
    seat.page.get_by_role("button", name="Other screens").click()
    seat.page.get_by_label("a projector").check()
    seat.page.get_by_role("button", name="Show a code").click()
    expect(seat.page.get_by_alt_text("QR code to join the session")).to_be_visible()
    code = seat.page.locator("#qr code").inner_text()

    device = browsers.seat()
    page = join_device(device, code)
    page.wait_for_url(f"**/sessions/{session}/projector/")
    expect(page.get_by_role("heading", name="Codes")).to_be_visible()
    page.goto(f"/sessions/{session}/")
    page.wait_for_url("**/login/**")

    other = browsers.seat()
    page = join_device(other, code)
    expect(page.locator("#fault")).to_contain_text(USED_OR_OLD)
    expired_code = ask(office, "POST", f"/sessions/{session}/pair/", {"kind": "camera"})["code"]
    expire_code = "UPDATE attendance_pairingcode SET expires_at = now() WHERE session_id = %s"
    with psycopg2.connect(EmbeddedAddresses.load(installation.output_file.parent).database_url) as database:
        database.cursor().execute(expire_code, [session])
    database.close()
    page = join_device(other, expired_code)
    expect(page.locator("#fault")).to_contain_text(USED_OR_OLD)
    for opened_seat in (seat, device, other):
        opened_seat.context.close()
