"""Test three screens of one session: a mark made on one appears on the others within a second."""

from __future__ import annotations

import statistics

from playwright.sync_api import expect

from tests.browser.office import add_class, open_browser, open_session
from tests.browser.school import enrol
from tests.browser.screens import PATIENCE_MS, SIZES, Browsers, Seat

SECOND_MS = 1000
STUDENTS = ("Tessa Tarn", "Ugo Umber", "Vito Vale")

# Records when each student's mark appears on the page.
RECORD_MARK_TIMES = """(() => {
  globalThis.shownAt = {};
  new MutationObserver(() => {
    for (const status of document.querySelectorAll("#register > li .status.present")) {
      shownAt[status.closest("li").querySelector("strong").textContent] ??= Date.now();
    }
  }).observe(document, { childList: true, subtree: true });
})()"""


def open_screens(browsers: Browsers, teacher: Seat, session: str) -> list[Seat]:
    """Open the session on a phone, a laptop and a projector, each in a browser context of its own."""
    seats = []
    for width, height in SIZES:
        seat = open_browser(browsers, teacher)
        seat.page.add_init_script(RECORD_MARK_TIMES)
        seat.page.set_viewport_size({"width": width, "height": height})
        seat.page.goto(f"/sessions/{session}/")
        expect(seat.page.locator("#register > li")).to_have_count(len(STUDENTS))
        seats.append(seat)
    return seats


def test_mark_appears_on_all_screens_within_one_second(
    browsers: Browsers, office: Seat, teacher: Seat
) -> None:
    for name in STUDENTS:
        enrol(office, name, ())
    add_class(office, "Together", "teacher", STUDENTS)
    screens = open_screens(browsers, teacher, open_session(teacher, "Together"))
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
