"""One browser whose camera shows scene after scene, each before a class of its own, and what is seen of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.sync_api import Locator, expect

from tests.browser.camera import Pixels, write
from tests.browser.office import add_class, beside, open_session
from tests.browser.school import ask
from tests.browser.screens import Browsers, Seat

PATIENCE_MS = 60_000
"""The camera's start and the looks that a name needs, on a machine that does other things as well."""

NOTING = """(() => {
  globalThis.drawn = new Set();
  const { fillText } = CanvasRenderingContext2D.prototype;
  CanvasRenderingContext2D.prototype.fillText = function (text, ...rest) {
    drawn.add(text);
    return fillText.call(this, text, ...rest);
  };
})()"""
"""Keeps every word that is drawn over the video, where no locator can read it."""


def noting(seat: Seat) -> Seat:
    """The seat, whose pages keep what they draw from their next opening on."""
    seat.page.add_init_script(NOTING)
    return seat


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """A session whose camera runs, on the page of its teacher."""

    seat: Seat
    session: str

    def register(self) -> dict[str, Any]:
        """The marks as the database has them, by the students' names."""
        state = ask(self.seat, "GET", f"/sessions/{self.session}/register/")
        return {each["name"]: each["mark"] for each in state["students"] if (each["mark"] or {}).get("code")}

    def row(self, name: str) -> Locator:
        return self.seat.page.locator("#register > li").filter(has_text=name)

    def is_marked(self, name: str) -> None:
        """Waits until the page says that the camera saw this student."""
        expect(self.row(name).locator(".status.present")).to_be_visible(timeout=PATIENCE_MS)
        expect(self.row(name)).to_contain_text("camera")

    def draws(self, words: str) -> None:
        """Waits until a box bears these words."""
        self.seat.page.wait_for_function(
            "(words) => drawn.has(words)", arg=words, polling=100, timeout=PATIENCE_MS
        )

    def drawn(self) -> set[str]:
        """All that boxes have said so far."""
        return set(self.seat.page.evaluate("() => [...drawn]"))

    def checks_the_room(self, sentence: str) -> None:
        """Asks whether the room is ready, and waits for the sentence in the answer."""
        self.seat.page.get_by_role("button", name="Check the room").click()
        expect(self.seat.page.locator("#readiness")).to_contain_text(sentence, timeout=PATIENCE_MS)


class Theatre:
    """Chromium opens the file of its camera anew at each start: another film behind the same path is another scene."""

    def __init__(self, browsers: Browsers, office: Seat, teacher: Seat, path: Path) -> None:
        self._office, self._path = office, path
        self.seat = noting(beside(browsers, teacher, path))

    def play(self, name: str, students: Sequence[str], frames: Iterable[Pixels]) -> Scene:
        """A new class of that name before this film, again and again."""
        add_class(self._office, name, "teacher", students)
        return self._before(open_session(self.seat, name), frames)

    def join(self, scene: Scene, frames: Iterable[Pixels]) -> Scene:
        """One camera more for a session that another one sees already."""
        self.seat.page.goto(f"/sessions/{scene.session}/")
        return self._before(scene.session, frames)

    def _before(self, session: str, frames: Iterable[Pixels]) -> Scene:
        # A film that still runs somewhere keeps its own file.
        self._path.unlink(missing_ok=True)
        write(self._path, frames)
        self.seat.page.get_by_role("button", name="Start the camera").click()
        return Scene(self.seat, session)
