"""The live session: its camera, its questions, its register, and what stands between it and the server."""

from __future__ import annotations

import json

from playwright.sync_api import expect

from tests.browser.scenes.stage import (
    AT,
    HISTORY,
    MARKS,
    REGISTER,
    REVIEWS,
    SHOWN,
    Set,
    States,
    camera_mark,
    conflict,
    history,
    review,
)
from tests.browser.school import ask
from tests.browser.screens import PATIENCE_MS, Seat


def the_camera(made: Set) -> States:
    seat, double = made.tab(made.school.teacher)
    page, path = seat.page, f"/sessions/{made.school.session}/"
    page.goto(path)
    page.locator("#camera-start:enabled").wait_for()
    yield "camera-idle", seat
    page.locator("#camera-start").click()
    expect(page.get_by_text("Allow camera access when the browser asks.")).to_be_visible()
    yield "camera-asking", seat
    page.goto(path)
    double.camera("denied")
    page.locator("#camera-start").click()
    page.locator("#camera-fault").wait_for()
    yield "camera-denied", seat
    for answer in ("none", "busy"):
        double.camera(answer)
        words = page.locator("#camera-fault strong").inner_text()
        page.locator("#camera-again").click()
        expect(page.locator("#camera-fault strong")).not_to_have_text(words)
        yield f"camera-{answer}", seat
    double.faces = made.faces(*SHOWN)
    double.camera("shown")
    page.locator("#camera-again").click()
    expect(page.locator("#pace")).to_contain_text("ms")
    yield "boxes", seat
    page.get_by_role("button", name="Check the room").click()
    page.locator("#readiness").wait_for()
    yield "readiness", seat
    page.close()


def questions(made: Set) -> States:
    """The review queue, and what a mark of the camera rests on."""
    seat, double = made.tab(made.school.teacher)
    page = seat.page
    double.answers("GET", REVIEWS, {"count": 1, "next": None, "previous": None, "results": [review(made)]})
    double.answers("GET", HISTORY, {"count": 2, "next": None, "previous": None, "results": history()})
    page.goto(f"/sessions/{made.school.session}/")
    page.locator("#reviews").wait_for()
    yield "reviews", seat
    double.camera("shown")
    page.locator("#camera-start").click()
    expect(page.locator("#pace")).to_contain_text("ms")
    double.say({"type": "mark", "version": version_of(seat) + 1, **camera_mark(made)})
    row = page.locator(f'#register li[data-student="{made.school.students[0]}"]')
    expect(row.locator(".status")).to_be_visible()
    yield "camera-marked", seat
    row.locator(".who").click()
    page.locator("#drawer .evidence").wait_for()
    yield "evidence", seat
    page.close()


def version_of(seat: Seat) -> int:
    """The register's version that the page was given."""
    return int(json.loads(seat.page.locator("#state").text_content() or "")["version"])


def the_register(made: Set) -> States:
    """Dialogs, undo, and what stands between the page and the server."""
    seat, double = made.tab(made.school.teacher)
    page = seat.page
    page.goto(f"/sessions/{made.school.session}/")
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
    double.answers("PUT", MARKS, conflict(), 409)
    tick.click()
    page.locator(".toast").wait_for()
    yield "conflict", seat
    double.answers("PUT", MARKS, {"code": "not_logged_in", "message": "", "extra": {}}, 401)
    tick.click()
    page.locator("#login-again").wait_for()
    yield "login-ended", seat
    page.unroute(MARKS)
    with page.expect_response(MARKS):
        page.locator("#login-done").click()
    page.close()


def the_registers_fullness(made: Set) -> States:
    """Nobody in the class, nobody missing, things to look at, and a session that is not open."""
    school = made.school
    state = ask(school.teacher, "GET", f"/sessions/{school.session}/register/")
    mark = {key: value for key, value in camera_mark(made).items() if key != "student"}
    everybody = [{**student, "mark": student["mark"] or mark} for student in state["students"]]
    reasons = ("contradicts", "doubtful_clock", "not_a_member", "no_consent")
    attempts = [
        {
            "student": made.student(place),
            "source": "camera",
            "reason": reason,
            "count": place + 1,
            "last_at": AT,
        }
        for place, reason in enumerate(reasons)
    ]
    for name, changes in {
        "nobody": {"students": []},
        "complete": {"students": everybody},
        "attempts": {"attempts": attempts},
    }.items():
        seat, double = made.tab(school.teacher)
        double.answers("GET", REGISTER, state | changes | {"version": state["version"] + 1_000})
        # The page may ask by itself before the gap in the versions makes it ask: then the gap is none any more.
        with seat.page.expect_response(REGISTER):
            seat.page.goto(f"/sessions/{school.session}/")
            double.camera("shown")
            seat.page.locator("#camera-start").click()
            expect(seat.page.locator("#pace")).to_contain_text("ms")
            double.say({"type": "mark", "version": state["version"] + 500, **camera_mark(made)})
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


def without_network(made: Set) -> States:
    seat, _ = made.tab(made.school.teacher)
    page = seat.page
    page.goto(f"/sessions/{made.school.session}/")
    page.locator('#register [data-act="tick"]').first.wait_for()
    seat.context.set_offline(True)
    page.locator('#register [data-act="tick"]').first.click()
    page.locator("#register .waiting, #link:visible").first.wait_for()
    expect(page.locator("#link")).to_contain_text("not sent yet")
    yield "offline-marks", seat
    seat.context.set_offline(False)
    expect(page.locator("#link")).to_be_hidden(timeout=PATIENCE_MS)
    page.close()
