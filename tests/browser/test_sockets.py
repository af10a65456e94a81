"""The sockets' door as a browser meets it: who is let in, who is told why not, and a page of another origin."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page

from tests.browser.office import add_class, add_user
from tests.browser.screens import PASSWORD, Browsers, Seat

LISTEN = """([address, frames]) => new Promise((done) => {
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


def listen(page: Page, address: str, *frames: list[int]) -> tuple[int, list[dict[str, object]]]:
    """Opens a socket from the page, sends a frame for each message heard; the close code and what was heard."""
    answer = page.evaluate(LISTEN, [address, list(frames)])
    return answer["code"], answer["heard"]


@pytest.fixture(scope="module")
def seats(browsers: Browsers, office: Seat) -> tuple[Seat, Seat, str]:
    """A teacher with an open session, a teacher of another class, and the path of that session's sockets."""
    passwords = {name: add_user(office, name, "teacher") for name in ("anna", "otto")}
    for name in passwords:
        add_class(office, f"Sockets {name}", name, [])
    found = []
    for name, once in passwords.items():
        seat = browsers.seat()
        seat.log_in(name, once, PASSWORD)
        found.append(seat)
    anna, otto = found
    anna.page.get_by_role("button", name="Sockets anna").click()
    anna.page.wait_for_url("**/sessions/**")
    session = anna.page.url.rstrip("/").rsplit("/", 1)[-1]
    return anna, otto, f"{browsers.address.replace('http', 'ws')}/ws/sessions/{session}/"


def test_the_teacher_of_the_class_is_let_in_and_a_bad_frame_is_answered(
    seats: tuple[Seat, Seat, str],
) -> None:
    anna, _, path = seats
    _, heard = listen(anna.page, path + "camera/", [0, 0, 0, 7, 1, 2, 3])
    assert [message["type"] for message in heard] == ["ready", "error"]
    assert heard[0]["protocol"] == 1
    assert {"fps", "side", "quality"} <= set(heard[0]["advice"])  # type: ignore[call-overload]
    assert (heard[1]["code"], heard[1]["seq"]) == ("bad_frame", 7)


@pytest.mark.parametrize("path", ["", "camera/"])
def test_another_teacher_is_told_why_and_closed_with_4403(seats: tuple[Seat, Seat, str], path: str) -> None:
    _, otto, session = seats
    code, heard = listen(otto.page, session + path)
    assert (code, heard[0]["type"], heard[0]["code"]) == (4403, "error", "not_allowed")


@pytest.mark.parametrize("path", ["", "camera/"])
def test_an_anonymous_page_is_closed_with_4401(
    browsers: Browsers, seats: tuple[Seat, Seat, str], path: str
) -> None:
    page = browsers.seat().page
    page.goto("/login/")
    code, heard = listen(page, seats[2] + path)
    assert (code, heard[0]["type"], heard[0]["code"]) == (4401, "error", "not_logged_in")


@pytest.fixture
def foreign_page() -> Iterator[str]:
    """The address of somebody else's page, on the same machine but another port."""

    class Empty(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Not on the terminal."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Empty)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_page_of_another_port_is_refused_at_the_handshake_although_cookies_come(
    seats: tuple[Seat, Seat, str], foreign_page: str
) -> None:
    anna, _, path = seats
    page = anna.context.new_page()
    page.goto(foreign_page)
    code, heard = listen(page, path + "camera/")
    assert (code, heard) == (1006, [{"type": "refused"}])
