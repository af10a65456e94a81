"""Make the README's picture: `python -m tests.browser.picture`. Each face in it is made unrecognisable.

Use a real installation, the demonstration school and the clip as a camera; show the page at its first mark.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

import cv2
from playwright.sync_api import expect, sync_playwright

from recognition.engine import Engine
from recognition.engine.types import Pixels
from tests.browser import camera
from tests.browser.screens import Browsers
from tests.launcher.launching import launch
from tests.material import ROOT, shared

PICTURE = ROOT / "docs" / "pictures" / "live.png"
# Frames in which one person stands in front of the camera without a break (`faces/SOURCES.md`).
CLIP_FRAMES = slice(85, 210)
# Pixels that remain of a face, in width and height: too few to recognise anybody.
BLOCKS = 5


def pixelate(rgb: Pixels, box: tuple[float, float, float, float], margin: float = 0) -> None:
    """Pixelate a box of a picture in place, enlarged by the share `margin` of its size on each side."""
    left, top, right, bottom = box
    wide, high = (right - left) * margin, (bottom - top) * margin
    rows = slice(max(0, int(top - high)), int(bottom + high))
    columns = slice(max(0, int(left - wide)), int(right + wide))
    part = rgb[rows, columns]
    if part.size == 0:  # scrolled out of view
        return
    small = cv2.resize(part, (BLOCKS, BLOCKS), interpolation=cv2.INTER_AREA)
    rgb[rows, columns] = cv2.resize(small, part.shape[1::-1], interpolation=cv2.INTER_NEAREST)


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        film = camera.from_clip(
            shared() / "faces" / "clips" / "short_hamilton_clip.mp4", Path(folder) / "film.mjpeg", CLIP_FRAMES
        )
        running = launch(Path(folder) / "var", "--demo", str(shared() / "faces" / "people"))
        try:
            running.wait_until_ready()
            program = shutil.which("chromium")
            browsers = Browsers(
                lambda *arguments: playwright.chromium.launch(executable_path=program, args=list(arguments)),
                f"http://127.0.0.1:{running.port}",
            )
            raw = Path(folder) / "page.png"
            boxes = take_picture(browsers, film, running.output().split("Password: ")[1].split()[0], raw)
            browsers.close()
        finally:
            running.end()
        rgb = cv2.cvtColor(cv2.imread(str(raw)), cv2.COLOR_BGR2RGB)
    for box in boxes:
        pixelate(rgb, box)
    with Engine.load() as engine:
        faces = engine.detect(rgb, tiled=True)
    for face in faces:
        pixelate(rgb, face.box, 0.2)
    PICTURE.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(PICTURE), cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_PNG_COMPRESSION, 9])
    sys.stdout.write(f"{PICTURE.relative_to(ROOT)}: {len(boxes) + len(faces)} faces hidden\n")


def take_picture(
    browsers: Browsers, film: Path, password: str, raw: Path
) -> list[tuple[float, float, float, float]]:
    """Take the picture of the live page; return the boxes of the portraits in it."""
    seat = browsers.seat(film)
    seat.log_in("teacher", password)
    page = seat.page
    page.get_by_role("button", name="Start").first.click()
    page.get_by_role("button", name="Start the camera").click()
    marked = page.get_by_role("listitem").filter(has_text="Miranda").filter(has_text="present")
    expect(marked.last).to_be_visible(timeout=60_000)
    page.keyboard.press("Home")
    page.screenshot(path=raw, animations="disabled")
    portraits = [image.bounding_box() for image in page.locator("img").all()]
    return [
        (box["x"], box["y"], box["x"] + box["width"], box["y"] + box["height"]) for box in portraits if box
    ]


if __name__ == "__main__":
    main()
