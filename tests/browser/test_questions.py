"""Faces that the camera may not decide, on the teacher's page: one tap each, and gone when the register is signed."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping

from playwright.sync_api import Locator, expect

from tests.browser.doubles import drawn
from tests.browser.lessons import Lesson, begun, row, shows, shows_none
from tests.browser.office import add_class, beside
from tests.browser.school import ask
from tests.browser.screens import Browsers, Seat
from tests.conftest import ENVIRONMENT
from tests.launcher.launching import Launched
from tests.material import ROOT, everybody

OBAMA, BIDEN = "Barack Obama", "Joe Biden"
KIT, ROSE = "Kit Harington", "Rose Leslie"
ALEX, MIRANDA = "Alex Lacamoire", "Lin-Manuel Miranda"
PAIRS = ((OBAMA, BIDEN), (KIT, ROSE), (ALEX, MIRANDA), (MIRANDA, ALEX), (BIDEN, KIT))

OFFER = """
import sys
from uuid import UUID
import django
import numpy as np
django.setup()
from attendance.live import review_queue
from recognition.engine.types import Decision, Match, State
from recognition.streams.frame_results import UncertainTrack
session, *keys = sys.argv[1:]
crop = sys.stdin.buffer.read()
for track, (first, second) in enumerate(zip(keys[::2], keys[1::2])):
    template = np.eye(128, dtype=np.float32)[track]
    candidates = (Match(first, 0.43), Match(second, 0.45))
    decision = Decision(State.UNCERTAIN, None, 0.43, 0.02, None, 5, candidates)
    question = UncertainTrack(track, decision, template, crop)
    assert review_queue.offer(session_id=UUID(session), question=question, camera="door")
"""
"""Puts a face for each two keys before the session's teacher, as its camera does."""


def offered(installation: Launched, session: str, keys: list[str]) -> None:
    """Asks about faces from beside the server, in whose database the page finds them."""
    outside = {name: value for name, value in os.environ.items() if name not in ENVIRONMENT}
    inside = {"VAR_DIR": str(installation.output_file.parent), "DJANGO_SETTINGS_MODULE": "config.settings"}
    subprocess.run(
        [sys.executable, "-c", OFFER, session, *keys],
        cwd=ROOT,
        env=outside | inside,
        input=drawn(),
        check=True,
    )


def test_a_face_is_this_one_that_one_neither_or_ignored_and_gone_when_the_register_is_signed(
    browsers: Browsers, office: Seat, teacher: Seat, enrolled: Mapping[str, str], installation: Launched
) -> None:
    everybody()
    session = begun(office, add_class(office, "Questions", "teacher", list(enrolled)))
    lesson = Lesson(beside(browsers, teacher), session, enrolled)
    page = lesson.page
    page.goto(lesson.path)
    shows_none(page, OBAMA)
    offered(installation, session, [enrolled[name] for pair in PAIRS for name in pair])
    cards = page.locator("#reviews-list > .review")
    expect(cards).to_have_count(5)
    expect(page.locator("#reviews-count")).to_have_text("5")

    def card(pair: tuple[str, str]) -> Locator:
        first, second = pair
        both = cards.filter(has_text=first).filter(has_text=second)
        return both.filter(has=page.locator(f".review-faces > :nth-child(2):has-text('{first}')"))

    this, that, neither, ignored, left = (card(pair) for pair in PAIRS)
    expect(this).to_contain_text("distance 0.43")
    for shown in (this.get_by_alt_text("Face to decide on"), this.locator("img.portrait").first):
        assert shown.evaluate("(image) => image.decode().then(() => image.naturalWidth)") > 0
    this.get_by_role("button", name=OBAMA).click()
    shows(page, OBAMA, "present")
    that.get_by_role("button", name=ROSE).click()
    shows(page, ROSE, "present")
    neither.get_by_role("button", name="Neither").click()
    expect(cards).to_have_count(2)
    ignored.get_by_role("button", name="Ignore").click()
    expect(cards).to_have_count(1)
    for name in (BIDEN, KIT, ALEX, MIRANDA):
        shows_none(page, name)
    assert {name: mark["source"] for name, mark in lesson.register().items()} == {
        OBAMA: "review",
        ROSE: "review",
    }
    row(page, ROSE).locator(".who").click()
    expect(page.locator("#drawer .evidence")).to_contain_text("door")
    page.keyboard.press("Escape")

    picture = left.get_by_alt_text("Face to decide on").get_attribute("src")
    assert picture is not None
    assert lesson.seat.context.request.get(picture).status == 200
    ask(office, "POST", f"/sessions/{session}/sign/", {"unmarked": None})
    expect(page.locator("#reviews")).to_be_hidden()
    assert lesson.seat.context.request.get(picture).status == 404
    assert lesson.seat.complaints == []
    lesson.seat.context.close()
