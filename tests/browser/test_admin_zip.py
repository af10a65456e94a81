"""Test ZIP files of photographs in the admin: a held-back photograph is sent again with a reason, without the ZIP."""

from __future__ import annotations

import zipfile
from pathlib import Path

from playwright.sync_api import Request, expect

from recognition.engine.images.image import decode, encode_jpeg
from tests.browser.office import add_class, add_student, add_user
from tests.browser.screens import Seat
from tests.material import lfw

REASON = "Reason for keeping it"


def test_held_back_zip_photograph_is_resent_alone_with_reason(office: Seat, tmp_path: Path) -> None:
    first, second = next(pictures for pictures in lfw().values() if len(pictures) >= 2)[:2]
    held_back = (second.read_bytes(), encode_jpeg(decode(second.read_bytes()), 95))
    archive_path = tmp_path / "class.zip"
    with zipfile.ZipFile(archive_path, "w") as archive:
        archive.writestr("notes.bin", bytes(range(256)) * 8000)
        archive.write(first, "Wanda Weald/1.jpg")
        archive.writestr("Xaver Weald/1.jpg", held_back[0], zipfile.ZIP_STORED)
        archive.writestr("Xaver Weald/2.jpg", held_back[1], zipfile.ZIP_DEFLATED)
    add_user(office, "zip_teacher", "teacher")
    for given in ("Wanda", "Xaver"):
        add_student(office, given, "Weald")
    add_class(office, "Zip", "zip_teacher", ["Wanda Weald", "Xaver Weald"])
    page = office.page
    sent: list[Request] = []
    page.goto("/admin/attendance/student/import/photographs/")
    page.get_by_label("Class").select_option(label="Zip")
    page.get_by_label("Photos, or ZIP files").set_input_files(archive_path)
    page.get_by_role("button", name="Check and add").click()
    verdicts = page.locator("[data-verdicts] > li")
    expect(verdicts).to_have_count(3, timeout=60_000)
    expect(page.locator(".rc-accepted")).to_have_count(1)
    page.on("request", lambda request: sent.append(request) if request.method == "POST" else None)
    for number, picture in enumerate(held_back, start=1):
        verdict = verdicts.nth(number)
        expect(verdict).to_contain_text(f"Xaver Weald/{number}.jpg")
        expect(verdict.locator("input[type=file]")).to_have_count(0)
        verdict.get_by_label(REASON).fill("Twins.")
        verdict.get_by_role("button").click()
        expect(verdicts.nth(number)).to_have_class("rc-verdict rc-accepted", timeout=60_000)
        # The request holds the photograph and a few fields, not the ZIP.
        (length,) = (int(request.all_headers()["content-length"]) for request in sent)
        assert len(picture) < length < len(picture) + 2000
        sent.clear()
    assert office.complaints == []
