"""Three screens on one session: what one of them marks stands on the others within a second."""

from __future__ import annotations

import statistics

from playwright.sync_api import expect

from tests.browser.office import add_class, beside, open_session
from tests.browser.school import enrol
from tests.browser.screens import PATIENCE_MS, SIZES, Browsers, Seat

SECOND_MS = 1000
STUDENTS = ("Tessa Tarn", "Ugo Umber", "Vito Vale")

NOTING = """(() => {
  globalThis.shownAt = {};
  new MutationObserver(() => {
    for (const status of document.querySelectorAll("#register > li .status.present")) {
      shownAt[status.closest("li").querySelector("strong").textContent] ??= Date.now();
    }
  }).observe(document, { childList: true, subtree: true });
})()"""
"""Keeps when each student's mark came to stand on the page."""


def seats(browsers: Browsers, teacher: Seat, session: str) -> list[Seat]:
    """The session on a phone, a laptop and a projector, each at a browser of its own login."""
    found = []
    for width, height in SIZES:
        seat = beside(browsers, teacher)
        seat.page.add_init_script(NOTING)
        seat.page.set_viewport_size({"width": width, "height": height})
        seat.page.goto(f"/sessions/{session}/")
        expect(seat.page.locator("#register > li")).to_have_count(len(STUDENTS))
        found.append(seat)
    return found


def test_what_one_screen_marks_stands_on_all_sizes_within_a_second(
    browsers: Browsers, office: Seat, teacher: Seat
) -> None:
    for name in STUDENTS:
        enrol(office, name, ())
    add_class(office, "Together", "teacher", STUDENTS)
    screens = seats(browsers, teacher, open_session(teacher, "Together"))
    delays = []
    for marking, name in zip(screens, STUDENTS, strict=True):
        marking.page.get_by_role("button", name=f"Mark {name} present").click()
        for seat in screens:
            seat.page.wait_for_function("(name) => shownAt[name]", arg=name, timeout=PATIENCE_MS)
        times = [seat.page.evaluate("(name) => shownAt[name]", name) for seat in screens]
        delays += [time - min(times) for time in times if time != min(times)]
    assert statistics.median(delays) <= SECOND_MS, delays
    for seat in screens:
        expect(seat.page.locator("[data-count=present]")).to_have_text(str(len(STUDENTS)))
        expect(seat.page.locator("#missing")).to_contain_text("Every student is marked.")
        assert seat.complaints == []
    rows = [seat.page.locator("#register > li .who").all_inner_texts() for seat in screens]
    assert rows[0] == rows[1] == rows[2]
    for seat in screens:
        seat.context.close()
