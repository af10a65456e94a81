"""Take screenshots of every state: `python -m tests.browser.states [VISIT …]`, into var/screens/states/.

Sizes are a phone, a laptop and a projector, light and dark. With names, only those visits run.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

import cv2
import numpy as np
from playwright.sync_api import Browser, sync_playwright

from recognition.engine import Engine
from tests.browser.doubles import HEIGHT, WIDTH
from tests.browser.scenes import VISITS
from tests.browser.scenes.stage import Box, PageSetup
from tests.browser.school import create_school
from tests.browser.screens import PASSWORD, Browsers
from tests.launcher.launching import launch
from tests.material import by_folder, shared

# Width in pixels of the frames that pages send, in which boxes are given.
FRAME_SIDE = 640


def class_picture(photographs: list[Path]) -> tuple[bytes, tuple[Box, ...]]:
    """Return six people side by side as one picture, and the boxes of their faces in the frame that pages send."""
    wide, high = WIDTH // 3, HEIGHT // 2
    canvas = np.full((HEIGHT, WIDTH, 3), 90, np.uint8)
    for place, file in enumerate(photographs[:6]):
        row, column = divmod(place, 3)
        image = cv2.imread(str(file))
        scale = max(wide / image.shape[1], high / image.shape[0])
        image = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        left = (image.shape[1] - wide) // 2
        part = image[:high, left : left + wide]
        canvas[row * high : row * high + part.shape[0], column * wide : column * wide + part.shape[1]] = part
    with Engine.load() as engine:
        faces = engine.detect(np.ascontiguousarray(canvas[..., ::-1]))
    share = FRAME_SIDE / WIDTH
    boxes = sorted((face.box for face in faces), key=lambda box: (round(box[1] / high), box[0]))
    frame = tuple(tuple(round(side * share) for side in box) for box in boxes)
    return cv2.imencode(".jpg", canvas)[1].tobytes(), frame  # type: ignore[return-value]


def main() -> None:
    people = by_folder(shared() / "faces" / "people")
    photographs = {folder.replace("_", " ").title(): files[:1] for folder, files in people.items()}
    picture, boxes = class_picture([files[0] for files in people.values()])
    crop = next(iter(people.values()))[0].read_bytes()
    program = shutil.which("chromium")
    wanted = set(sys.argv[1:])
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:

        def start(*arguments: str) -> Browser:
            return playwright.chromium.launch(executable_path=program, args=list(arguments))

        running = launch(Path(folder) / "var")
        try:
            running.wait_until_ready()
            browsers = Browsers(start, f"http://127.0.0.1:{running.port}")
            office = browsers.seat(service_workers="block")
            office.log_in("admin", running.output().split("one-time password: ")[1].split()[0], PASSWORD)
            school = create_school(office, browsers, "terry", photographs)
            page_setup = PageSetup(school, browsers, picture, boxes, crop)
            for visit in VISITS:
                if wanted and visit.__name__ not in wanted:
                    continue
                for name, seat in visit(page_setup):
                    seat.take_screenshots(f"states/{name}")
                    sys.stdout.write(f"{name}\n")
            browsers.close()
        finally:
            running.end()


if __name__ == "__main__":
    main()
