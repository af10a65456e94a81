"""Test a group photograph: who is found, who is not, corrections by a person, and the marks."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path

import cv2
import pillow_heif
from playwright.sync_api import Page, expect

from tests.browser.office import add_class, open_browser
from tests.browser.school import ask
from tests.browser.screens import Browsers, Seat
from tests.browser.session_page import SessionPage, expect_status, expect_unmarked, row, start_session
from tests.material import everybody, need

OBAMA, BIDEN = "Barack Obama", "Joe Biden"
KIT, ROSE = "Kit Harington", "Rose Leslie"
ALEX, MIRANDA = "Alex Lacamoire", "Lin-Manuel Miranda"


def encode_heic(picture: Path) -> bytes:
    """Encode a picture as HEIC, as some phones do."""
    pixels = cv2.cvtColor(cv2.imread(str(picture)), cv2.COLOR_BGR2RGB)
    buffer = io.BytesIO()
    height, width = pixels.shape[:2]
    pillow_heif.from_bytes("RGB", (width, height), pixels.tobytes()).save(buffer, quality=90)
    return buffer.getvalue()


def expect_evidence(page: Page, name: str) -> None:
    row(page, name).locator(".who").click()
    evidence = page.locator("#drawer .evidence")
    expect(evidence).to_contain_text("group photo")
    image = evidence.get_by_alt_text("Face seen by the camera")
    expect(image).to_be_visible()
    assert image.evaluate("(image) => image.decode().then(() => image.naturalWidth)") > 0


def accept_with_corrections(session_page: SessionPage) -> None:
    """Remove one student who was found and add one who was not, while a third is marked by hand."""
    page = session_page.page
    ask(
        session_page.seat,
        "PUT",
        f"/sessions/{session_page.session}/marks/{session_page.students[ROSE]}/",
        {"code": "N"},
    )
    page.locator("#found-list > li").filter(has_text=BIDEN).get_by_role("checkbox").uncheck()
    page.locator("#missing-list > li").filter(has_text=ALEX).get_by_role("checkbox").check()
    page.get_by_role("button", name="Mark 4 students present").click()
    expect(page.get_by_role("heading", name="Some students were not marked")).to_be_focused()
    expect(page.locator("#refused-list > li")).to_have_text(
        [f"{ROSE} was seen by the camera, but is marked otherwise by hand"]
    )
    page.get_by_role("link", name="Back to the register").click()
    page.wait_for_url(f"**{session_page.path}")
    for name in (OBAMA, KIT, ALEX):
        expect_status(page, name, "present")
    expect_status(page, ROSE, "absent")
    for name in (BIDEN, MIRANDA):
        expect_unmarked(page, name)


def test_group_photograph_is_corrected_and_marked_with_evidence(
    browsers: Browsers, office: Seat, teacher: Seat, enrolled: Mapping[str, str], tmp_path: Path
) -> None:
    everybody()
    school_class = add_class(office, "Group", "teacher", list(enrolled))
    session_page = SessionPage(open_browser(browsers, teacher), start_session(office, school_class), enrolled)
    page = session_page.page
    page.goto(session_page.path)
    page.get_by_role("link", name="Group photo").click()

    text_file = tmp_path / "words.jpg"
    text_file.write_text("This is no picture.")
    pictures = page.locator("#pictures")
    pictures.set_input_files([text_file] * 4)
    expect(page.locator("#fault")).to_have_text("At most three photos at once.")
    pictures.set_input_files(text_file)
    expect(page.locator("#fault")).to_contain_text("JPEG")
    expect(page.locator("#choose")).to_be_visible()

    heic = tmp_path / "phone.heic"
    heic.write_bytes(encode_heic(need("faces", "groups", "kit_with_rose.jpg")))
    pictures.set_input_files([need("faces", "groups", "obama_and_biden.jpg"), heic])
    found, missing = page.locator("#found-list > li"), page.locator("#missing-list > li")
    for name in (OBAMA, BIDEN, KIT, ROSE):
        expect(found.filter(has_text=name)).to_contain_text("distance")
    expect(found).to_have_count(4)
    expect(page.locator("#found-text")).to_contain_text("4 of 6.")
    expect(page.locator("#fault")).to_be_hidden()
    for name in (ALEX, MIRANDA):
        expect(missing.filter(has_text=name)).to_be_visible()
    # Chromium cannot show HEIC, but the list has the students found in it.
    expect(page.get_by_role("img", name="Photo 1 with 2 faces")).to_be_visible()
    assert session_page.register() == {}

    accept_with_corrections(session_page)
    sources = {name: mark["source"] for name, mark in session_page.register().items()}
    assert sources == {OBAMA: "group", KIT: "group", ROSE: "teacher", ALEX: "teacher"}

    expect_evidence(page, KIT)
    assert session_page.history(ALEX)[0]["evidence"] is None
    (complaint,) = session_page.seat.complaints
    assert "400 (Bad Request)" in complaint
    session_page.seat.context.close()
