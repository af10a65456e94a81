"""Confusable pairs and rejected matches, from enrolment to the camera's answer."""

from __future__ import annotations

from itertools import combinations, cycle, islice

import cv2
import numpy as np
import pytest
from django.utils import timezone
from websockets.sync.client import ClientConnection

from attendance.faces import enrolment, templates
from attendance.live import not_this_student, review_queue
from attendance.models import (
    ConfusablePair,
    Mark,
    MarkEvent,
    Photograph,
    RejectedMatch,
    Review,
    Student,
    Template,
)
from attendance.register import rejected_matches
from recognition.engine.identification.rejection import SAME_FACE
from recognition.engine.images.image import decode, encode_jpeg
from recognition.engine.types import Array
from tests import material, world
from tests.sockets.people import clip_frames
from tests.sockets.serving import Message, Served, frame, receive
from tests.world import World

pytestmark = pytest.mark.timeout(300)
PATIENCE = 300


@pytest.fixture(scope="module")
def film() -> list[bytes]:
    """Return frames that show one man without a break."""
    return clip_frames(85, 210, 6)


def shown(stream: ClientConnection, film: list[bytes], state: str, first: int = 0) -> Message:
    """Send the film until a face has that state; return the face, with the `marks` that came before it."""
    marks: list[Message] = []
    for seq, picture in enumerate(islice(cycle(film), PATIENCE), start=first):
        stream.send(frame(seq, picture))
        while (said := receive(stream))["type"] != "result":
            if said["type"] == "mark":
                marks.append(said)
        for face in said["faces"]:
            if face["state"] == state:
                return {**face, "marks": marks, "seq": seq}
    pytest.fail(f"nobody was {state}")


def waiting(dashboard: ClientConnection) -> int:
    """Return how many faces wait, once some do: from the event, or from the register after a gap."""
    while True:
        said = receive(dashboard)
        if found := said.get("waiting") or said.get("reviews"):
            return int(found)


def all_states(stream: ClientConnection, film: list[bytes], first: int, count: int) -> set[str]:
    states: set[str] = set()
    for seq, picture in enumerate(islice(cycle(film), count), start=first):
        stream.send(frame(seq, picture))
        result = receive(stream, "result")
        states |= {face["state"] for face in result["faces"]}
        assert [face["student"] for face in result["faces"]] == [None] * len(result["faces"])
    return states


def apart(one: Review, other: Review) -> float:
    """Return the distance between the faces of two reviews."""
    faces = [
        rejected_matches.unseal(row.sealed_template, "review", row.pk, row.session_id) for row in (one, other)
    ]
    return float(np.linalg.norm(faces[0] - faces[1]))


def test_twin_is_queued_for_review_and_never_guessed(
    server: Served, school: World, miranda: Student, camera_path: str, dashboard_path: str, film: list[bytes]
) -> None:
    """Enrol the man's mirrored photograph for Bea, with a reason, as a twin's."""
    path = material.film().photograph
    mirrored = encode_jpeg(np.ascontiguousarray(cv2.flip(decode(path.read_bytes()), 1)), 95)

    def enrol(reason: str) -> enrolment.Verdict:
        return enrolment.enrol(
            student_id=school.bea.pk,
            data=mirrored,
            actor=school.registrar,
            now=timezone.now(),
            override_reason=reason,
        )

    held = enrol("")
    assert (held.accepted, held.code) == (False, "looks_like_another")
    assert not ConfusablePair.objects.exists()
    assert enrol("Twins.").accepted
    pair = ConfusablePair.objects.get()
    assert {pair.first, pair.second} == {miranda, school.bea}
    with (
        server.token(camera_path, school.teacher) as camera,
        server.token(dashboard_path, school.teacher) as dashboard,
    ):
        receive(camera, "ready")
        receive(dashboard, "register")
        face = shown(camera, film, "uncertain")
        assert (face["student"], face["marks"]) == (None, [])
        assert waiting(dashboard) == 1
        assert "recognised" not in all_states(camera, film, face["seq"] + 1, 60)
        assert not Mark.objects.exists()
        # The film cuts back to its beginning: a track of his that begins there may look new, and be asked about too.
        asked = list(Review.objects.select_related("first", "second").order_by("seen_at"))
        assert all({review.first, review.second} == {miranda, school.bea} for review in asked)
        assert all(apart(*pair) > SAME_FACE for pair in combinations(asked, 2))
        review_queue.decide(
            review_id=asked[0].pk,
            verdict="student",
            student_id=school.bea.pk,
            actor=school.teacher,
            now=timezone.now(),
        )
        assert receive(camera, "mark")["student"]["name"] == "Bea Birch"


def beside(template: Array, angle: float) -> Array:
    """Return another unit template, rotated from this one by that many degrees."""
    across = world.vector(5)
    across = across - (across @ template) * template
    turned = np.cos(np.radians(angle)) * template + np.sin(np.radians(angle)) * across / np.linalg.norm(
        across
    )
    return np.asarray(turned, np.float32)


def test_confusable_pair_needs_a_larger_margin(
    server: Served, school: World, miranda: Student, camera_path: str, film: list[bytes]
) -> None:
    """Give Bea a template far enough to name anybody else, and near enough for a confusable pair."""
    path = material.film().photograph
    stored = Template.objects.select_related("photograph", "space").get()
    assert stored.photograph_id is not None
    template = templates.unseal(stored.sealed, stored.photograph_id, miranda.pk, stored.space.name)
    world.photograph(school.bea, beside(template, 15.5))
    Photograph.objects.get(student=miranda).delete()
    again = enrolment.enrol(
        student_id=miranda.pk, data=path.read_bytes(), actor=school.registrar, now=timezone.now(),
        override_reason="Twins.",
    )  # fmt: skip
    assert again.accepted
    assert ConfusablePair.objects.count() == 1
    with server.token(camera_path, school.teacher) as camera:
        receive(camera, "ready")
        face = shown(camera, film, "uncertain")
        assert "recognised" not in all_states(camera, film, face["seq"] + 1, 60)
    assert not Mark.objects.exists()
    # Nothing but the pair held the name back.
    ConfusablePair.objects.all().delete()
    with server.token(camera_path, school.teacher) as camera:
        receive(camera, "ready")
        assert shown(camera, film, "recognised")["student"]["name"] == "Ann Ash"


def test_rejected_match_is_not_repeated_until_signing(
    server: Served, school: World, miranda: Student, camera_path: str, film: list[bytes]
) -> None:
    with server.token(camera_path, school.teacher) as camera:
        receive(camera, "ready")
        face = shown(camera, film, "recognised")
        mark = face["marks"][0] if face["marks"] else receive(camera, "mark")
        assert mark["student"]["name"] == "Ann Ash"
        assert not_this_student.by_teacher(mark_id=mark["mark"], actor=school.teacher, now=timezone.now())
        assert receive(camera, "unmark")["mark"] == mark["mark"]
        # The event that says so may come a moment after the first frames: they are not marked by, at any rate.
        for _ in range(PATIENCE):
            camera.send(frame(0, film[0]))
            if all(each["student"] is None for each in receive(camera, "result")["faces"]):
                break
        assert "recognised" not in all_states(camera, film, 1, 60)
    with server.token(camera_path, school.teacher) as another:
        receive(another, "ready")
        assert "recognised" not in all_states(another, film, 0, 60)
    assert Mark.objects.get().code is None
    assert MarkEvent.objects.count() == 2
    assert RejectedMatch.objects.get().student == miranda
