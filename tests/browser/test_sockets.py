"""Test sockets in a browser: who may connect, what the others are told, and pages of another origin."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page

from tests.browser.office import add_class, add_user
from tests.browser.screens import PASSWORD, Browsers, Seat

EXCHANGE = """([address, frames]) => new Promise((done) => {
  const socket = new WebSocket(address), heard = [];
  socket.binaryType = "arraybuffer";
  const end = (code) => done({ code, heard });
  socket.onmessage = ({ data }) => {
    heard.push(JSON.parse(data));
    for (const frame of frames.splice(0, 1)) socket.send(new Uint8Array(frame));
    if (!frames.length && heard.length > 1) socket.close();
  };
  socket.onclose = ({ code }) => end(code);
  socket.onerror = () => heard.push({ type: "refused" });
})"""


def exchange(page: Page, address: str, *frames: list[int]) -> tuple[int, list[dict[str, object]]]:
    """Open a socket from the page and send one frame per message received; return the close code and the messages."""
    answer = page.evaluate(EXCHANGE, [address, list(frames)])
    return answer["code"], answer["heard"]


@pytest.fixture(scope="module")
def seats(browsers: Browsers, office: Seat) -> tuple[Seat, Seat, str]:
    """Return a teacher with an open session, a teacher of another class, and the address of the session's sockets."""
    passwords = {name: add_user(office, name, "teacher") for name in ("anna", "otto")}
    for name in passwords:
        add_class(office, f"Sockets {name}", name, [])
    logged_in = []
    for name, one_time_password in passwords.items():
        seat = browsers.seat()
        seat.log_in(name, one_time_password, PASSWORD)
        logged_in.append(seat)
    anna, otto = logged_in
    anna.page.get_by_role("button", name="Sockets anna").click()
    anna.page.wait_for_url("**/sessions/**")
    session = anna.page.url.rstrip("/").rsplit("/", 1)[-1]
    return anna, otto, f"{browsers.address.replace('http', 'ws')}/ws/sessions/{session}/"


def test_class_teacher_is_accepted_and_bad_frame_is_answered(
    seats: tuple[Seat, Seat, str],
) -> None:
    anna, _, path = seats
    _, messages = exchange(anna.page, path + "camera/", [0, 0, 0, 7, 1, 2, 3])
    assert [message["type"] for message in messages] == ["ready", "error"]
    assert messages[0]["protocol"] == 1
    assert {"fps", "side", "quality"} <= set(messages[0]["advice"])  # type: ignore[call-overload]
    assert (messages[1]["code"], messages[1]["seq"]) == ("bad_frame", 7)


@pytest.mark.parametrize("path", ["", "camera/"])
def test_other_teacher_is_refused_with_4403(seats: tuple[Seat, Seat, str], path: str) -> None:
    _, otto, session = seats
    code, messages = exchange(otto.page, session + path)
    assert (code, messages[0]["type"], messages[0]["code"]) == (4403, "error", "not_allowed")


@pytest.mark.parametrize("path", ["", "camera/"])
def test_anonymous_page_is_refused_with_4401(
    browsers: Browsers, seats: tuple[Seat, Seat, str], path: str
) -> None:
    page = browsers.seat().page
    page.goto("/login/")
    code, messages = exchange(page, seats[2] + path)
    assert (code, messages[0]["type"], messages[0]["code"]) == (4401, "error", "not_logged_in")


@pytest.fixture
def foreign_page() -> Iterator[str]:
    """Serve an empty page on another port of this machine; yield its address."""

    class Empty(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Write nothing."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Empty)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    thread.join()
    server.server_close()


def test_page_of_other_origin_is_refused_at_handshake(
    seats: tuple[Seat, Seat, str], foreign_page: str
) -> None:
    anna, _, path = seats
    page = anna.context.new_page()
    page.goto(foreign_page)
    code, messages = exchange(page, path + "camera/")
    assert (code, messages) == (1006, [{"type": "refused"}])
