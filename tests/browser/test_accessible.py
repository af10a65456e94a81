"""Check every state: axe's rules, narrow and enlarged windows, text from right to left."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser import page_checks
from tests.browser.scenes import VISITS
from tests.browser.scenes.stage import PageSetup, States
from tests.browser.school import create_school
from tests.browser.screens import LAPTOP, Browsers, Seat

NARROW = (320, 640)
# Size of a laptop's window at 200 % zoom.
ENLARGED = (LAPTOP[0] // 2, LAPTOP[1] // 2)

GERMAN = ("/", "/classes/", "/privacy/", "/password/", "/sessions/{session}/", "/sessions/{session}/group/")


# Gives a page one fault of each kind.
FAULTS = """() => {
  const main = document.querySelector("main");
  main.innerHTML = '<img src="/"><p>pale</p><div>wide</div><p>one</p><p>on another</p>';
  const [, pale, wide, , other] = main.children;
  pale.style.color = "#999";
  wide.style.width = "500px";
  other.style.marginTop = "-1.5rem";
}"""


def find_faults(page: Page, *, shared: bool) -> list[str]:
    """Return all faults of a page in one state; leave the page as it was."""
    # Without transitions, colours change between light and dark at once.
    page.emulate_media(reduced_motion="reduce")
    faults = page_checks.axe(page, shared=shared)
    page.emulate_media(color_scheme="dark")
    faults += [f"dark: {line}" for line in page_checks.axe(page, page_checks.CONTRAST, shared=shared)]
    page.emulate_media(color_scheme="light")
    faults += [f"narrow: {line}" for line in page_checks.overflows(page, *NARROW)]
    page_checks.set_direction(page, "rtl")
    faults += [f"narrow, from the right: {line}" for line in page_checks.overflows(page, *NARROW)]
    faults += [f"from the right: {line}" for line in page_checks.overflows(page, *LAPTOP)]
    faults += [f"from the right: {line}" for line in page_checks.overlaps(page)]
    page_checks.set_direction(page, "ltr")
    faults += [f"enlarged: {line}" for line in page_checks.overflows(page, *ENLARGED)]
    page.set_viewport_size({"width": LAPTOP[0], "height": LAPTOP[1]})
    page.emulate_media(reduced_motion="no-preference")
    return faults


@pytest.fixture(scope="module")
def page_setup(browsers: Browsers, office: Seat) -> PageSetup:
    return PageSetup(create_school(office, browsers, "terry"), browsers)


def test_german_pages_fit_narrow_window(page_setup: PageSetup, browsers: Browsers) -> None:
    login = page_setup.school.teacher.context.storage_state()
    page = browsers.seat(locale="de-DE", storage_state=login, service_workers="block").page
    for path in GERMAN:
        page.goto(path.format(session=page_setup.school.session))
        expect(page.locator("html")).to_have_attribute("lang", "de")
        assert page_checks.overflows(page, *NARROW) == [], path


def test_animations_stop_with_reduced_motion(page_setup: PageSetup) -> None:
    page, row = page_setup.school.teacher.page, "#register li:has([data-act=tick])"
    moving = {}
    for preference in ("no-preference", "reduce"):
        page.emulate_media(reduced_motion=preference)
        page.goto(f"/sessions/{page_setup.school.session}/register/")
        page.locator(row).first.evaluate("(row) => row.classList.add('fresh')")
        moving[preference] = page.evaluate("() => document.getAnimations().length")
        page.locator("#sign").evaluate("(button) => { button.style.backgroundColor = 'red'; }")
        moving[preference] += page.evaluate("() => document.getAnimations().length")
    page.emulate_media(reduced_motion="no-preference")
    assert moving["no-preference"] > 0
    assert moving["reduce"] == 0


def test_page_checks_find_faults(page_setup: PageSetup) -> None:
    page = page_setup.browsers.seat(service_workers="block").page
    page.goto("/login/")
    page.evaluate(FAULTS)
    rules = {line.split(":")[0] for line in page_checks.axe(page)}
    assert {"image-alt", "color-contrast"} <= rules
    assert page_checks.overflows(page, *NARROW) != []
    assert page_checks.overlaps(page) != []


@pytest.mark.parametrize("visit", VISITS, ids=lambda visit: visit.__name__)
def test_page_states_have_no_faults(page_setup: PageSetup, visit: Callable[[PageSetup], States]) -> None:
    """Run last in this module: the last visit ends the teacher's login."""
    faults = {}
    for place, (name, seat) in enumerate(visit(page_setup)):
        faults[name] = find_faults(seat.page, shared=place == 0)
    assert faults
    assert {name: lines for name, lines in faults.items() if lines} == {}
