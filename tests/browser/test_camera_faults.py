"""Test faults of a camera: what the page says, what to do, and how the camera restarts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.office import add_class, open_browser
from tests.browser.screens import PATIENCE_MS, Browsers, Seat
from tests.browser.session_page import start_session

# Two cameras that a test can refuse and unplug; `double.see` hides and shows the page.
CAMERAS = """(() => {
  const cameras = { back: "Back camera", usb: "USB camera" };
  const double = (globalThis.double = { cameras, refuse: "", asked: 0, locks: 0 });
  const show = (id) => {
    const canvas = Object.assign(document.createElement("canvas"), { width: 320, height: 180 });
    const pen = canvas.getContext("2d");
    setInterval(() => pen.fillRect(Math.random() * 300, 0, 20, 180), 100);
    const stream = canvas.captureStream(10);
    [double.track] = stream.getTracks();
    double.track.getSettings = () => ({ deviceId: id });
    return stream;
  };
  navigator.mediaDevices.getUserMedia = async ({ video }) => {
    double.asked += 1;
    const [wanted, there] = [video.deviceId?.exact, Object.keys(cameras)];
    if (double.refuse) throw new DOMException("", double.refuse);
    if (!there.length) throw new DOMException("", "NotFoundError");
    if (wanted && !there.includes(wanted)) throw new DOMException("", "OverconstrainedError");
    return show(wanted ?? there[0]);
  };
  navigator.mediaDevices.enumerateDevices = async () =>
    Object.entries(cameras).map(([deviceId, label]) => ({ kind: "videoinput", deviceId, label }));
  const request = async () => {
    double.locks += 1;
    const lock = new EventTarget();
    lock.release = async () => lock.dispatchEvent(new Event("release"));
    return (double.lock = lock);
  };
  Object.defineProperty(navigator, "wakeLock", { configurable: true, value: { request } });
  double.see = (visible) => {
    Object.defineProperty(document, "hidden", { configurable: true, value: !visible });
    Object.defineProperty(document, "visibilityState", { configurable: true, value: visible ? "visible" : "hidden" });
    if (!visible) double.lock?.release();
    document.dispatchEvent(new Event("visibilitychange"));
  };
  double.plug = (id, label) => {
    if (label) cameras[id] = label;
    else delete cameras[id];
    navigator.mediaDevices.dispatchEvent(new Event("devicechange"));
  };
})()"""


@pytest.fixture(scope="module")
def session(office: Seat, teacher: Seat) -> str:
    """Start a session of a class without students."""
    return start_session(teacher, add_class(office, "Cameras", "teacher", []))


@pytest.fixture
def seat(browsers: Browsers, teacher: Seat) -> Iterator[Seat]:
    """Open the teacher's browser with the two cameras and empty storage."""
    seat = open_browser(browsers, teacher)
    seat.page.add_init_script(CAMERAS)
    yield seat
    seat.context.close()


def start_camera(seat: Seat, session: str) -> Page:
    """Open the live page and start its camera; wait until frames are answered."""
    seat.page.goto(f"/sessions/{session}/")
    seat.page.get_by_role("button", name="Start the camera").click()
    expect_running(seat.page)
    return seat.page


def expect_running(page: Page) -> None:
    expect(page.locator("#stage")).to_have_attribute("data-phase", "running", timeout=PATIENCE_MS)
    expect(page.locator("#pace")).to_contain_text("answered in", timeout=PATIENCE_MS)
    expect(page.locator("#camera-fault")).to_be_hidden()


def camera_fault(page: Page) -> tuple[str, str]:
    """Return the title and the advice of the page's camera fault."""
    box = page.locator("#camera-fault")
    expect(box).to_be_visible(timeout=PATIENCE_MS)
    return box.locator("strong").inner_text(), box.locator("p").inner_text()


def evaluate(page: Page, script: str) -> Any:
    return page.evaluate(script)


def current_device(page: Page) -> Any:
    return evaluate(page, "video.srcObject?.getVideoTracks()[0].getSettings().deviceId")


CAMERA_ERRORS = {
    "NotAllowedError": ("The camera is not allowed", "allow the camera for this page"),
    "SecurityError": ("The camera is not allowed", "allow the camera for this page"),
    "NotFoundError": ("No camera found", "Plug one in"),
    "NotReadableError": ("The camera is in use by another program", "Close the other program"),
    "AbortError": ("The camera is in use by another program", "Close the other program"),
    "TypeError": ("The camera does not start", "Unplug it"),
}


def test_camera_error_says_what_to_do_and_can_be_retried(seat: Seat, session: str) -> None:
    page = seat.page
    page.goto(f"/sessions/{session}/")
    button = page.get_by_role("button", name="Start the camera")
    for name, (title, advice) in CAMERA_ERRORS.items():
        evaluate(page, f"double.refuse = '{name}'")
        request_count = evaluate(page, "double.asked")
        button.click()
        page.wait_for_function(f"() => double.asked > {request_count} && stage.dataset.phase === 'fault'")
        message = camera_fault(page)
        assert message[0] == title
        assert advice in message[1]
        button = page.get_by_role("button", name="Try again")
    evaluate(page, "double.refuse = ''")
    button.click()
    expect_running(page)
    assert seat.complaints == []


UNAVAILABLE = {
    "insecure": (
        "Object.defineProperty(globalThis, 'isSecureContext', { value: false })",
        "The camera needs a secure (https) page",
        "https address",
    ),
    "unsupported": (
        "Object.defineProperty(navigator, 'mediaDevices', { value: undefined })",
        "This browser has no camera access",
        "mark by hand",
    ),
}


@pytest.mark.parametrize("kind", UNAVAILABLE)
def test_unavailable_camera_is_explained(seat: Seat, session: str, kind: str) -> None:
    script, title, advice = UNAVAILABLE[kind]
    page = seat.page
    page.add_init_script(script)
    page.goto(f"/sessions/{session}/")
    page.get_by_role("button", name="Start the camera").click()
    message = camera_fault(page)
    assert message[0] == title
    assert advice in message[1]
    # Marking by hand still works.
    expect(page.get_by_role("heading", name="Register")).to_be_visible()
    assert seat.complaints == []


def test_unplugged_camera_restarts_when_plugged_in(seat: Seat, session: str) -> None:
    page = start_camera(seat, session)
    page.get_by_label("Camera to use").select_option(label="USB camera")
    page.wait_for_function("() => video.srcObject?.getVideoTracks()[0].getSettings().deviceId === 'usb'")
    expect_running(page)
    evaluate(page, "double.track.dispatchEvent(new Event('ended')); double.plug('usb')")
    assert camera_fault(page)[0] == "The camera was unplugged"
    assert "The register is not affected" in camera_fault(page)[1]
    assert evaluate(page, "video.srcObject") is None
    # The other camera is offered, and the unplugged one restarts without a tap when it returns.
    choice = page.get_by_label("Camera to use")
    expect(choice.locator("option")).to_have_text(["Choose a camera", "Back camera"])
    evaluate(page, "double.plug('usb', 'USB camera')")
    expect_running(page)
    assert current_device(page) == "usb"


PERMISSION = """navigator.permissions.query = async () => ({ state: double.permission ?? "granted" })"""


def test_withdrawn_permission_is_not_reported_as_unplugged(seat: Seat, session: str) -> None:
    seat.page.add_init_script(PERMISSION)
    page = start_camera(seat, session)
    evaluate(page, "double.permission = 'denied'; double.track.dispatchEvent(new Event('ended'))")
    title, advice = camera_fault(page)
    assert title == "The camera is no longer allowed"
    assert "Allow the camera for this page again" in advice


def test_unplugged_camera_is_detected_by_device_change(seat: Seat, session: str) -> None:
    page = start_camera(seat, session)
    evaluate(page, "double.track.stop(); double.plug('back')")
    assert camera_fault(page)[0] == "The camera was unplugged"
    page.get_by_label("Camera to use").select_option(label="USB camera")
    expect_running(page)
    assert current_device(page) == "usb"


def test_missing_preferred_camera_is_replaced_but_stays_preferred(seat: Seat, session: str) -> None:
    page = start_camera(seat, session)
    page.get_by_label("Camera to use").select_option(label="USB camera")
    page.wait_for_function("() => video.srcObject?.getVideoTracks()[0].getSettings().deviceId === 'usb'")
    seat.page.add_init_script("delete double.cameras.usb")
    page = start_camera(seat, session)
    expect(page.locator("#toasts")).to_contain_text("another one is used")
    assert current_device(page) == "back"
    assert evaluate(page, "localStorage.getItem('rollcall.camera')") == "usb"


def test_background_page_pauses_and_resumes(seat: Seat, session: str) -> None:
    page = seat.page
    page.clock.install()
    start_camera(seat, session)
    assert evaluate(page, "double.locks") == 1
    evaluate(page, "double.see(false)")
    expect(page.locator("#pace")).to_have_text("Paused: the page is in the background.")
    page.clock.fast_forward(12_000)
    # A phone may end the camera's stream meanwhile: that is no fault, and the camera restarts.
    evaluate(page, "double.track.stop(); double.track.dispatchEvent(new Event('ended'))")
    expect(page.locator("#camera-fault")).to_be_hidden()
    evaluate(page, "double.see(true)")
    toast = page.locator("#toasts")
    expect(toast).to_contain_text(re.compile(r"was paused for 1[2-9] seconds. Keep this page in front"))
    expect_running(page)
    page.wait_for_function("() => double.locks === 2")
    assert evaluate(page, "double.track.readyState") == "live"


def test_page_without_wake_lock_says_how_to_keep_screen_on(seat: Seat, session: str) -> None:
    page = seat.page
    page.add_init_script("Object.defineProperty(navigator, 'wakeLock', { value: undefined })")
    page.clock.install()
    start_camera(seat, session)
    evaluate(page, "double.see(false)")
    page.clock.fast_forward(5_000)
    evaluate(page, "double.see(true)")
    expect(page.locator("#toasts")).to_contain_text("Set the screen of this device to stay on.")
    expect_running(page)
    assert seat.complaints == []


def test_camera_restarts_after_device_sleep(seat: Seat, session: str) -> None:
    page = seat.page
    page.clock.install()
    start_camera(seat, session)
    request_count = evaluate(page, "double.asked")
    page.clock.fast_forward(60_000)
    expect(page.locator("#toasts")).to_contain_text(
        re.compile(r"This device was asleep: the camera was paused for 6\d seconds")
    )
    page.wait_for_function(f"() => double.asked === {request_count + 1}")
    expect_running(page)


def test_camera_without_frames_is_reported_as_stopped(seat: Seat, session: str) -> None:
    page = seat.page
    page.clock.install()
    start_camera(seat, session)
    evaluate(
        page,
        "Object.defineProperty(double.track, 'muted', { value: true });"
        "double.track.dispatchEvent(new Event('mute'))",
    )
    page.clock.run_for(5_000)
    assert camera_fault(page)[0] == "The camera has stopped"
    assert "Open it, then try again" in camera_fault(page)[1]
