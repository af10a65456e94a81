"""Show devices of a session without a login: pairing, the kiosk, a second camera, and the teacher's device as kiosk."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.browser.doubles import Double
from tests.browser.scenes.stage import NOT_ME, SHOWN, PageSetup, States, camera_mark
from tests.browser.school import ask
from tests.browser.screens import Seat


def pair_device(page_setup: PageSetup, kind: str) -> tuple[Seat, Double, str]:
    """Return a device of the session, its doubles and its code, on the page where it joins."""
    code = ask(
        page_setup.school.teacher, "POST", f"/sessions/{page_setup.school.session}/pair/", {"kind": kind}
    )["code"]
    seat, double = page_setup.tab(page_setup.browsers.seat(service_workers="block"))
    seat.page.goto(f"/pair/#{code}")
    seat.page.get_by_label("Name of this device").fill("Tablet at the door")
    return seat, double, code


def other_devices(page_setup: PageSetup) -> States:
    seat, double, code = pair_device(page_setup, "kiosk")
    page = seat.page
    yield "pair-scanned", seat
    page.get_by_role("button", name="Join").click()
    page.wait_for_url("**/kiosk/")
    yield "kiosk", seat
    yield from kiosk_states(page_setup, seat, double)
    page.goto(f"/pair/#{code}")
    page.get_by_role("button", name="Join").click()
    page.locator("#fault").wait_for()
    yield "pair-used", seat
    seat, double, _ = pair_device(page_setup, "camera")
    seat.page.get_by_role("button", name="Join").click()
    seat.page.wait_for_url("**/camera/")
    double.set_camera("shown")
    double.faces = page_setup.faces(*SHOWN)
    seat.page.locator("#camera-start").click()
    expect(seat.page.locator("#stage")).to_have_attribute("data-phase", "running")
    yield "second-camera", seat


def kiosk_states(page_setup: PageSetup, seat: Seat, double: Double) -> States:
    page = seat.page
    double.set_camera("shown")
    page.locator("#camera-start").click()
    expect(page.locator("#stage")).to_have_attribute("data-phase", "running")
    yield "kiosk-waiting", seat
    double.faces = page_setup.faces("uncertain")
    expect(page.locator("#greeting")).to_have_attribute("data-mood", "unsure")
    yield "kiosk-unsure", seat
    double.faces = []
    double.send({"type": "mark", "version": 1, **camera_mark(page_setup)})
    expect(page.locator("#greeting")).to_have_attribute("data-mood", "welcome")
    yield "kiosk-welcome", seat
    double.send({"type": "mark", "version": 2, **camera_mark(page_setup)})
    double.stub_api("POST", NOT_ME, {"outcome": "taken_back"})
    page.locator("#not-me").click()
    expect(page.locator("#hello-more")).to_contain_text("removed")
    yield "kiosk-wrong-name", seat
    page.locator("#leave").click()
    yield "kiosk-leave", seat


def device_handover(page_setup: PageSetup) -> States:
    """Turn the teacher's device into a kiosk. Must be last, because it ends the teacher's login."""
    seat, _ = page_setup.tab(page_setup.school.teacher)
    page = seat.page
    page.goto(f"/sessions/{page_setup.school.session}/")
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
