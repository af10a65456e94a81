"""Chromium with a film for a camera, pages that remember each console error, and pictures of them in var/screens."""

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
PATIENCE_MS = 20_000
"""How long a page may take on a machine that does other things as well."""

PASSWORD = "a quiet morning in school"
"""What everybody chooses at the first login."""

ALL_THERE = """() => !document.querySelector(".loading-container") && [...document.images].every(
  (image) => image.complete || image.getBoundingClientRect().top > innerHeight || !image.getClientRects().length)"""
"""Nothing is still to come: neither pictures, nor what the page of the API fetches to describe."""

Scheme = Literal["light", "dark"]
SCHEMES: tuple[Scheme, ...] = ("light", "dark")


@dataclass(slots=True, eq=False)
class Seat:
    """One person at one browser: a login of its own, one page, and what its console complained of."""

    context: BrowserContext
    page: Page
    complaints: list[str] = field(default_factory=list)

    def log_in(self, name: str, password: str, new: str | None = None) -> None:
        """Logs in, choosing `new` as the password where the present one works only once."""
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

    def picture(self, name: str) -> None:
        """The page as it is, in light and dark, on a phone, a laptop and a projector."""
        (SCREENS / name).parent.mkdir(parents=True, exist_ok=True)
        self.page.wait_for_function(ALL_THERE)
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
    """Starts a Chromium per film, and seats in it."""

    def __init__(self, start: Callable[..., Browser], address: str) -> None:
        self.start, self.address = start, address
        self.running: dict[Path | None, Browser] = {}
        self.kept: set[BrowserContext] = set()

    def seat(self, film: Path | None = None, **options: object) -> Seat:
        """A fresh login. `film` is what the camera shows; without one there is no camera at all."""
        if film not in self.running:
            fake = (
                ()
                if film is None
                else (
                    "--use-fake-ui-for-media-stream",
                    "--use-fake-device-for-media-stream",
                    f"--use-file-for-fake-video-capture={film}",
                )
            )
            self.running[film] = self.start(*QUIET, *fake)
        size = {"width": LAPTOP[0], "height": LAPTOP[1]}
        context = self.running[film].new_context(base_url=self.address, viewport=size, **options)  # type: ignore[arg-type]
        context.set_default_timeout(PATIENCE_MS)
        seat = Seat(context, context.new_page())
        seat.page.on("console", lambda message: note(seat, message))
        seat.page.on("pageerror", lambda fault: seat.complaints.append(str(fault)))
        return seat

    def keep(self, seat: Seat) -> Seat:
        """A seat for more than one module."""
        self.kept.add(seat.context)
        return seat

    def leave(self) -> None:
        """Close every seat that is not kept, and the browsers in which nobody sits any more: a page goes on playing
        its film and drawing, and takes the time of the tests that follow."""
        for film, browser in tuple(self.running.items()):
            for context in browser.contexts:
                if context not in self.kept:
                    context.close()
            if not browser.contexts:
                self.running.pop(film).close()

    def close(self) -> None:
        for browser in self.running.values():
            browser.close()


def note(seat: Seat, message: ConsoleMessage) -> None:
    if message.type in {"error", "warning"}:
        seat.complaints.append(f"{message.text} ({message.location.get('url')})")
