"""Replace the camera and the server's answers with what a test defines, so that each state of a page can be shown.

The page's own code runs unchanged.
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

# Size of the picture that the camera double shows, as in `CAMERA`.
WIDTH, HEIGHT = 960, 540

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


def sample_picture(light: int = 150) -> bytes:
    """Return a grey room with noise as JPEG, for machines without photographs."""
    noise = np.random.default_rng(3).integers(-25, 25, (HEIGHT, WIDTH, 3)) + light
    return _jpeg(noise.clip(0, 255).astype(np.uint8))


def _jpeg(pixels: np.ndarray[Any, Any]) -> bytes:
    encoded: bytes = cv2.imencode(".jpg", pixels)[1].tobytes()
    return encoded


@dataclass(eq=False)  # no slots: Playwright notes its wrappers on the object
class Double:
    """Hold the test doubles of one page. Frames are answered with `faces`; `received_at` has their monotonic times.

    `queue_ms` is the waiting time in milliseconds that each answer reports.
    """

    page: Page
    picture: bytes = field(default_factory=sample_picture)
    faces: list[dict[str, Any]] = field(default_factory=list)
    received_at: list[float] = field(default_factory=list)
    queue_ms: float = 0
    socket: WebSocketRoute | None = None

    @classmethod
    def install(cls, seat: Seat, picture: bytes | None = None) -> Double:
        """Install the doubles in a seat's page. Call this before the page is opened."""
        double = cls(seat.page, picture or sample_picture())
        seat.page.add_init_script(CAMERA)
        seat.page.route_web_socket(CAMERA_SOCKET, double._on_connect)
        return double

    def set_camera(self, answer: Answer) -> None:
        """Set what the page gets when it asks for the camera from now on."""
        source = "data:image/jpeg;base64," + base64.b64encode(self.picture).decode()
        self.page.evaluate(
            "([answer, picture]) => Object.assign(cameraDouble, { answer, picture })", [answer, source]
        )

    def send(self, message: dict[str, Any]) -> None:
        """Send one message on the camera's socket."""
        assert self.socket is not None, "the camera has not been started"
        self.socket.send(json.dumps(message))

    def stub_api(self, method: str, path: re.Pattern[str], body: Any, status: int = 200) -> None:
        """Answer requests of this method and path with `body`; other methods still reach the server."""

        def answer_route(route: Route) -> None:
            if route.request.method != method:
                route.fallback()
                return
            route.fulfill(status=status, json=body)

        self.page.route(path, answer_route)

    def stub_images(self, path: re.Pattern[str], picture: bytes) -> None:
        """Answer requests for images at this path with `picture`."""
        self.page.route(path, lambda route: route.fulfill(body=picture, content_type="image/jpeg"))

    def _on_connect(self, socket: WebSocketRoute) -> None:
        self.socket = socket
        socket.on_message(self._answer_frame)
        advice = {"fps": 5, "side": 640, "quality": 0.8}
        socket.send(json.dumps({"type": "ready", "protocol": 1, "session": {}, "advice": advice}))

    def _answer_frame(self, message: str | bytes) -> None:
        assert isinstance(message, bytes), "the page sends frames only"
        self.received_at.append(time.monotonic())
        answer = {
            "type": "result",
            "seq": int.from_bytes(message[:4]),
            "faces": self.faces,
            "dropped": 0,
            "ms": {"queue": self.queue_ms},
        }
        self.send(answer)
