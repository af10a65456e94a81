"""A group photograph from the session's page: who is found, who is not, a person corrects, and the register has it."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path

import cv2
import pillow_heif
from playwright.sync_api import Page, expect

from tests.browser.lessons import Lesson, begun, row, shows, shows_none
from tests.browser.office import add_class, beside
from tests.browser.school import ask
from tests.browser.screens import Browsers, Seat
from tests.material import everybody, need

OBAMA, BIDEN = "Barack Obama", "Joe Biden"
KIT, ROSE = "Kit Harington", "Rose Leslie"
ALEX, MIRANDA = "Alex Lacamoire", "Lin-Manuel Miranda"


def as_heic(picture: Path) -> bytes:
    """The same picture as phones of one maker keep it."""
    pixels = cv2.cvtColor(cv2.imread(str(picture)), cv2.COLOR_BGR2RGB)
    written = io.BytesIO()
    height, width = pixels.shape[:2]
    pillow_heif.from_bytes("RGB", (width, height), pixels.tobytes()).save(written, quality=90)
    return written.getvalue()


def shows_its_evidence(page: Page, name: str) -> None:
    row(page, name).locator(".who").click()
    evidence = page.locator("#drawer .evidence")
    expect(evidence).to_contain_text("group photo")
    shown = evidence.get_by_alt_text("Face seen by the camera")
    expect(shown).to_be_visible()
    assert shown.evaluate("(image) => image.decode().then(() => image.naturalWidth)") > 0


def accepted_with_corrections(lesson: Lesson) -> None:
    """One who was found is left out and one who was not is added; a third has a mark by hand meanwhile."""
    page = lesson.page
    ask(lesson.seat, "PUT", f"/sessions/{lesson.session}/marks/{lesson.students[ROSE]}/", {"code": "N"})
    page.locator("#found-list > li").filter(has_text=BIDEN).get_by_role("checkbox").uncheck()
    page.locator("#missing-list > li").filter(has_text=ALEX).get_by_role("checkbox").check()
    page.get_by_role("button", name="Mark 4 students present").click()
    expect(page.get_by_role("heading", name="Some students were not marked")).to_be_focused()
    expect(page.locator("#refused-list > li")).to_have_text(
        [f"{ROSE} was seen by the camera, but is marked otherwise by hand"]
    )
    page.get_by_role("link", name="Back to the register").click()
    page.wait_for_url(f"**{lesson.path}")
    for name in (OBAMA, KIT, ALEX):
        shows(page, name, "present")
    shows(page, ROSE, "absent")
    for name in (BIDEN, MIRANDA):
        shows_none(page, name)


def test_a_group_photograph_is_searched_corrected_and_marked_with_its_evidence(
    browsers: Browsers, office: Seat, teacher: Seat, enrolled: Mapping[str, str], tmp_path: Path
) -> None:
    everybody()
    school_class = add_class(office, "Group", "teacher", list(enrolled))
    lesson = Lesson(beside(browsers, teacher), begun(office, school_class), enrolled)
    page = lesson.page
    page.goto(lesson.path)
    page.get_by_role("link", name="Group photo").click()

    words = tmp_path / "words.jpg"
    words.write_text("This is no picture.")
    pictures = page.locator("#pictures")
    pictures.set_input_files([words] * 4)
    expect(page.locator("#fault")).to_have_text("At most three photos at once.")
    pictures.set_input_files(words)
    expect(page.locator("#fault")).to_contain_text("JPEG")
    expect(page.locator("#choose")).to_be_visible()

    heic = tmp_path / "phone.heic"
    heic.write_bytes(as_heic(need("faces", "groups", "kit_with_rose.jpg")))
    pictures.set_input_files([need("faces", "groups", "obama_and_biden.jpg"), heic])
    found, missing = page.locator("#found-list > li"), page.locator("#missing-list > li")
    for name in (OBAMA, BIDEN, KIT, ROSE):
        expect(found.filter(has_text=name)).to_contain_text("distance")
    expect(found).to_have_count(4)
    expect(page.locator("#found-text")).to_contain_text("4 of 6.")
    expect(page.locator("#fault")).to_be_hidden()
    for name in (ALEX, MIRANDA):
        expect(missing.filter(has_text=name)).to_be_visible()
    # Chromium cannot show the HEIC: what was found in it stands in the list all the same.
    expect(page.get_by_role("img", name="Photo 1 with 2 faces")).to_be_visible()
    assert lesson.register() == {}

    accepted_with_corrections(lesson)
    sources = {name: mark["source"] for name, mark in lesson.register().items()}
    assert sources == {OBAMA: "group", KIT: "group", ROSE: "teacher", ALEX: "teacher"}

    shows_its_evidence(page, KIT)
    assert lesson.history(ALEX)[0]["evidence"] is None
    (refused,) = lesson.seat.complaints
    assert "400 (Bad Request)" in refused
    lesson.seat.context.close()
