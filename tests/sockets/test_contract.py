"""Each message of both sockets, from a token client against a real server."""

import socket
import struct
import threading
import time
import zlib
from collections import Counter
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager

import pytest
from django.utils import timezone
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection

from attendance.models import Mark
from attendance.register import signing
from tests.sockets import in_process
from tests.sockets.serving import Message, Served, frame, receive
from tests.world import World, by_hand

MEMBERS_OF_A_RESULT = {"type", "seq", "faces", "dropped", "ms"}
STAGES = ["queue", "decode", "detect", "align", "encode", "match", "total"]


def png_bomb(width: int, height: int) -> bytes:
    """Return a PNG of a few bytes whose header claims a large image."""
    chunks = (
        (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)),
        (b"IDAT", zlib.compress(b"")),
        (b"IEND", b""),
    )
    body = b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        for name, data in chunks
    )
    return b"\x89PNG\r\n\x1a\n" + body


@contextmanager
def ready(server: Served, path: str, school: World) -> Iterator[ClientConnection]:
    with server.token(path, school.teacher) as stream:
        assert receive(stream)["type"] == "ready"
        yield stream


def following(stream: ClientConnection) -> Message:
    """Return the next message but advice, which comes whenever the cost of frames has changed."""
    while (message := receive(stream))["type"] == "advice":
        pass
    return message


def answer(stream: ClientConnection, data: bytes | str) -> Message:
    stream.send(data)
    return following(stream)


def test_frame_has_one_answer_with_number_and_times(
    server: Served, school: World, camera_path: str, blank: bytes
) -> None:
    with ready(server, camera_path, school) as stream:
        for seq in (0, 7, 2**32 - 1):
            found = answer(stream, frame(seq, blank))
            assert found.keys() == MEMBERS_OF_A_RESULT
            assert (found["type"], found["seq"], found["faces"], found["dropped"]) == ("result", seq, [], 0)
            assert list(found["ms"]) == STAGES
            assert found["ms"]["total"] >= found["ms"]["detect"]
            # Where nothing moved in an empty view nothing is searched for faces.
            assert (found["ms"]["detect"] > 0) is (seq == 0)


def test_message_that_is_no_frame_is_answered_with_an_error(
    server: Served, school: World, camera_path: str, blank: bytes
) -> None:
    wrong: list[tuple[bytes | str, str, int | None]] = [
        ("a sentence", "bad_frame", None),
        (b"", "bad_frame", None),
        (b"\0\0\1", "bad_frame", None),
        (frame(1, b""), "bad_frame", 1),
        (frame(2, b"no picture at all"), "bad_frame", 2),
        (frame(3, blank[: len(blank) // 2]), "bad_frame", 3),
        (frame(4, b"GIF89a" + bytes(50)), "bad_frame", 4),
        (frame(5, png_bomb(100, 100)), "bad_frame", 5),
        (frame(6, png_bomb(10_000, 10_000)), "too_large", 6),
        (frame(7, blank + bytes(2 * 1024 * 1024)), "too_large", 7),
        (frame(8, bytes(7 * 1024 * 1024)), "too_large", 8),
    ]
    with ready(server, camera_path, school) as stream:
        for data, code, seq in wrong:
            said = answer(stream, data)
            assert (said["type"], said["code"], said["seq"]) == ("error", code, seq)
            assert said["message"]
        assert answer(stream, frame(9, blank))["seq"] == 9


def test_oversized_message_ends_only_its_socket(
    server: Served, school: World, camera_path: str, blank: bytes
) -> None:
    with ready(server, camera_path, school) as other:
        with pytest.raises(ConnectionClosed), ready(server, camera_path, school) as stream:
            answer(stream, bytes(9 * 1024 * 1024))
        assert answer(other, frame(1, blank))["type"] == "result"


def test_frames_are_all_answered_or_counted(
    server: Served, school: World, camera_path: str, blank: bytes
) -> None:
    with ready(server, camera_path, school) as stream:
        for seq in range(60):
            stream.send(frame(seq, blank))
        answered: list[int] = []
        dropped = 0
        while not answered or answered[-1] != 59:
            said = receive(stream)
            if said["type"] == "result":
                answered.append(said["seq"])
                dropped += said["dropped"]
        assert len(answered) + dropped == 60
        assert answered == sorted(set(answered))


def test_marks_by_hand_are_sent_to_both_sockets_with_rising_versions(
    server: Served, school: World, camera_path: str, dashboard_path: str
) -> None:
    with (
        ready(server, camera_path, school) as camera,
        server.token(dashboard_path, school.teacher) as dashboard,
    ):
        before = receive(dashboard)
        assert before.keys() >= {"type", "version", "session", "codes", "counts", "students", "reviews"}
        for place, letter in enumerate(("/", "L", None), start=1):
            by_hand(school, school.ann, letter)
            kind = "mark" if letter else "unmark"
            for stream in (camera, dashboard):
                said = following(stream)
                assert said["type"] == kind
                assert said["student"] == {"id": str(school.ann.pk), "name": "Ann Ash"}
                assert said["code"] == letter
                assert said["status"] == {"/": "present", "L": "late", None: None}[letter]
                assert said["version"] == before["version"] + place
                assert said["mark"] == str(Mark.objects.get().pk)


def test_signing_is_sent_to_both_sockets_and_frames_are_refused(
    server: Served, school: World, camera_path: str, dashboard_path: str, blank: bytes
) -> None:
    with (
        ready(server, camera_path, school) as camera,
        server.token(dashboard_path, school.teacher) as dashboard,
    ):
        receive(dashboard)
        signing.sign(session_id=school.session.pk, actor=school.teacher, now=timezone.now())
        for stream in (camera, dashboard):
            said = receive(stream, "session")
            assert said["session"]["state"] == "signed"
        said = answer(camera, frame(3, blank))
        assert (said["code"], said["seq"]) == ("session_closed", 3)
        signing.reopen(
            session_id=school.session.pk, actor=school.teacher, now=timezone.now(), reason="too early"
        )
        assert receive(camera, "session")["session"]["state"] == "open"
        assert answer(camera, frame(4, blank))["type"] == "result"


def test_dashboard_refuses_messages(server: Served, school: World, dashboard_path: str) -> None:
    with server.token(dashboard_path, school.teacher) as stream:
        receive(stream)
        assert answer(stream, "mark everybody")["code"] == "bad_frame"
        assert answer(stream, b"\0\0\0\1picture")["code"] == "bad_frame"


async def test_advice_changes_with_the_number_of_cameras(
    school: World, recogniser: in_process.FakeRecogniser, authorization: bytes
) -> None:
    """Inside this process, where a frame has a cost that the test knows."""
    async with in_process.camera_socket(school, authorization) as first:
        await in_process.receive(first, "ready")
        recogniser.next_result()
        await in_process.send_frame(first)
        async with AsyncExitStack() as others:
            for _ in range(60):
                other = await others.enter_async_context(in_process.camera_socket(school, authorization))
                await in_process.receive(other, "ready")
            lowest = (await in_process.receive(first, "advice"))["advice"]["fps"]
        assert lowest < 5
        # It may have been told before all of them were there, and then hears of the rest first.
        while (fps := (await in_process.receive(first, "advice"))["advice"]["fps"]) < lowest:
            lowest = fps
        assert fps > lowest


@pytest.mark.fault
def test_flood_closes_1008_and_leaves_other_cameras(
    server: Served, school: World, camera_path: str, blank: bytes
) -> None:
    with ready(server, camera_path, school) as calm, ready(server, camera_path, school) as flooding:
        began = time.monotonic()

        def flood() -> None:
            pause = threading.Event()
            try:
                while time.monotonic() - began < 15:
                    flooding.send(frame(0, b"x"))
                    pause.wait(0.008)
            except ConnectionClosed:
                return

        def listen() -> None:
            try:
                while True:
                    flooding.recv()
            except ConnectionClosed:
                return

        threads = [threading.Thread(target=work) for work in (flood, listen)]
        for thread in threads:
            thread.start()
        slowest, seq = 0.0, 0
        while threads[0].is_alive():
            sent = time.monotonic()
            assert answer(calm, frame(seq, blank))["seq"] == seq
            slowest, seq = max(slowest, time.monotonic() - sent), seq + 1
        lasted = time.monotonic() - began
        for thread in threads:
            thread.join()
        assert flooding.close_code == 1008
        assert 4.5 < lasted < 9
        assert seq > 20
        assert slowest < 1


def test_camera_that_disconnects_frees_its_place(
    server: Served, school: World, camera_path: str, blank: bytes
) -> None:
    for _ in range(5):
        with ready(server, camera_path, school) as stream:
            stream.send(frame(1, blank))
            stream.socket.shutdown(socket.SHUT_RDWR)
    with ready(server, camera_path, school) as stream:
        found = Counter(answer(stream, frame(seq, blank))["type"] for seq in range(5))
    assert found == {"result": 5}
