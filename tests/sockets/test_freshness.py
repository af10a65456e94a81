"""No process names a student after the withdrawal was committed, even where the withdrawing process dies then."""

import os
import subprocess
import sys
from itertools import cycle, islice
from pathlib import Path

import pytest
from websockets.sync.client import ClientConnection

from attendance.models import Consent, Mark, Photograph, Student
from tests.material import ROOT
from tests.sockets.people import clip_frames
from tests.sockets.serving import Served, database_url, frame, receive, serving
from tests.world import World

WITHDRAW_AND_DIE = """
import os, django
django.setup()
from django.db import transaction
from django.utils import timezone
from attendance.people import consents
from attendance.models import Student
with transaction.atomic():
    consents.withdraw(student_id="{student}", actor=None, now=timezone.now())
os.kill(os.getpid(), 9)
"""

pytestmark = pytest.mark.fault

# Frames, of about 50 ms each, within which a face that is in all of them must be named.
PATIENCE = 300


def named_on(stream: ClientConnection, frames: list[bytes]) -> int:
    """Send the frames repeatedly until somebody is named, and return the number of the next frame.

    A track wants looks that lie apart in time, so how many frames that takes depends on how fast they are answered.
    """
    for seq, picture in enumerate(islice(cycle(frames), PATIENCE)):
        stream.send(frame(seq, picture))
        named = [face["student"]["name"] for face in receive(stream, "result")["faces"] if face["student"]]
        if named:
            assert named == ["Ann Ash"]
            return seq + 1
    raise AssertionError("nobody was named")


def names(server: Served, school: World, path: str, frames: list[bytes]) -> list[str]:
    """Return the names that the server gave in these frames."""
    with server.token(path, school.teacher) as stream:
        receive(stream, "ready")
        found = []
        for seq, picture in enumerate(frames):
            stream.send(frame(seq, picture))
            result = receive(stream, "result")
            found += [face["student"]["name"] for face in result["faces"] if face["student"]]
        return found


def test_student_is_never_named_after_a_committed_withdrawal(
    server: Served, school: World, miranda: Student, camera_path: str, tmp_path: Path
) -> None:
    frames = clip_frames(90, 200, 10)
    with serving(tmp_path / "second.log") as second:
        with second.token(camera_path, school.teacher) as stream:
            receive(stream, "ready")
            named_on(stream, frames)
        with server.token(camera_path, school.teacher) as stream:
            receive(stream, "ready")
            following = named_on(stream, frames)
            died = subprocess.run(
                [sys.executable, "-c", WITHDRAW_AND_DIE.format(student=miranda.pk)],
                cwd=ROOT,
                env={**os.environ, "DATABASE_URL": database_url()},
                check=False,
            )
            assert died.returncode == -9
            assert not Consent.objects.filter(student=miranda, withdrawn_at=None).exists()
            assert not Photograph.objects.filter(student=miranda).exists()
            # The very track that had the name loses it with the next frame.
            for seq, picture in enumerate(frames, start=following):
                stream.send(frame(seq, picture))
                after = receive(stream, "result")
                assert [face["student"] for face in after["faces"]] == [None] * len(after["faces"])
                assert all(face["state"] != "recognised" for face in after["faces"])
        for each in (server, second):
            assert names(each, school, camera_path, frames * 3) == []
    assert Mark.objects.filter(session=school.session).count() == 1
