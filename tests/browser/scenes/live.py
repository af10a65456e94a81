"""Show the live session: camera, review questions, register, and problems with the server."""

from __future__ import annotations

import json

from playwright.sync_api import expect

from tests.browser.scenes.stage import (
    HISTORY,
    MARKS,
    REGISTER,
    REVIEWS,
    SEEN_AT,
    SHOWN,
    PageSetup,
    States,
    camera_mark,
    conflict,
    history,
    review,
)
from tests.browser.school import ask
from tests.browser.screens import PATIENCE_MS, Seat


def camera_states(page_setup: PageSetup) -> States:
    seat, double = page_setup.tab(page_setup.school.teacher)
    page, path = seat.page, f"/sessions/{page_setup.school.session}/"
    page.goto(path)
    page.locator("#camera-start:enabled").wait_for()
    yield "camera-idle", seat
    page.locator("#camera-start").click()
    expect(page.get_by_text("Allow camera access when the browser asks.")).to_be_visible()
    yield "camera-asking", seat
    page.goto(path)
    double.set_camera("denied")
    page.locator("#camera-start").click()
    page.locator("#camera-fault").wait_for()
    yield "camera-denied", seat
    for answer in ("none", "busy"):
        double.set_camera(answer)
        words = page.locator("#camera-fault strong").inner_text()
        page.locator("#camera-again").click()
        expect(page.locator("#camera-fault strong")).not_to_have_text(words)
        yield f"camera-{answer}", seat
    double.faces = page_setup.faces(*SHOWN)
    double.set_camera("shown")
    page.locator("#camera-again").click()
    expect(page.locator("#pace")).to_contain_text("ms")
    yield "boxes", seat
    page.get_by_role("button", name="Check the room").click()
    page.locator("#readiness").wait_for()
    yield "readiness", seat
    page.close()


def review_questions(page_setup: PageSetup) -> States:
    """Show the review queue, and the evidence of a camera mark."""
    seat, double = page_setup.tab(page_setup.school.teacher)
    page = seat.page
    double.stub_api(
        "GET", REVIEWS, {"count": 1, "next": None, "previous": None, "results": [review(page_setup)]}
    )
    double.stub_api("GET", HISTORY, {"count": 2, "next": None, "previous": None, "results": history()})
    page.goto(f"/sessions/{page_setup.school.session}/")
    page.locator("#reviews").wait_for()
    yield "reviews", seat
    double.set_camera("shown")
    page.locator("#camera-start").click()
    expect(page.locator("#pace")).to_contain_text("ms")
    double.send({"type": "mark", "version": version_of(seat) + 1, **camera_mark(page_setup)})
    row = page.locator(f'#register li[data-student="{page_setup.school.students[0]}"]')
    expect(row.locator(".status")).to_be_visible()
    yield "camera-marked", seat
    row.locator(".who").click()
    page.locator("#drawer .evidence").wait_for()
    yield "evidence", seat
    page.close()


def version_of(seat: Seat) -> int:
    """Return the version of the register that the page was given."""
    return int(json.loads(seat.page.locator("#state").text_content() or "")["version"])


def register_states(page_setup: PageSetup) -> States:
    """Show dialogs, undo, a conflict and an ended login."""
    seat, double = page_setup.tab(page_setup.school.teacher)
    page = seat.page
    page.goto(f"/sessions/{page_setup.school.session}/")
    for name, opener in {"remaining": "#remaining", "sign": "#sign", "keys": "#keys"}.items():
        page.locator(opener).click()
        page.locator("dialog[open]").wait_for()
        yield name, seat
        page.keyboard.press("Escape")
    page.locator("#share").click()
    page.get_by_role("button", name="Show a code").click()
    page.locator("#qr").wait_for()
    yield "pair-code", seat
    page.keyboard.press("Escape")
    tick = page.locator('#register [data-act="tick"]').first
    tick.click()
    page.locator(".toast").get_by_role("button", name="Undo").wait_for()
    yield "undo", seat
    page.locator(".toast").get_by_role("button", name="Undo").click()
    expect(page.locator("#toasts .toast")).to_have_count(0)
    double.stub_api("PUT", MARKS, conflict(), 409)
    tick.click()
    page.locator(".toast").wait_for()
    yield "conflict", seat
    double.stub_api("PUT", MARKS, {"code": "not_logged_in", "message": "", "extra": {}}, 401)
    tick.click()
    page.locator("#login-again").wait_for()
    yield "login-ended", seat
    page.unroute(MARKS)
    with page.expect_response(MARKS):
        page.locator("#login-done").click()
    page.close()


def register_contents(page_setup: PageSetup) -> States:
    """Show an empty class, a complete register, attempts to review, and sessions that are not open."""
    school = page_setup.school
    state = ask(school.teacher, "GET", f"/sessions/{school.session}/register/")
    mark = {key: value for key, value in camera_mark(page_setup).items() if key != "student"}
    marked_students = [{**student, "mark": student["mark"] or mark} for student in state["students"]]
    reasons = ("contradicts", "doubtful_clock", "not_a_member", "no_consent")
    attempts = [
        {
            "student": page_setup.student(place),
            "source": "camera",
            "reason": reason,
            "count": place + 1,
            "last_at": SEEN_AT,
        }
        for place, reason in enumerate(reasons)
    ]
    for name, changes in {
        "nobody": {"students": []},
        "complete": {"students": marked_students},
        "attempts": {"attempts": attempts},
    }.items():
        seat, double = page_setup.tab(school.teacher)
        double.stub_api("GET", REGISTER, state | changes | {"version": state["version"] + 1_000})
        # The page may fetch the register before the gap in the versions makes it do so: then there is no gap.
        with seat.page.expect_response(REGISTER):
            seat.page.goto(f"/sessions/{school.session}/")
            double.set_camera("shown")
            seat.page.locator("#camera-start").click()
            expect(seat.page.locator("#pace")).to_contain_text("ms")
            double.send({"type": "mark", "version": state["version"] + 500, **camera_mark(page_setup)})
        yield name, seat
        seat.page.close()
    page = school.teacher.page
    page.goto(f"/sessions/{school.planned}/")
    yield "planned", school.teacher
    page.goto(f"/sessions/{school.signed}/")
    page.locator("#session-notice").wait_for()
    yield "signed", school.teacher
    page.locator('#register [data-act="undo"]').first.click()
    page.locator("dialog[open]").wait_for()
    yield "correction", school.teacher


def offline_marks(page_setup: PageSetup) -> States:
    seat, _ = page_setup.tab(page_setup.school.teacher)
    page = seat.page
    page.goto(f"/sessions/{page_setup.school.session}/")
    page.locator('#register [data-act="tick"]').first.wait_for()
    seat.context.set_offline(True)
    page.locator('#register [data-act="tick"]').first.click()
    page.locator("#register .waiting, #link:visible").first.wait_for()
    expect(page.locator("#link")).to_contain_text("not sent yet")
    yield "offline-marks", seat
    seat.context.set_offline(False)
    expect(page.locator("#link")).to_be_hidden(timeout=PATIENCE_MS)
    page.close()
