"""What can go wrong with a camera: each fault in its own words, with what to do, and the way back."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.lessons import begun
from tests.browser.office import add_class, beside
from tests.browser.screens import PATIENCE_MS, Browsers, Seat

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
"""Two cameras that a test can refuse, pull out and put away; `double.see` hides the page as another window would."""


@pytest.fixture(scope="module")
def session(office: Seat, teacher: Seat) -> str:
    """An open session of a class without anybody in it."""
    return begun(teacher, add_class(office, "Cameras", "teacher", []))


@pytest.fixture
def seat(browsers: Browsers, teacher: Seat) -> Iterator[Seat]:
    """The teacher's browser with the two cameras, its storage fresh."""
    made = beside(browsers, teacher)
    made.page.add_init_script(CAMERAS)
    yield made
    made.context.close()


def started(seat: Seat, session: str) -> Page:
    """The live page with its camera on; frames have been answered."""
    seat.page.goto(f"/sessions/{session}/")
    seat.page.get_by_role("button", name="Start the camera").click()
    runs(seat.page)
    return seat.page


def runs(page: Page) -> None:
    expect(page.locator("#stage")).to_have_attribute("data-phase", "running", timeout=PATIENCE_MS)
    expect(page.locator("#pace")).to_contain_text("answered in", timeout=PATIENCE_MS)
    expect(page.locator("#camera-fault")).to_be_hidden()


def fault(page: Page) -> tuple[str, str]:
    """What the page says of its camera: what is wrong, and what to do."""
    box = page.locator("#camera-fault")
    expect(box).to_be_visible(timeout=PATIENCE_MS)
    return box.locator("strong").inner_text(), box.locator("p").inner_text()


def do(page: Page, what: str) -> Any:
    return page.evaluate(what)


def track_of(page: Page) -> Any:
    return do(page, "video.srcObject?.getVideoTracks()[0].getSettings().deviceId")


REFUSALS = {
    "NotAllowedError": ("The camera is not allowed", "allow the camera for this page"),
    "SecurityError": ("The camera is not allowed", "allow the camera for this page"),
    "NotFoundError": ("No camera found", "Plug one in"),
    "NotReadableError": ("The camera is in use by another program", "Close the other program"),
    "AbortError": ("The camera is in use by another program", "Close the other program"),
    "TypeError": ("The camera does not start", "Unplug it"),
}


def test_each_refusal_says_what_is_wrong_and_what_to_do_and_can_be_tried_again(
    seat: Seat, session: str
) -> None:
    page = seat.page
    page.goto(f"/sessions/{session}/")
    again = page.get_by_role("button", name="Start the camera")
    for name, (title, advice) in REFUSALS.items():
        do(page, f"double.refuse = '{name}'")
        asked = do(page, "double.asked")
        again.click()
        page.wait_for_function(f"() => double.asked > {asked} && stage.dataset.phase === 'fault'")
        said = fault(page)
        assert said[0] == title
        assert advice in said[1]
        again = page.get_by_role("button", name="Try again")
    do(page, "double.refuse = ''")
    again.click()
    runs(page)
    assert seat.complaints == []


MISSING = {
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


@pytest.mark.parametrize("kind", MISSING)
def test_a_page_that_can_have_no_camera_says_why(seat: Seat, session: str, kind: str) -> None:
    script, title, advice = MISSING[kind]
    page = seat.page
    page.add_init_script(script)
    page.goto(f"/sessions/{session}/")
    page.get_by_role("button", name="Start the camera").click()
    said = fault(page)
    assert said[0] == title
    assert advice in said[1]
    # Marking by hand goes on as if nothing were.
    expect(page.get_by_role("heading", name="Register")).to_be_visible()
    assert seat.complaints == []


def test_a_camera_that_is_unplugged_is_missed_and_comes_back_by_its_plug(seat: Seat, session: str) -> None:
    page = started(seat, session)
    page.get_by_label("Camera to use").select_option(label="USB camera")
    page.wait_for_function("() => video.srcObject?.getVideoTracks()[0].getSettings().deviceId === 'usb'")
    runs(page)
    do(page, "double.track.dispatchEvent(new Event('ended')); double.plug('usb')")
    assert fault(page)[0] == "The camera was unplugged"
    assert "The register is not affected" in fault(page)[1]
    assert do(page, "video.srcObject") is None
    # What is left is offered, and the one that was missed starts without a tap.
    choice = page.get_by_label("Camera to use")
    expect(choice.locator("option")).to_have_text(["Choose a camera", "Back camera"])
    do(page, "double.plug('usb', 'USB camera')")
    runs(page)
    assert track_of(page) == "usb"


PERMISSION = """navigator.permissions.query = async () => ({ state: double.permission ?? "granted" })"""


def test_a_permission_that_is_withdrawn_is_not_called_unplugged(seat: Seat, session: str) -> None:
    seat.page.add_init_script(PERMISSION)
    page = started(seat, session)
    do(page, "double.permission = 'denied'; double.track.dispatchEvent(new Event('ended'))")
    title, advice = fault(page)
    assert title == "The camera is no longer allowed"
    assert "Allow the camera for this page again" in advice


def test_a_plug_that_is_pulled_is_noticed_where_the_browser_only_says_that_devices_changed(
    seat: Seat, session: str
) -> None:
    page = started(seat, session)
    do(page, "double.track.stop(); double.plug('back')")
    assert fault(page)[0] == "The camera was unplugged"
    page.get_by_label("Camera to use").select_option(label="USB camera")
    runs(page)
    assert track_of(page) == "usb"


def test_another_camera_stands_in_for_the_one_used_last_and_does_not_take_its_place(
    seat: Seat, session: str
) -> None:
    page = started(seat, session)
    page.get_by_label("Camera to use").select_option(label="USB camera")
    page.wait_for_function("() => video.srcObject?.getVideoTracks()[0].getSettings().deviceId === 'usb'")
    seat.page.add_init_script("delete double.cameras.usb")
    page = started(seat, session)
    expect(page.locator("#toasts")).to_contain_text("another one is used")
    assert track_of(page) == "back"
    assert do(page, "localStorage.getItem('rollcall.camera')") == "usb"


def test_a_page_in_the_background_pauses_says_so_and_goes_on(seat: Seat, session: str) -> None:
    page = seat.page
    page.clock.install()
    started(seat, session)
    assert do(page, "double.locks") == 1
    do(page, "double.see(false)")
    expect(page.locator("#pace")).to_have_text("Paused: the page is in the background.")
    page.clock.fast_forward(12_000)
    # A phone takes the camera meanwhile: no fault, it is started again.
    do(page, "double.track.stop(); double.track.dispatchEvent(new Event('ended'))")
    expect(page.locator("#camera-fault")).to_be_hidden()
    do(page, "double.see(true)")
    toast = page.locator("#toasts")
    expect(toast).to_contain_text(re.compile(r"was paused for 1[2-9] seconds. Keep this page in front"))
    runs(page)
    page.wait_for_function("() => double.locks === 2")
    assert do(page, "double.track.readyState") == "live"


def test_without_a_wake_lock_the_page_says_how_to_keep_the_screen_on(seat: Seat, session: str) -> None:
    page = seat.page
    page.add_init_script("Object.defineProperty(navigator, 'wakeLock', { value: undefined })")
    page.clock.install()
    started(seat, session)
    do(page, "double.see(false)")
    page.clock.fast_forward(5_000)
    do(page, "double.see(true)")
    expect(page.locator("#toasts")).to_contain_text("Set the screen of this device to stay on.")
    runs(page)
    assert seat.complaints == []


def test_a_device_that_slept_starts_its_camera_again_and_says_so(seat: Seat, session: str) -> None:
    page = seat.page
    page.clock.install()
    started(seat, session)
    asked = do(page, "double.asked")
    page.clock.fast_forward(60_000)
    expect(page.locator("#toasts")).to_contain_text(
        re.compile(r"This device was asleep: the camera was paused for 6\d seconds")
    )
    page.wait_for_function(f"() => double.asked === {asked + 1}")
    runs(page)


def test_a_camera_that_sends_nothing_any_more_is_a_fault(seat: Seat, session: str) -> None:
    page = seat.page
    page.clock.install()
    started(seat, session)
    do(
        page,
        "Object.defineProperty(double.track, 'muted', { value: true });"
        "double.track.dispatchEvent(new Event('mute'))",
    )
    page.clock.run_for(5_000)
    assert fault(page)[0] == "The camera has stopped"
    assert "Open it, then try again" in fault(page)[1]
