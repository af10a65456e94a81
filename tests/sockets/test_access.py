"""Who may open the sockets, and the errors and close codes for others."""

import datetime as dt
import socket
from contextlib import ExitStack

import pytest
from django.conf import settings
from django.contrib.sessions.models import Session as Login
from django.test import Client
from django.utils import timezone
from websockets.exceptions import InvalidStatus

from attendance.access import devices, tokens
from attendance.models import ApiToken, Device, DeviceKind, Session, Teaching, User
from attendance.models.base import new_id
from attendance.register.state import session_state
from tests.sockets.serving import Served, closes, receive, token_of
from tests.world import World, open_session


def cookie_of(user: User) -> str:
    """Return the cookie of a browser after login."""
    client = Client()
    client.force_login(user)
    return f"{settings.SESSION_COOKIE_NAME}={client.cookies[settings.SESSION_COOKIE_NAME].value}"


def device_cookie(school: World, kind: DeviceKind, session: Session | None = None) -> str:
    _, plain = devices.create_code(
        session_id=(session or school.session).pk, kind=kind, actor=school.teacher, now=timezone.now()
    )
    _, secret = devices.exchange(code=plain, label="the back of the room", now=timezone.now())
    return f"{devices.COOKIE}={secret}"


def turned_away(served: Served, path: str, **headers: str) -> tuple[int, str]:
    with served.connect(path, **headers) as stream:
        code, said = closes(stream)
    assert [message["type"] for message in said] == ["error"]
    assert said[0]["message"]
    assert set(said[0]) == {"type", "code", "seq", "message", "extra"}
    return code, said[0]["code"]


PATHS = ("/ws/sessions/{}/camera/", "/ws/sessions/{}/")


def test_client_that_closes_slowly_is_not_cut_off(server: Served, school: World) -> None:
    """Give a busy browser time to close: it would take a cut connection for a failure and not see the code."""
    asked = f"GET {PATHS[0].format(school.session.pk)} HTTP/1.1"
    headers = "Host: localhost", "Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13"
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as line:
        line.sendall("\r\n".join((asked, *headers, f"Sec-WebSocket-Key: {'a' * 22}==", "\r\n")).encode())
        heard = b""
        while (4401).to_bytes(2, "big") not in heard:
            more = line.recv(4096)
            assert more, heard
            heard += more
        line.settimeout(2.5)
        with pytest.raises(TimeoutError):
            line.recv(1)


@pytest.mark.parametrize("path", PATHS)
def test_socket_without_login_is_closed_4401(server: Served, school: World, path: str) -> None:
    address = path.format(school.session.pk)
    token = token_of(school.teacher)
    ApiToken.objects.update(revoked_at=timezone.now())
    cookie = cookie_of(school.teacher)
    good = token_of(school.teacher)
    anonymous: tuple[dict[str, str], ...] = (
        {},
        {"Origin": server.origin},
        {"Authorization": f"Token {token}"},
        {"Authorization": "Token nonsense", "Origin": server.origin, "Cookie": cookie},
        {"Authorization": f"Bearer {good}"},
        # Programs without an Origin must bring a token: a cookie alone proves no page of ours.
        {"Cookie": cookie},
        {"Origin": server.origin, "Cookie": f"{settings.SESSION_COOKIE_NAME}=nonsense"},
        {"Origin": server.origin, "Cookie": f"{devices.COOKIE}=nonsense"},
    )
    for headers in anonymous:
        assert turned_away(server, address, **headers) == (4401, "not_logged_in")
    assert turned_away(server, f"{address}?token={good}") == (4401, "not_logged_in")


@pytest.mark.parametrize("path", PATHS)
def test_socket_without_right_or_session_is_closed_4403(server: Served, school: World, path: str) -> None:
    address = path.format(school.session.pk)
    new = User.objects.create_user("new", password="x", role="teacher", must_change_password=True)
    Teaching.objects.create(user=new, school_class=school.school_class, starts_on=dt.date(2020, 1, 1))
    for user in (school.other_teacher, new):
        assert turned_away(server, address, Authorization=f"Token {token_of(user)}") == (4403, "not_allowed")
    nowhere = path.format(new_id())
    authorization = f"Token {token_of(school.administrator)}"
    assert turned_away(server, nowhere, Authorization=authorization) == (4403, "not_allowed")


def test_viewer_opens_dashboard_but_no_camera(
    server: Served, school: World, camera_path: str, dashboard_path: str
) -> None:
    authorization = f"Token {token_of(school.viewer)}"
    assert turned_away(server, camera_path, Authorization=authorization) == (4403, "not_allowed")
    with server.connect(dashboard_path, Authorization=authorization) as stream:
        assert receive(stream)["type"] == "register"


def test_foreign_origin_is_refused_at_the_handshake(server: Served, school: World, camera_path: str) -> None:
    cookie = cookie_of(school.teacher)
    good = f"Token {token_of(school.teacher)}"
    foreign = (
        "http://evil.example",
        f"https://127.0.0.1:{server.port}",
        f"http://127.0.0.1:{server.port + 1}",
        "http://127.0.0.1",
        f"http://127.0.0.1:{server.port}.evil.example",
        "null",
        "",
    )
    for origin in foreign:
        for headers in ({"Cookie": cookie}, {"Authorization": good}):
            with (
                pytest.raises(InvalidStatus) as refused,
                server.connect(camera_path, Origin=origin, **headers),
            ):
                pass
            # 400 where it is no address at all: the server's own answer, before anybody is asked.
            assert refused.value.response.status_code in {400, 403}


def test_unknown_address_is_refused_at_the_handshake(server: Served, school: World) -> None:
    for path in ("/ws/", "/ws/sessions/1/", f"/ws/sessions/{school.session.pk}/other/"):
        with pytest.raises(InvalidStatus), server.token(path, school.teacher):
            pass


def test_browser_of_a_teacher_and_token_are_accepted(server: Served, school: World, camera_path: str) -> None:
    ways: tuple[dict[str, str], ...] = (
        {"Origin": server.origin, "Cookie": cookie_of(school.teacher)},
        {"Authorization": f"Token {token_of(school.teacher)}"},
        {"Authorization": f"token {token_of(school.teacher)}", "Origin": server.origin},
        {"Authorization": f"Token {token_of(school.registrar)}"},
    )
    for headers in ways:
        with server.connect(camera_path, **headers) as stream:
            ready = receive(stream)
        assert ready["type"] == "ready"
        assert ready["protocol"] == 1
        assert ready["session"] == session_state(school.session)
        assert set(ready["advice"]) == {"fps", "side", "quality"}
        assert 0 < ready["advice"]["fps"] <= 5
        assert ready["advice"]["quality"] == settings.IMAGE_QUALITY / 100


@pytest.mark.parametrize(
    ("kind", "films"), [(DeviceKind.CAMERA, True), (DeviceKind.KIOSK, True), (DeviceKind.PROJECTOR, False)]
)
def test_device_opens_sockets_of_its_own_session_only(
    server: Served, school: World, camera_path: str, dashboard_path: str, kind: DeviceKind, films: bool
) -> None:
    headers = {"Origin": server.origin, "Cookie": device_cookie(school, kind)}
    other = open_session(school.school_class, school.now, minutes_ago=90)
    elsewhere = f"/ws/sessions/{other.pk}/camera/"
    assert turned_away(server, elsewhere, **headers) == (4401, "not_logged_in")
    if films:
        with server.connect(camera_path, **headers) as stream:
            assert receive(stream)["type"] == "ready"
    else:
        assert turned_away(server, camera_path, **headers) == (4403, "not_allowed")
    with server.connect(dashboard_path, **headers) as stream:
        state = receive(stream)
    assert state["type"] == "register"
    assert state["students"] == []
    assert state["counts"]["expected"] == 4
    assert not {"attempts", "reviews"} & state.keys()


@pytest.mark.fault
def test_rights_that_end_close_the_sockets_within_fifteen_seconds(
    server: Served, school: World, camera_path: str, dashboard_path: str
) -> None:
    second = User.objects.create_user("second", password="x", role="teacher")
    Teaching.objects.create(
        user=second, school_class=school.school_class, starts_on=dt.date(2020, 1, 1), ends_on=None
    )
    login = {"Origin": server.origin, "Cookie": cookie_of(school.teacher)}
    device = {"Origin": server.origin, "Cookie": device_cookie(school, DeviceKind.CAMERA)}
    revoked, plain = tokens.create(user=school.teacher, name="revoked", actor=None)
    with ExitStack() as stack:
        sockets = {
            name: (stack.enter_context(stream), code)
            for name, stream, code in (
                ("teaching", server.token(camera_path, second), 4403),
                ("teaching, watching", server.token(dashboard_path, second), 4403),
                ("token", server.connect(camera_path, Authorization=f"Token {plain}"), 4401),
                ("logout", server.connect(camera_path, **login), 4401),
                ("device", server.connect(camera_path, **device), 4401),
            )
        }
        for stream, _ in sockets.values():
            assert receive(stream)["type"] in {"ready", "register"}
        Teaching.objects.filter(user=second).delete()
        tokens.revoke(token=revoked, actor=None)
        Device.objects.update(revoked_at=timezone.now())
        Login.objects.all().delete()
        found = {name: closes(stream, 15)[0] for name, (stream, _) in sockets.items()}
        assert found == {name: code for name, (_, code) in sockets.items()}
