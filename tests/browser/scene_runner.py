"""Run scenes in one browser, each film in front of a new class, and read what its page shows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.sync_api import Locator, expect

from tests.browser.camera import Pixels, write
from tests.browser.office import add_class, open_browser, open_session
from tests.browser.school import ask
from tests.browser.screens import Browsers, Seat

# Time for the camera's start and the samples of a track, on a busy machine.
PATIENCE_MS = 60_000

# Records each text drawn over the video, which no locator can read.
RECORD_LABELS = """(() => {
  globalThis.drawn = new Set();
  const { fillText } = CanvasRenderingContext2D.prototype;
  CanvasRenderingContext2D.prototype.fillText = function (text, ...rest) {
    drawn.add(text);
    return fillText.call(this, text, ...rest);
  };
})()"""


def record_labels(seat: Seat) -> Seat:
    """Record the labels that a seat's pages draw, from their next opening on; return the seat."""
    seat.page.add_init_script(RECORD_LABELS)
    return seat


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """Hold a session whose camera runs, on its teacher's page."""

    seat: Seat
    session: str

    def register(self) -> dict[str, Any]:
        """Return the marks of the database by student name."""
        state = ask(self.seat, "GET", f"/sessions/{self.session}/register/")
        return {
            student["name"]: student["mark"]
            for student in state["students"]
            if (student["mark"] or {}).get("code")
        }

    def row(self, name: str) -> Locator:
        return self.seat.page.locator("#register > li").filter(has_text=name)

    def expect_camera_mark(self, name: str) -> None:
        """Wait until the page shows a camera mark of this student."""
        expect(self.row(name).locator(".status.present")).to_be_visible(timeout=PATIENCE_MS)
        expect(self.row(name)).to_contain_text("camera")

    def expect_label(self, words: str) -> None:
        """Wait until a box has this label."""
        self.seat.page.wait_for_function(
            "(words) => drawn.has(words)", arg=words, polling=100, timeout=PATIENCE_MS
        )

    def labels(self) -> set[str]:
        """Return all labels drawn so far."""
        return set(self.seat.page.evaluate("() => [...drawn]"))

    def check_room(self, sentence: str) -> None:
        """Check the room, and wait for the sentence in the result."""
        self.seat.page.get_by_role("button", name="Check the room").click()
        expect(self.seat.page.locator("#readiness")).to_contain_text(sentence, timeout=PATIENCE_MS)


class SceneRunner:
    """Run scenes one after the other. Chromium opens its camera's file at each start, so a new file is a new scene."""

    def __init__(self, browsers: Browsers, office: Seat, teacher: Seat, path: Path) -> None:
        self._office, self._path = office, path
        self.seat = record_labels(open_browser(browsers, teacher, path))

    def start_class(self, name: str, students: Sequence[str], frames: Iterable[Pixels]) -> Scene:
        """Add a class of that name, and start its session with this film."""
        add_class(self._office, name, "teacher", students)
        return self._start_camera(open_session(self.seat, name), frames)

    def join(self, scene: Scene, frames: Iterable[Pixels]) -> Scene:
        """Join a session that another camera is in."""
        self.seat.page.goto(f"/sessions/{scene.session}/")
        return self._start_camera(scene.session, frames)

    def _start_camera(self, session: str, frames: Iterable[Pixels]) -> Scene:
        # A film that still plays keeps the old file open, so replace the file.
        self._path.unlink(missing_ok=True)
        write(self._path, frames)
        self.seat.page.get_by_role("button", name="Start the camera").click()
        return Scene(self.seat, session)
