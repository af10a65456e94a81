"""Test the room check: from the server's measurements of faces to the words on the page."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from playwright.sync_api import Page, Route, expect

from tests.browser.doubles import Double
from tests.browser.office import add_class, open_browser
from tests.browser.school import ask
from tests.browser.screens import PATIENCE_MS, Browsers, Seat
from tests.browser.session_page import add_students, start_session
from tests.material import people

Pixels = NDArray[np.uint8]
WIDE, HIGH = 960, 540
IDENTIFY = re.compile(r"/api/v1/identify/$")


@dataclass(frozen=True, slots=True, eq=False)
class Room:
    """Hold a session and the IDs of its students by name."""

    session: str
    students: dict[str, str]


@pytest.fixture(scope="module")
def room(office: Seat, teacher: Seat) -> Room:
    """Start a session of two students: Ada has no consent, Bob no photograph."""
    keys = add_students(office, ("Ada Able", "Bob Best"))
    consent = {"given_by": "Guardian", "given_on": "2026-01-01"}
    ask(office, "POST", f"/students/{keys['Bob Best']}/consents/", consent)
    return Room(start_session(teacher, add_class(office, "Ready", "teacher", list(keys))), keys)


@pytest.fixture
def seat(browsers: Browsers, teacher: Seat) -> Iterator[Seat]:
    seat = open_browser(browsers, teacher, service_workers="block")
    yield seat
    seat.context.close()


def jpeg(pixels: Pixels) -> bytes:
    return bytes(cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, 95])[1].tobytes())


def person_picture(height: int = HIGH) -> Pixels:
    """Return one person of the shared photographs, `height` pixels tall, in a grey room."""
    picture = cv2.imread(str(people()["obama"][0]))
    scale = height / picture.shape[0]
    picture = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)[:, :WIDE]
    room = np.full((HIGH, WIDE, 3), 120, np.uint8)
    room[: picture.shape[0], : picture.shape[1]] = picture
    return room


def empty_room() -> Pixels:
    noise = np.random.default_rng(2).integers(-25, 25, (HIGH, WIDE, 3)) + 120
    return noise.clip(0, 255).astype(np.uint8)


def check_room(seat: Seat, room: Room, picture: Pixels) -> Page:
    """Check the room with this picture in front of the camera; return the page."""
    double = Double.install(seat, jpeg(picture))
    page = seat.page
    page.goto(f"/sessions/{room.session}/")
    double.set_camera("shown")
    page.get_by_role("button", name="Start the camera").click()
    expect(page.locator("#pace")).to_contain_text("answered in", timeout=PATIENCE_MS)
    page.get_by_role("button", name="Check the room").click()
    expect(page.locator("#readiness")).to_be_visible(timeout=PATIENCE_MS)
    return page


def result_lines(page: Page) -> list[str]:
    return page.locator("#readiness li strong").all_inner_texts()


def test_ready_room_lists_students_to_mark_by_hand(seat: Seat, room: Room) -> None:
    page = check_room(seat, room, person_picture())
    light, sharp, distance, consent, photograph = result_lines(page)
    assert (light, sharp) == ("The light is good.", "The image is sharp.")
    assert re.fullmatch(r"Faces are large enough \(\d+ px between the eyes\)\.", distance)
    assert consent == "No valid consent: Ada Able."
    assert photograph == "No photo: Bob Best."
    advice = page.locator("#readiness li p")
    expect(advice.nth(0)).to_contain_text("The office records a consent")
    expect(advice.nth(1)).to_contain_text("until the office has added photos")
    expect(page.get_by_role("heading", name="Room check")).to_be_focused()
    assert [text for text in seat.complaints if "registration blocked by Playwright" not in text] == []


FAULTS: dict[str, tuple[Callable[[], Pixels], str, str]] = {
    "dark": (
        lambda: (person_picture() * 0.06).astype(np.uint8),
        "It is too dark.",
        "Switch the light on",
    ),
    "bright": (
        lambda: np.full((HIGH, WIDE, 3), 250, np.uint8),
        "It is too bright.",
        "Close a blind",
    ),
    "blurred": (
        lambda: np.asarray(cv2.GaussianBlur(person_picture(), (0, 0), 9), np.uint8),
        "The image is not sharp.",
        "Clean the lens",
    ),
    "far": (
        lambda: person_picture(180),
        "px between the eyes, 20 needed.",
        "Move the camera closer",
    ),
    "empty": (
        empty_room,
        "No face in view yet.",
        "Ask somebody to sit in the back row",
    ),
}


@pytest.mark.parametrize("kind", FAULTS)
def test_room_fault_says_what_to_do(seat: Seat, room: Room, kind: str) -> None:
    picture, words, advice = FAULTS[kind]
    page = check_room(seat, room, picture())
    line = page.locator("#readiness li").filter(has_text=words)
    expect(line).to_have_count(1)
    expect(line).to_contain_text(advice)


def test_distance_is_server_measure_of_farthest_face(seat: Seat, room: Room) -> None:
    eye_distances: list[float] = []

    def record_distances(route: Route) -> None:
        answer = route.fetch()
        eye_distances.extend(face["eye_distance"] for face in answer.json()["faces"])
        route.fulfill(response=answer)

    seat.page.route(IDENTIFY, record_distances)
    page = check_room(seat, room, person_picture())
    assert len(eye_distances) == 1
    assert f"{round(eye_distances[0])} px between the eyes" in result_lines(page)[2]


def test_image_with_distant_face_is_sharp(seat: Seat, room: Room) -> None:
    page = check_room(seat, room, person_picture(180))
    assert result_lines(page)[1] == "The image is sharp."


def test_image_is_measured_without_server(seat: Seat, room: Room) -> None:
    seat.page.route(IDENTIFY, lambda route: route.abort())
    page = check_room(seat, room, person_picture())
    assert result_lines(page)[:3] == [
        "The light is good.",
        "The image is sharp.",
        "No face in view yet.",
    ]
