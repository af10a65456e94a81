"""Whoever is withdrawn is named by no process once that is committed, even by one that dies as it commits."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from attendance.models import Consent, Mark, Photograph, Student
from tests.material import ROOT
from tests.sockets.people import clip_frames
from tests.sockets.serving import Served, database_url, frame, hear, serving
from tests.world import World

WITHDRAW_AND_DIE = """
import os, django
django.setup()
from django.db import transaction
from django.utils import timezone
from attendance import consents
from attendance.models import Student
with transaction.atomic():
    consents.withdraw(student_id="{student}", actor=None, now=timezone.now())
os.kill(os.getpid(), 9)
"""

pytestmark = pytest.mark.fault


def names(server: Served, school: World, path: str, frames: list[bytes]) -> list[str]:
    """Whom the server named over these frames."""
    with server.token(path, school.teacher) as stream:
        hear(stream, "ready")
        found = []
        for seq, picture in enumerate(frames):
            stream.send(frame(seq, picture))
            result = hear(stream, "result")
            found += [face["student"]["name"] for face in result["faces"] if face["student"]]
        return found


def test_no_process_names_a_student_after_the_withdrawal_was_committed(
    server: Served, school: World, miranda: Student, camera_path: str, tmp_path: Path
) -> None:
    frames = clip_frames(90, 200, 10)
    with serving(tmp_path / "second.log") as second:
        for each in (server, second):
            assert set(names(each, school, camera_path, frames)) == {"Ann Ash"}
        with server.token(camera_path, school.teacher) as stream:
            hear(stream, "ready")
            for seq, picture in enumerate(frames[:6]):
                stream.send(frame(seq, picture))
                before = hear(stream, "result")
            assert before["faces"][0]["student"]["name"] == "Ann Ash"
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
            for seq, picture in enumerate(frames[6:], start=6):
                stream.send(frame(seq, picture))
                after = hear(stream, "result")
                assert [face["student"] for face in after["faces"]] == [None] * len(after["faces"])
                assert all(face["state"] != "recognised" for face in after["faces"])
        for each in (server, second):
            assert names(each, school, camera_path, frames) == []
    assert Mark.objects.filter(session=school.session).count() == 1
