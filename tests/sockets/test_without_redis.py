"""Valkey is stopped, started again, frozen, slowed and filled: recognition and dashboards continue without errors,
readiness warns, and afterwards everything is as before."""

import json
import os
import signal
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import cycle, islice
from typing import Any
from uuid import uuid4

import pytest
from websockets.sync.client import ClientConnection

from attendance.jobs import queue
from attendance.models import Mark, Student
from config.celery import app
from config.embedded_addresses import VALKEY_SOCKET
from tests.conftest import SERVERS
from tests.sockets import faults
from tests.sockets.faults import Valkey, Way
from tests.sockets.people import clip_frames
from tests.sockets.serving import Message, Served, frame, receive, serving, token_of, wait_for
from tests.world import World, by_hand

pytestmark = pytest.mark.fault
# Seconds after which a dashboard must be correct, whatever Redis does.
PROMISED = 2.0
# Seconds that a busy machine may add.
NOISE = 1.0


@pytest.fixture(scope="module")
def valkey_of_mine() -> Iterator[Valkey]:
    with faults.valkey() as made:
        yield made


@pytest.fixture(scope="module")
def way(valkey_of_mine: Valkey) -> Iterator[Way]:
    with faults.way_to(valkey_of_mine.socket) as made:
        yield made


@pytest.fixture(scope="module")
def alone(django_db_setup: None, way: Way, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Run a server with a Redis of its own: what the test writes reaches it through PostgreSQL only."""
    log = tmp_path_factory.mktemp("alone") / "server.log"
    with serving(log, REDIS_URL=way.url) as served:
        yield served
    said = log.read_text(errors="replace")
    # Libraries log their own lost connections; what must not be is a socket or a page that fails by it.
    assert "Exception inside application" not in said, said
    assert "Internal Server Error" not in said, said


@pytest.fixture
def frames() -> list[bytes]:
    """Enrol Ann with the face in the film."""
    return clip_frames(90, 200, 8)


def get(served: Served, path: str, **headers: str) -> Any:
    """Return what an address answers; a status of 400 or more is an error."""
    request = urllib.request.Request(f"{served.origin}{path}", headers=headers)
    with urllib.request.urlopen(request, timeout=20) as answer:
        body = answer.read().decode()
    return json.loads(body) if body.startswith("{") else body


def cache_health(served: Served) -> Message:
    """Return the cache's part of readiness, which is renewed after five seconds."""
    ready = get(served, "/healthz/ready")
    assert ready["status"] == "ok"
    found: Message = ready["checks"]["cache"]
    assert ready["degraded"] is not found["ok"]
    return found


def faults_counted(served: Served) -> float:
    lines = get(served, "/metrics").splitlines()
    (line,) = [line for line in lines if line.startswith("rollcall_cache_faults_total ")]
    return float(line.split()[1])


def answers(stream: ClientConnection, frames: list[bytes], start: int = 0) -> list[Message]:
    """Check that each frame has one answer: a result, or the error that it was late."""
    found = []
    for seq, picture in enumerate(frames, start):
        stream.send(frame(seq, picture))
        while (said := receive(stream)).get("seq") != seq:
            assert said["type"] != "error", said
        found.append(said)
    return found


def names_ann(stream: ClientConnection, frames: list[bytes]) -> None:
    """Send frames until Ann is named."""
    for seq, picture in enumerate(islice(cycle(frames), 200), 1000):
        (said,) = answers(stream, [picture], seq)
        names = [face["student"]["name"] for face in said.get("faces", ()) if face["student"]]
        if names:
            assert names == ["Ann Ash"]
            return
    raise AssertionError("nobody was named")


def seconds_of(stream: ClientConnection, blank: bytes) -> float:
    """Return the seconds for ten frames, one after the other; each must get its result."""
    began = time.monotonic()
    assert all(said["type"] == "result" for said in answers(stream, [blank] * 10, 5000))
    return time.monotonic() - began


def hears_of_bea(dashboard: ClientConnection, school: World) -> None:
    """Check that a mark of another process appears on the dashboard in time, and disappears in time."""
    for letter, kind in (("/", "mark"), (None, "unmark")):
        began = time.monotonic()
        by_hand(school, school.bea, letter)
        while receive(dashboard, kind, 10)["student"]["name"] != "Bea Birch":
            pass
        assert time.monotonic() - began < PROMISED + NOISE


@contextmanager
def both(served: Served, school: World) -> Iterator[tuple[ClientConnection, ClientConnection, int]]:
    """Connect a camera and a dashboard, and yield them with the register's version."""
    path = f"/ws/sessions/{school.session.pk}/"
    with (
        served.token(f"{path}camera/", school.teacher) as camera,
        served.token(path, school.teacher) as dashboard,
    ):
        receive(camera, "ready")
        yield camera, dashboard, receive(dashboard, "register")["version"]


def all_is_well(served: Served, school: World) -> None:
    """Check that readiness has no warning, and that pages and the API answer."""
    wait_for(lambda: bool(cache_health(served)["ok"]), 15)
    pages_answer(served, school)


def pages_answer(served: Served, school: World) -> None:
    """Return a call of the API that writes marks, which broadcasts through Redis."""
    token = {"Authorization": f"Token {token_of(school.teacher)}"}
    path = f"/api/v1/sessions/{school.session.pk}/"
    mark = urllib.request.Request(
        f"{served.origin}{path}marks/{school.cem.pk}/",
        data=b'{"code": "/"}',
        method="PUT",
        headers={**token, "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(mark, timeout=10) as answer:
        assert answer.status == 200
    shown = get(served, f"{path}register/", **token)
    cem = next(each for each in shown["students"] if each["id"] == str(school.cem.pk))
    assert cem["mark"]["code"] == "/"


def test_recognition_marks_and_dashboards_work_without_valkey(
    alone: Served,
    valkey_of_mine: Valkey,
    school: World,
    miranda: Student,
    dashboard_path: str,
    frames: list[bytes],
) -> None:
    all_is_well(alone, school)
    before = faults_counted(alone)
    with both(alone, school) as (camera, dashboard, version):
        valkey_of_mine.child.stop()
        try:
            names_ann(camera, frames)
            assert receive(dashboard, "mark", 5)["version"] == version + 1
            assert Mark.objects.filter(session=school.session, student=miranda).exists()
            with alone.token(dashboard_path, school.viewer) as late:
                assert receive(late, "register")["version"] == version + 1
            hears_of_bea(dashboard, school)
            pages_answer(alone, school)
            wait_for(lambda: not cache_health(alone)["ok"], 15)
            wait_for(lambda: faults_counted(alone) > before, 15)
        finally:
            valkey_of_mine.start()
        # What the camera still writes must not meet the emptying of the tables: the dashboard is the last.
        names_ann(camera, frames)
        all_is_well(alone, school)
        hears_of_bea(dashboard, school)


def test_hanging_valkey_delays_nothing(
    alone: Served, valkey_of_mine: Valkey, school: World, camera_path: str, blank: bytes
) -> None:
    with alone.token(camera_path, school.teacher) as camera:
        receive(camera, "ready")
        usual = seconds_of(camera, blank)
        pid = valkey_of_mine.child.process.pid
        os.kill(pid, signal.SIGSTOP)
        try:
            # A second of patience for each frame would be ten.
            assert seconds_of(camera, blank) < 2 * usual + 5
            by_hand(school, school.bea, "/")
            assert receive(camera, "mark", 6)["student"]["name"] == "Bea Birch"
            pages_answer(alone, school)
        finally:
            os.kill(pid, signal.SIGCONT)


def test_slow_valkey_causes_a_warning_and_no_delay(
    alone: Served,
    way: Way,
    school: World,
    miranda: Student,
    frames: list[bytes],
    blank: bytes,
) -> None:
    with both(alone, school) as (camera, dashboard, _):
        usual = seconds_of(camera, blank)
        way.delay = 0.5
        try:
            names_ann(camera, frames)
            # Half a second for each frame would be five more.
            assert seconds_of(camera, blank) < 2 * usual + 2.5
            receive(dashboard, "mark", 5)
            hears_of_bea(dashboard, school)
            pages_answer(alone, school)
            wait_for(lambda: "ms to store a value" in cache_health(alone)["fault"], 15)
        finally:
            way.delay = 0.0
        hears_of_bea(dashboard, school)


def test_full_valkey_causes_a_warning_and_no_loss(
    alone: Served,
    valkey_of_mine: Valkey,
    school: World,
    miranda: Student,
    frames: list[bytes],
) -> None:
    before = faults_counted(alone)
    with both(alone, school) as (camera, dashboard, _):
        with faults.full(valkey_of_mine.socket):
            names_ann(camera, frames)
            receive(dashboard, "mark", 5)
            hears_of_bea(dashboard, school)
            pages_answer(alone, school)
            wait_for(lambda: "maxmemory" in cache_health(alone)["fault"], 15)
            wait_for(lambda: faults_counted(alone) > before, 15)
        hears_of_bea(dashboard, school)


def test_job_is_started_by_the_timer_while_the_broker_is_full() -> None:
    app.set_default()  # tasks that several apps may share ring with ours
    with faults.full(SERVERS.sockets / VALKEY_SOCKET):
        assert not queue.wake_worker(uuid4())
    assert queue.wake_worker(uuid4())
