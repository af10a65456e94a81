"""By measure, in every state that there is: axe's rules, narrow and enlarged windows, words from the right."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser import examining
from tests.browser.scenes import VISITS
from tests.browser.scenes.stage import Set, States
from tests.browser.school import build
from tests.browser.screens import LAPTOP, Browsers, Seat

NARROW = (320, 640)
ENLARGED = (LAPTOP[0] // 2, LAPTOP[1] // 2)
"""What a laptop's window holds at 200 %."""

GERMAN = ("/", "/classes/", "/privacy/", "/password/", "/sessions/{session}/", "/sessions/{session}/group/")


FAULTS = """() => {
  const main = document.querySelector("main");
  main.innerHTML = '<img src="/"><p>pale</p><div>wide</div><p>one</p><p>on another</p>';
  const [, pale, wide, , other] = main.children;
  pale.style.color = "#999";
  wide.style.width = "500px";
  other.style.marginTop = "-1.5rem";
}"""
"""A page with one fault of each kind."""


def wrong(page: Page, *, frame: bool) -> list[str]:
    """Everything that is measured, in one state; leaves the page as it was."""
    # Colours that are on their way from light to dark are neither.
    page.emulate_media(reduced_motion="reduce")
    found = examining.axe(page, frame=frame)
    page.emulate_media(color_scheme="dark")
    found += [f"dark: {line}" for line in examining.axe(page, examining.CONTRAST, frame=frame)]
    page.emulate_media(color_scheme="light")
    found += [f"narrow: {line}" for line in examining.sideways(page, *NARROW)]
    examining.turn(page, "rtl")
    found += [f"narrow, from the right: {line}" for line in examining.sideways(page, *NARROW)]
    found += [f"from the right: {line}" for line in examining.sideways(page, *LAPTOP)]
    found += [f"from the right: {line}" for line in examining.overlaps(page)]
    examining.turn(page, "ltr")
    found += [f"enlarged: {line}" for line in examining.sideways(page, *ENLARGED)]
    page.set_viewport_size({"width": LAPTOP[0], "height": LAPTOP[1]})
    page.emulate_media(reduced_motion="no-preference")
    return found


@pytest.fixture(scope="module")
def made(browsers: Browsers, office: Seat) -> Set:
    return Set(build(office, browsers, "terry"), browsers)


def test_german_fits_into_the_narrowest_window(made: Set, browsers: Browsers) -> None:
    login = made.school.teacher.context.storage_state()
    page = browsers.seat(locale="de-DE", storage_state=login, service_workers="block").page
    for path in GERMAN:
        page.goto(path.format(session=made.school.session))
        expect(page.locator("html")).to_have_attribute("lang", "de")
        assert examining.sideways(page, *NARROW) == [], path


def test_motion_stops_for_whoever_wants_none(made: Set) -> None:
    page, row = made.school.teacher.page, "#register li:has([data-act=tick])"
    moving = {}
    for wish in ("no-preference", "reduce"):
        page.emulate_media(reduced_motion=wish)
        page.goto(f"/sessions/{made.school.session}/register/")
        page.locator(row).first.evaluate("(row) => row.classList.add('fresh')")
        moving[wish] = page.evaluate("() => document.getAnimations().length")
        page.locator("#sign").evaluate("(button) => { button.style.backgroundColor = 'red'; }")
        moving[wish] += page.evaluate("() => document.getAnimations().length")
    page.emulate_media(reduced_motion="no-preference")
    assert moving["no-preference"] > 0
    assert moving["reduce"] == 0


def test_the_examination_finds_what_is_wrong(made: Set) -> None:
    """Otherwise its silence would say nothing."""
    page = made.browsers.seat(service_workers="block").page
    page.goto("/login/")
    page.evaluate(FAULTS)
    rules = {line.split(":")[0] for line in examining.axe(page)}
    assert {"image-alt", "color-contrast"} <= rules
    assert examining.sideways(page, *NARROW) != []
    assert examining.overlaps(page) != []


@pytest.mark.parametrize("visit", VISITS, ids=lambda visit: visit.__name__)
def test_nothing_is_wrong_in_any_state(made: Set, visit: Callable[[Set], States]) -> None:
    """The last of this module, in this order: the last visit ends the teacher's login."""
    found = {}
    for place, (name, seat) in enumerate(visit(made)):
        found[name] = wrong(seat.page, frame=place == 0)
    assert found
    assert {name: lines for name, lines in found.items() if lines} == {}
