"""Test review questions on the teacher's page: they are answered with one tap, and removed on signing."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping

from playwright.sync_api import Locator, expect

from tests.browser.doubles import sample_picture
from tests.browser.office import add_class, open_browser
from tests.browser.school import ask
from tests.browser.screens import Browsers, Seat
from tests.browser.session_page import SessionPage, expect_status, expect_unmarked, row, start_session
from tests.conftest import ENVIRONMENT
from tests.launcher.launching import Launched
from tests.material import ROOT, everybody

OBAMA, BIDEN = "Barack Obama", "Joe Biden"
KIT, ROSE = "Kit Harington", "Rose Leslie"
ALEX, MIRANDA = "Alex Lacamoire", "Lin-Manuel Miranda"
PAIRS = ((OBAMA, BIDEN), (KIT, ROSE), (ALEX, MIRANDA), (MIRANDA, ALEX), (BIDEN, KIT))

# Adds a review question for each two students of the session, as its camera does.
OFFER_QUESTIONS = """
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


def offer_questions(installation: Launched, session: str, keys: list[str]) -> None:
    """Add review questions to the server's database, from another process."""
    environment = {name: value for name, value in os.environ.items() if name not in ENVIRONMENT}
    settings = {"VAR_DIR": str(installation.output_file.parent), "DJANGO_SETTINGS_MODULE": "config.settings"}
    subprocess.run(
        [sys.executable, "-c", OFFER_QUESTIONS, session, *keys],
        cwd=ROOT,
        env=environment | settings,
        input=sample_picture(),
        check=True,
    )


def test_review_questions_are_answered_and_removed_on_signing(
    browsers: Browsers, office: Seat, teacher: Seat, enrolled: Mapping[str, str], installation: Launched
) -> None:
    everybody()
    session = start_session(office, add_class(office, "Questions", "teacher", list(enrolled)))
    session_page = SessionPage(open_browser(browsers, teacher), session, enrolled)
    page, request = session_page.page, session_page.seat.context.request
    page.goto(session_page.path)
    expect_unmarked(page, OBAMA)
    offer_questions(installation, session, [enrolled[name] for pair in PAIRS for name in pair])
    cards = page.locator("#reviews-list > .review")
    expect(cards).to_have_count(5)
    expect(page.locator("#reviews-count")).to_have_text("5")

    def card(pair: tuple[str, str]) -> Locator:
        first, second = pair
        both = cards.filter(has_text=first).filter(has_text=second)
        return both.filter(has=page.locator(f".review-faces > :nth-child(2):has-text('{first}')"))

    first_choice, second_choice, neither, ignored, unanswered = (card(pair) for pair in PAIRS)
    expect(first_choice).to_contain_text("distance 0.43")
    face = first_choice.get_by_alt_text("Face to decide on")
    for image in (face, first_choice.locator("img.portrait").first):
        assert image.evaluate("(image) => image.decode().then(() => image.naturalWidth)") > 0
    first_choice.get_by_role("button", name=OBAMA).click()
    expect_status(page, OBAMA, "present")
    second_choice.get_by_role("button", name=ROSE).click()
    expect_status(page, ROSE, "present")
    neither.get_by_role("button", name="Neither").click()
    expect(cards).to_have_count(2)
    ignored.get_by_role("button", name="Ignore").click()
    expect(cards).to_have_count(1)
    for name in (BIDEN, KIT, ALEX, MIRANDA):
        expect_unmarked(page, name)
    sources = {name: mark["source"] for name, mark in session_page.register().items()}
    assert sources == {OBAMA: "review", ROSE: "review"}
    row(page, ROSE).locator(".who").click()
    expect(page.locator("#drawer .evidence")).to_contain_text("door")
    page.keyboard.press("Escape")

    image_url = unanswered.get_by_alt_text("Face to decide on").get_attribute("src")
    assert image_url is not None
    assert request.get(image_url).status == 200
    ask(office, "POST", f"/sessions/{session}/sign/", {"unmarked": None})
    expect(page.locator("#reviews")).to_be_hidden()
    assert request.get(image_url).status == 404
    assert session_page.seat.complaints == []
    session_page.seat.context.close()
