"""A camera and a server's answers that say what a test wants, so that each state of a page can be shown at will.

The page's own code draws everything; only what it hears is given.
"""

from __future__ import annotations

import base64
import json
import re
import time
from dataclasses import dataclass, field
from typing import Any, Literal

import cv2
import numpy as np
from playwright.sync_api import Page, Route, WebSocketRoute

from tests.browser.screens import Seat

Answer = Literal["asking", "denied", "none", "busy", "shown"]

WIDTH, HEIGHT = 960, 540
"""Of the picture that the camera double shows; `CAMERA` says the same."""

CAMERA_SOCKET = re.compile(r"/ws/sessions/.+/camera/$")

CAMERA = """(() => {
  const faults = { denied: "NotAllowedError", none: "NotFoundError", busy: "NotReadableError" };
  globalThis.cameraDouble = { answer: "asking", picture: "" };
  const draw = async (canvas) => {
    const pen = canvas.getContext("2d");
    const image = Object.assign(new Image(), { src: globalThis.cameraDouble.picture });
    await image.decode();
    setInterval(() => pen.drawImage(image, 0, 0, canvas.width, canvas.height), 100);
    pen.drawImage(image, 0, 0, canvas.width, canvas.height);
  };
  navigator.mediaDevices.getUserMedia = async () => {
    const { answer } = globalThis.cameraDouble;
    if (answer === "asking") return new Promise(() => {});
    if (answer !== "shown") throw new DOMException("", faults[answer]);
    const canvas = Object.assign(document.createElement("canvas"), { width: 960, height: 540 });
    await draw(canvas);
    return canvas.captureStream(10);
  };
  navigator.mediaDevices.enumerateDevices = async () =>
    ["Back camera", "USB camera"].map((label, place) => ({ kind: "videoinput", deviceId: `c${place}`, label }));
})()"""


def drawn(light: int = 150) -> bytes:
    """A grey room with some texture, as JPEG: for machines without photographs."""
    noise = np.random.default_rng(3).integers(-25, 25, (HEIGHT, WIDTH, 3)) + light
    return _jpeg(noise.clip(0, 255).astype(np.uint8))


def _jpeg(pixels: np.ndarray[Any, Any]) -> bytes:
    encoded: bytes = cv2.imencode(".jpg", pixels)[1].tobytes()
    return encoded


@dataclass(eq=False)  # no slots: Playwright notes its wrappers on the object
class Double:
    """What stands behind one page: set `faces`, then frames are answered with them; `came` is when they came.

    `waited` is how many milliseconds each is said to have waited.
    """

    page: Page
    picture: bytes = field(default_factory=drawn)
    faces: list[dict[str, Any]] = field(default_factory=list)
    came: list[float] = field(default_factory=list)
    waited: float = 0
    socket: WebSocketRoute | None = None

    @classmethod
    def behind(cls, seat: Seat, picture: bytes | None = None) -> Double:
        """Before the page is opened."""
        double = cls(seat.page, picture or drawn())
        seat.page.add_init_script(CAMERA)
        seat.page.route_web_socket(CAMERA_SOCKET, double._connected)
        return double

    def camera(self, answer: Answer) -> None:
        """What happens when the page asks for the camera from now on."""
        source = "data:image/jpeg;base64," + base64.b64encode(self.picture).decode()
        self.page.evaluate(
            "([answer, picture]) => Object.assign(cameraDouble, { answer, picture })", [answer, source]
        )

    def say(self, message: dict[str, Any]) -> None:
        """One message of the camera's socket."""
        assert self.socket is not None, "the camera has not been started"
        self.socket.send(json.dumps(message))

    def answers(self, method: str, path: re.Pattern[str], body: Any, status: int = 200) -> None:
        """The API answers this from now on; other methods of the same address still reach the server."""

        def fulfil(route: Route) -> None:
            if route.request.method != method:
                route.fallback()
                return
            route.fulfill(status=status, json=body)

        self.page.route(path, fulfil)

    def shows(self, path: re.Pattern[str], picture: bytes) -> None:
        """Pictures below this address are this one."""
        self.page.route(path, lambda route: route.fulfill(body=picture, content_type="image/jpeg"))

    def _connected(self, socket: WebSocketRoute) -> None:
        self.socket = socket
        socket.on_message(self._frame)
        advice = {"fps": 5, "side": 640, "quality": 0.8}
        socket.send(json.dumps({"type": "ready", "protocol": 1, "session": {}, "advice": advice}))

    def _frame(self, message: str | bytes) -> None:
        assert isinstance(message, bytes), "the page sends frames only"
        self.came.append(time.monotonic())
        answer = {
            "type": "result",
            "seq": int.from_bytes(message[:4]),
            "faces": self.faces,
            "dropped": 0,
            "ms": {"queue": self.waited},
        }
        self.say(answer)
