"""The time from a face that enters the picture to its mark on the teacher's page, as a browser shows it.

`python -m benchmarks.marking [--passes N]` prints median and 95th percentile and writes var/bench/marking.json. A whole
installation (`make run DEMO=faces/people`), and Chromium whose camera plays the clip from a second and a half before
Lin-Manuel Miranda comes into it. While he is there, a corner of the film is white; the page's clock is read when that
corner is shown and when the row of the register changes. Each pass is a session of its own.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from playwright.sync_api import Browser, sync_playwright

from tests.browser import camera
from tests.browser.camera import Pixels
from tests.browser.school import ask
from tests.browser.screens import Browsers, Seat
from tests.launcher.launching import launch
from tests.material import ROOT, shared

# Frames of the clip: nobody of the class until `ENTERS`, then Miranda to the end.
BEGIN, ENTERS, END = 40, 85, 211
# Pixels of the side of the white corner.
CORNER = 24
TIMEOUT_MS = 60_000
READY, READY_SECONDS = "press Ctrl-C to stop", 300.0

CLOCK = """(() => {
  globalThis.clock = { entered: 0, marked: 0 };
  const pen = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
  const watch = (video) => video.requestVideoFrameCallback((now) => {
    pen.drawImage(video, 4, 4, 8, 8, 0, 0, 1, 1);
    if (pen.getImageData(0, 0, 1, 1).data[0] > 128) clock.entered ||= now;
    watch(video);
  });
  document.addEventListener("DOMContentLoaded", () => {
    watch(document.getElementById("video"));
    new MutationObserver(() => {
      const rows = [...document.querySelectorAll("#register > li")];
      const present = (row) => row.textContent.includes("Miranda") && row.querySelector(".status.present");
      if (rows.some(present)) clock.marked ||= performance.now();
    }).observe(document.getElementById("register"), { childList: true, subtree: true });
  });
})()"""


def entering(clip: Path) -> Iterator[Pixels]:
    """Yield the frames around the moment at which Miranda comes, with a corner that is white while he is there."""
    for number, frame in enumerate(camera.frames_of(clip)[BEGIN:END], BEGIN):
        frame[:CORNER, :CORNER] = 255 if number >= ENTERS else 0
        yield frame


def one_pass(seat: Seat, school_class: str) -> float:
    """Return the milliseconds from the first frame with the face to the mark on the page, in a new session."""
    session = ask(seat, "POST", "/sessions/start/", {"school_class": school_class})["id"]
    seat.page.goto(f"/sessions/{session}/")
    seat.page.get_by_role("button", name="Start the camera").click()
    seat.page.wait_for_function("() => clock.entered && clock.marked", timeout=TIMEOUT_MS)
    clock = seat.page.evaluate("() => clock")
    ask(seat, "POST", f"/sessions/{session}/sign/", {"unmarked": "N"})
    return float(clock["marked"] - clock["entered"])


def measured(browsers: Browsers, password: str, film: Path, count: int) -> list[float]:
    """Return the times of `count` passes, after a first one in which everything is loaded."""
    seat = browsers.seat(film)
    seat.log_in("teacher", password)
    seat.page.add_init_script(CLOCK)
    school_class = ask(seat, "GET", "/classes/")["results"][0]["id"]
    return [one_pass(seat, school_class) for _ in range(count + 1)][1:]


def main() -> None:
    """Print and write the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--passes", type=int, default=20)
    options = parser.parse_args()
    program = shutil.which("chromium")
    faces = shared() / "faces"
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:

        def start(*arguments: str) -> Browser:
            return playwright.chromium.launch(executable_path=program, args=list(arguments))

        film = camera.write(
            Path(folder) / "film.mjpeg", entering(faces / "clips" / "short_hamilton_clip.mp4")
        )
        running = launch(Path(folder) / "var", "--demo", str(faces / "people"))
        try:
            running.wait_for(READY, READY_SECONDS)
            browsers = Browsers(start, f"http://127.0.0.1:{running.port}")
            password = running.output().split("Password: ")[1].split()[0]
            times = measured(browsers, password, film, options.passes)
            browsers.close()
        finally:
            running.end()
    median, late = (float(np.percentile(times, part)) for part in (50, 95))
    print(f"a face to its mark on the page: median {median:.0f} ms, p95 {late:.0f} ms ({len(times)} passes)")
    out = ROOT / "var" / "bench" / "marking.json"
    out.parent.mkdir(parents=True, exist_ok=True)
    figures = {
        "cores": os.cpu_count(),
        "load": os.getloadavg()[0],
        "median": median,
        "p95": late,
        "times": times,
    }
    out.write_text(json.dumps(figures, indent=1))


if __name__ == "__main__":
    main()
