"""Show pages without a camera: public pages, the teacher's, the group photograph, and the office."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

from playwright.sync_api import FilePayload, expect

from tests.browser.doubles import sample_picture
from tests.browser.scenes.stage import GROUP, GROUP_ACCEPT, PageSetup, States
from tests.browser.school import ask

# One page of each layout.
OFFICE = {
    "office": "/admin/",
    "office-students": "/admin/attendance/student/",
    "office-student-new": "/admin/attendance/student/add/",
    "office-student": "/admin/attendance/student/{student}/change/",
    "office-consent": "/admin/attendance/student/{student}/consent/",
    "office-import": "/admin/attendance/student/import/",
    "office-class": "/admin/attendance/schoolclass/{school_class}/change/",
    "office-session": "/admin/attendance/session/{session}/change/",
    "office-marks": "/admin/attendance/mark/",
    "office-audit": "/admin/attendance/auditevent/",
    "office-performance": "/admin/performance/",
}

OFFICE_MORE = {
    "office-withdraw": "/admin/attendance/student/{student}/consent/withdraw/",
    "office-erase": "/admin/attendance/student/{student}/erase/",
    "office-history": "/admin/attendance/student/{student}/history/",
    "office-import-photographs": "/admin/attendance/student/import/photographs/",
    "office-classes": "/admin/attendance/schoolclass/",
    "office-members": "/admin/attendance/schoolclass/{school_class}/members/",
    "office-sessions": "/admin/attendance/session/",
    "office-session-new": "/admin/attendance/session/add/",
    "office-consents": "/admin/attendance/consent/",
    "office-pairs": "/admin/attendance/confusablepair/",
    "office-attempts": "/admin/attendance/attempt/",
    "office-evidence": "/admin/attendance/evidence/",
    "office-codes": "/admin/attendance/attendancecode/",
    "office-code-new": "/admin/attendance/attendancecode/add/",
    "office-settings": "/admin/attendance/schoolsettings/",
    "office-users": "/admin/attendance/user/",
    "office-user-new": "/admin/attendance/user/add/",
    "office-tokens": "/admin/attendance/apitoken/",
    "office-devices": "/admin/attendance/device/",
    "office-jobs": "/admin/attendance/job/",
}


def public_pages(page_setup: PageSetup) -> States:
    """Show the pages that need no login."""
    seat = page_setup.browsers.seat(service_workers="block")
    page = seat.page
    for name, path in {
        "login": "/login/",
        "privacy": "/privacy/",
        "offline": "/offline/",
        "not-found": "/nowhere/",
        "pair": "/pair/",
        "not-paired": f"/sessions/{page_setup.school.session}/kiosk/",
    }.items():
        page.goto(path)
        yield name, seat
    page.goto("/login/")
    page.get_by_label("Username").fill("nobody")
    page.get_by_label("Password", exact=True).fill("nothing")
    page.get_by_role("button", name="Log in").click()
    page.get_by_role("alert").first.wait_for()
    yield "login-refused", seat


def teacher_pages(page_setup: PageSetup) -> States:
    school, page = page_setup.school, page_setup.school.teacher.page
    for name, path in {
        "today": "/",
        "classes": "/classes/",
        "class": f"/classes/{school.school_class}/",
        "student": f"/students/{school.students[-1]}/",
        "student-without": f"/students/{school.students[-5]}/",
        "password": "/password/",
        "watch": f"/sessions/{school.session}/register/",
        "projector": f"/sessions/{school.session}/projector/",
        "forbidden": "/admin/",
    }.items():
        page.goto(path)
        yield name, school.teacher
    page.goto("/")
    page.locator(".me > summary").click()
    yield "menu", school.teacher


def group_photograph(page_setup: PageSetup) -> States:
    seat, double = page_setup.tab(page_setup.school.teacher)
    page = seat.page
    page.goto(f"/sessions/{page_setup.school.session}/group/")
    yield "group", seat
    file = FilePayload(name="class.jpg", mimeType="image/jpeg", buffer=page_setup.picture)
    double.stub_api(
        "POST", GROUP, {"code": "no_face", "message": "There is no face in the picture.", "extra": {}}, 400
    )
    page.locator("#pictures").set_input_files([file])
    page.locator("#fault").wait_for()
    yield "group-refused", seat
    found = [
        {**face, "picture": 0, "box": [side * 1.5 for side in face["box"]]}
        for face in page_setup.faces("recognised", "recognised", "recognised", "unknown")
    ]
    double.stub_api("POST", GROUP, {"found": found, "unknown": 1, "missing": [], "token": "t"})
    page.locator("#pictures").set_input_files([file])
    page.locator("#found").wait_for()
    page.locator("#shown canvas").wait_for()
    yield "group-found", seat
    refused = [
        {
            "student": page_setup.student(place)["id"],
            "outcome": "refused",
            "reason": reason,
            "mark": None,
            "version": 1,
        }
        for place, reason in enumerate(("contradicts", "no_consent", "session_closed"))
    ]
    double.stub_api("POST", GROUP_ACCEPT, {"results": refused})
    page.locator("#accept").click()
    page.locator("#refused").wait_for()
    yield "group-refused-some", seat
    page.close()


def office_lists(page_setup: PageSetup) -> States:
    """Show further pages of the admin whose layouts `office_pages` shows already."""
    yield from open_pages(page_setup, OFFICE_MORE)


def open_pages(page_setup: PageSetup, pages: Mapping[str, str]) -> States:
    school, page = page_setup.school, page_setup.school.office.page
    for name, path in pages.items():
        page.goto(
            path.format(student=school.students[0], school_class=school.school_class, session=school.signed)
        )
        yield name, school.office


def office_pages(page_setup: PageSetup) -> States:
    """Show lists, forms, confirmations and results of the admin."""
    school, page = page_setup.school, page_setup.school.office.page
    student = school.students[0]
    yield from open_pages(page_setup, OFFICE)
    for name, opener in {"office-mark": "mark", "office-user": "user"}.items():
        page.goto(f"/admin/attendance/{opener}/")
        page.locator("#result_list tbody th a").first.click()
        yield name, school.office
    page.goto("/admin/attendance/student/add/")
    page.get_by_role("button", name="Save", exact=True).click()
    yield "office-refused", school.office
    if not ask(school.office, "GET", f"/students/{student}/consents/")["count"]:
        consent = {"given_by": "Guardian", "given_on": dt.datetime.now(dt.UTC).date().isoformat()}
        ask(school.office, "POST", f"/students/{student}/consents/", consent)
    page.goto(f"/admin/attendance/student/{student}/change/")
    files = [
        FilePayload(name=name, mimeType="image/jpeg", buffer=picture)
        for name, picture in (("room.jpg", sample_picture()), ("portrait.jpg", page_setup.crop))
    ]
    page.get_by_label("Add photos").set_input_files(files)
    page.get_by_role("button", name="Check and add").click()
    expect(page.locator("[data-verdicts] > li")).to_have_count(len(files), timeout=60_000)
    yield "office-verdicts", school.office
