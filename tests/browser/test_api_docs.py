"""Test the API's documentation page in a real browser, under the strict CSP."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.browser.screens import PATIENCE_MS, Browsers

VIOLATIONS = """
window.violations = [];
document.addEventListener("securitypolicyviolation", (e) => violations.push(`${e.violatedDirective} ${e.sample}`));
"""


def test_api_docs_work_without_csp_violations(browsers: Browsers) -> None:
    seat = browsers.seat()
    page, requested_urls = seat.page, []
    page.add_init_script(VIOLATIONS)
    page.on("request", lambda request: requested_urls.append(request.url))
    page.goto("/api/docs/")
    codes = page.locator("#operations-codes-codes_list")
    expect(codes).to_be_visible(timeout=PATIENCE_MS)
    page.locator(".auth-wrapper .authorize").click()
    page.locator(".close-modal").click()
    for operation in ("identify-identify_create", "sessions-sessions_register_retrieve", "marks-marks_list"):
        page.locator(f"#operations-{operation} .opblock-summary-control").click()
        expect(page.locator(f"#operations-{operation} .responses-table")).to_be_visible()
    seat.take_screenshots("api-docs")
    assert seat.complaints == []
    codes.locator(".opblock-summary-control").click()
    codes.get_by_role("button", name="Try it out").click()
    codes.get_by_role("button", name="Execute").click()
    expect(codes.locator(".live-responses-table")).to_contain_text("not_logged_in", timeout=PATIENCE_MS)
    assert [text for text in seat.complaints if "status of 401" not in text] == []
    assert page.evaluate("violations") == []
    assert [url for url in requested_urls if not url.startswith((browsers.address, "data:"))] == []
