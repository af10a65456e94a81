"""Run Chromium with a film as camera, collect console errors, and take screenshots into var/screens."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect

from tests.material import ROOT

QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
PHONE, LAPTOP, PROJECTOR = (390, 844), (1280, 800), (1920, 1080)
SIZES = (PHONE, LAPTOP, PROJECTOR)
SCREENS = ROOT / "var" / "screens"
# How long a page may take on a busy machine.
PATIENCE_MS = 20_000

# The password that every user chooses at the first login.
PASSWORD = "a quiet morning in school"

# Whether all images in view and the content of the API's page are loaded.
PAGE_COMPLETE = """() => !document.querySelector(".loading-container") && [...document.images].every(
  (image) => image.complete || image.getBoundingClientRect().top > innerHeight || !image.getClientRects().length)"""

Scheme = Literal["light", "dark"]
SCHEMES: tuple[Scheme, ...] = ("light", "dark")


@dataclass(slots=True, eq=False)
class Seat:
    """Hold one login in one browser context: its page, and the errors and warnings of its console."""

    context: BrowserContext
    page: Page
    complaints: list[str] = field(default_factory=list)

    def log_in(self, name: str, password: str, new: str | None = None) -> None:
        """Log in, and choose `new` as the password where the present one works only once."""
        page = self.page
        page.goto("/login/")
        page.get_by_label("Username").fill(name)
        page.get_by_label("Password", exact=True).fill(password)
        page.get_by_role("button", name="Log in").click()
        if new is not None:
            page.wait_for_url("**/password/**")
            page.locator("[name=new_password1]").fill(new)
            page.locator("[name=new_password2]").fill(new)
            if page.locator("[name=old_password]").count():
                page.locator("[name=old_password]").fill(password)
            page.get_by_role("button", name="Save the password").click()
        expect(page.get_by_role("heading", name="Today", exact=True)).to_be_visible(timeout=PATIENCE_MS)

    def take_screenshots(self, name: str) -> None:
        """Take screenshots of the page in light and dark, on a phone, a laptop and a projector."""
        (SCREENS / name).parent.mkdir(parents=True, exist_ok=True)
        self.page.wait_for_function(PAGE_COMPLETE)
        for scheme in SCHEMES:
            self.page.emulate_media(color_scheme=scheme)
            for width, height in SIZES:
                self.page.set_viewport_size({"width": width, "height": height})
                self.page.screenshot(
                    path=SCREENS / f"{name}-{width}x{height}-{scheme}.png", animations="disabled"
                )
        self.page.emulate_media(color_scheme="light")
        self.page.set_viewport_size({"width": LAPTOP[0], "height": LAPTOP[1]})


class Browsers:
    """Start one Chromium per film, and open seats in it."""

    def __init__(self, start: Callable[..., Browser], address: str) -> None:
        self.start, self.address = start, address
        self.running: dict[Path | None, Browser] = {}
        self.kept: set[BrowserContext] = set()

    def seat(self, film: Path | None = None, **options: object) -> Seat:
        """Open a seat without a login. `film` is what the camera shows; without it there is no camera."""
        if film not in self.running:
            camera_options = (
                ()
                if film is None
                else (
                    "--use-fake-ui-for-media-stream",
                    "--use-fake-device-for-media-stream",
                    f"--use-file-for-fake-video-capture={film}",
                )
            )
            self.running[film] = self.start(*QUIET, *camera_options)
        size = {"width": LAPTOP[0], "height": LAPTOP[1]}
        context = self.running[film].new_context(base_url=self.address, viewport=size, **options)  # type: ignore[arg-type]
        context.set_default_timeout(PATIENCE_MS)
        seat = Seat(context, context.new_page())
        seat.page.on("console", lambda message: record_complaint(seat, message))
        seat.page.on("pageerror", lambda fault: seat.complaints.append(str(fault)))
        return seat

    def keep(self, seat: Seat) -> Seat:
        """Keep a seat open for more than one module."""
        self.kept.add(seat.context)
        return seat

    def close_unkept(self) -> None:
        """Close every seat that is not kept, and browsers without seats: an open page keeps playing its film and
        slows the tests that follow."""
        for film, browser in tuple(self.running.items()):
            for context in browser.contexts:
                if context not in self.kept:
                    context.close()
            if not browser.contexts:
                self.running.pop(film).close()

    def close(self) -> None:
        for browser in self.running.values():
            browser.close()


def record_complaint(seat: Seat, message: ConsoleMessage) -> None:
    if message.type in {"error", "warning"}:
        seat.complaints.append(f"{message.text} ({message.location.get('url')})")
