"""Rejecting a camera's mark by the API, with a real face as evidence."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import pytest
from django.utils import timezone

from attendance import register
from attendance.models import AuditEvent, Mark, MarkEvent, Membership, RejectedMatch, Session, Source
from attendance.register import MatchEvidence, rejected_matches, signing
from recognition.engine.identification.rejection import SAME_FACE
from recognition.engine.images.image import crop, decode, encode_jpeg
from recognition.engine.types import Array
from recognition.shared_engine import engine
from tests.api.conftest import Client, Fits
from tests.material import people
from tests.world import World


@pytest.fixture(scope="module")
def face() -> tuple[bytes, Array]:
    """Return a crop as evidence keeps it, and the template of its face."""
    rgb = decode(people()["obama"][0].read_bytes())
    (found,) = engine().analyse(rgb)
    return encode_jpeg(crop(rgb, found.box)), found.template


def marked(world: World, picture: bytes | None, source: Source = Source.CAMERA) -> Mark:
    seen = MatchEvidence(0.2, 0.3, 0.99, 5, 2, "space", "camera 1", picture)
    result = register.mark(register.MarkRequest(
        session_id=world.session.pk, student_id=world.ann.pk, code="/", source=source,
        actor=world.teacher if source.is_human else None, now=timezone.now(), evidence=seen,
    ))  # fmt: skip
    assert result.mark is not None
    return result.mark


def refuse(client_of: Client, person: Any, mark: Mark) -> Any:
    return client_of(person).post(f"/api/v1/marks/{mark.pk}/not-this-person/")


def test_rejection_removes_mark_and_rejects_the_face(
    world: World, client_of: Client, face: tuple[bytes, Array], fits: Fits
) -> None:
    mark = marked(world, face[0])
    answer = refuse(client_of, world.teacher, mark)
    assert answer.status_code == 200
    fits("MarkRejectionOut", answer.json())
    assert answer.json() == {"outcome": "taken_back", "blocked": True}
    block = RejectedMatch.objects.get()
    assert (block.session, block.student, block.rejected_by) == (world.session, world.ann, world.teacher)
    assert float(np.linalg.norm(rejected_matches.template_of(block) - face[1])) < SAME_FACE
    last = MarkEvent.objects.latest("revision")
    assert (last.to_code, last.source, last.actor) == (None, "review", world.teacher)
    assert last.reason
    said = AuditEvent.objects.get(action="face_refused")
    assert (said.actor, said.row, said.details) == (world.teacher, str(mark.pk), {"blocked": True})
    again = refuse(client_of, world.teacher, mark)
    assert (again.status_code, again.json()["code"]) == (409, "not_from_a_camera")


@pytest.mark.parametrize("picture", [b"no picture", None])
def test_rejection_without_face_removes_only_the_mark(
    world: World, client_of: Client, picture: bytes | None
) -> None:
    answer = refuse(client_of, world.teacher, marked(world, picture))
    assert answer.json() == {"outcome": "taken_back", "blocked": False}
    assert Mark.objects.get().code is None
    assert not RejectedMatch.objects.exists()


def test_rejection_after_signing_keeps_no_face(
    world: World, client_of: Client, face: tuple[bytes, Array]
) -> None:
    mark = marked(world, face[0])
    signing.sign(session_id=world.session.pk, actor=world.teacher, now=timezone.now())
    assert refuse(client_of, world.teacher, mark).json()["blocked"] is False
    assert Mark.objects.get().code is None
    assert not RejectedMatch.objects.exists()
    assert Session.objects.get().state == Session.State.SIGNED


def test_rejection_is_allowed_to_those_who_mark(world: World, client_of: Client) -> None:
    mark = marked(world, None)
    found = {
        name: refuse(client_of, getattr(world, name, None), mark).status_code
        for name in ("nobody", "viewer", "other_teacher", "teacher")
    }
    assert found == {"nobody": 401, "viewer": 403, "other_teacher": 403, "teacher": 200}


def test_rejection_of_mark_by_person_is_refused(world: World, client_of: Client) -> None:
    answer = refuse(client_of, world.teacher, marked(world, None, Source.TEACHER))
    assert (answer.status_code, answer.json()["code"]) == (409, "not_from_a_camera")
    assert Mark.objects.get().letter == "/"


def test_rejection_that_the_register_refuses_is_answered_as_refused(world: World, client_of: Client) -> None:
    mark = marked(world, None)
    Membership.objects.filter(student=world.ann).update(ends_on=world.session.date - dt.timedelta(days=1))
    answer = refuse(client_of, world.teacher, mark)
    assert (answer.status_code, answer.json()["code"]) == (400, "not_a_member")
    assert Mark.objects.get().letter == "/"
    assert not AuditEvent.objects.filter(action="face_refused").exists()
