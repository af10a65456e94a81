"""Devices of a session without a login: joining, the kiosk, a second camera, and the teacher's own handed over."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.browser.doubles import Double
from tests.browser.scenes.stage import NOT_ME, SHOWN, Set, States, camera_mark
from tests.browser.school import ask
from tests.browser.screens import Seat


def paired(made: Set, kind: str) -> tuple[Seat, Double, str]:
    """A device of the session, at the page where it joins with its code."""
    code = ask(made.school.teacher, "POST", f"/sessions/{made.school.session}/pair/", {"kind": kind})["code"]
    seat, double = made.tab(made.browsers.seat(service_workers="block"))
    seat.page.goto(f"/pair/#{code}")
    seat.page.get_by_label("Name of this device").fill("Tablet at the door")
    return seat, double, code


def other_devices(made: Set) -> States:
    seat, double, code = paired(made, "kiosk")
    page = seat.page
    yield "pair-scanned", seat
    page.get_by_role("button", name="Join").click()
    page.wait_for_url("**/kiosk/")
    yield "kiosk", seat
    yield from the_kiosk(made, seat, double)
    page.goto(f"/pair/#{code}")
    page.get_by_role("button", name="Join").click()
    page.locator("#fault").wait_for()
    yield "pair-used", seat
    seat, double, _ = paired(made, "camera")
    seat.page.get_by_role("button", name="Join").click()
    seat.page.wait_for_url("**/camera/")
    double.camera("shown")
    double.faces = made.faces(*SHOWN)
    seat.page.locator("#camera-start").click()
    expect(seat.page.locator("#stage")).to_have_attribute("data-phase", "running")
    yield "second-camera", seat


def the_kiosk(made: Set, seat: Seat, double: Double) -> States:
    page = seat.page
    double.camera("shown")
    page.locator("#camera-start").click()
    expect(page.locator("#stage")).to_have_attribute("data-phase", "running")
    yield "kiosk-waiting", seat
    double.faces = made.faces("uncertain")
    expect(page.locator("#greeting")).to_have_attribute("data-mood", "unsure")
    yield "kiosk-unsure", seat
    double.faces = []
    double.say({"type": "mark", "version": 1, **camera_mark(made)})
    expect(page.locator("#greeting")).to_have_attribute("data-mood", "welcome")
    yield "kiosk-welcome", seat
    double.say({"type": "mark", "version": 2, **camera_mark(made)})
    double.answers("POST", NOT_ME, {"outcome": "taken_back"})
    page.locator("#not-me").click()
    expect(page.locator("#hello-more")).to_contain_text("removed")
    yield "kiosk-wrong-name", seat
    page.locator("#leave").click()
    yield "kiosk-leave", seat


def handed_over(made: Set) -> States:
    """The teacher's own device becomes the kiosk: last of all, because it ends the teacher's login."""
    seat, _ = made.tab(made.school.teacher)
    page = seat.page
    page.goto(f"/sessions/{made.school.session}/")
    page.locator("#share").click()
    page.get_by_label("a kiosk for students").check()
    page.get_by_label("PIN, four to eight digits").fill("2468")
    page.get_by_role("button", name="Switch this device").click()
    page.wait_for_url("**/kiosk/")
    page.get_by_role("button", name="Leave").click()
    yield "kiosk-pin", seat
    page.locator("#pin").fill("1111")
    page.locator("#leave-form").get_by_role("button", name="Leave").click()
    expect(page.locator("#leave-fault")).not_to_be_empty()
    yield "kiosk-pin-wrong", seat
