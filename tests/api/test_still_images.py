"""Enrolment, identification and group photographs, with real faces."""

from io import BytesIO
from pathlib import Path
from typing import Any

import pillow_heif
import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from attendance.models import AuditEvent, Blob, Evidence, Mark, Photograph, Student
from attendance.register import rejected_matches
from recognition.engine.images.image import decode
from recognition.shared_engine import engine
from tests.api.conftest import Client, Fits, upload
from tests.material import people
from tests.world import World


@pytest.fixture
def enrolled(world: World, client_of: Client) -> tuple[Path, ...]:
    """Enrol Obama's photographs for Ann, and return their paths."""
    pictures = people()["obama"]
    path = f"/api/v1/students/{world.ann.pk}/photographs/"
    answer = client_of(world.registrar).post(
        path, {"photograph": upload(pictures[0].read_bytes())}, format="multipart"
    )
    assert answer.status_code == 201, answer.json()
    return pictures


def test_photograph_is_enrolled_answered_and_removed(
    world: World, client_of: Client, enrolled: tuple[Path, ...]
) -> None:
    photograph = Photograph.objects.get()
    image = client_of(world.teacher).get(f"/api/v1/photographs/{photograph.pk}/image/")
    assert (image.status_code, image.headers["Content-Type"]) == (200, "image/jpeg")
    assert image.headers["Cache-Control"] == "private, no-store"
    assert client_of(world.teacher).delete(f"/api/v1/photographs/{photograph.pk}/").status_code == 403
    assert client_of(world.registrar).delete(f"/api/v1/photographs/{photograph.pk}/").status_code == 204


def test_photograph_without_consent_is_refused(world: World, client_of: Client) -> None:
    path = f"/api/v1/students/{world.dan.pk}/photographs/"
    answer = client_of(world.registrar).post(path, {"photograph": BytesIO(b"no picture")}, format="multipart")
    assert (answer.status_code, answer.json()["code"]) == (400, "no_consent")


@pytest.mark.parametrize(
    ("student", "name", "code"), [("ann", "biden", "unlike_own"), ("bea", "obama", "looks_like_another")]
)
def test_photograph_in_doubt_is_accepted_with_a_reason(
    world: World, client_of: Client, enrolled: tuple[Path, ...], student: str, name: str, code: str
) -> None:
    theirs = str(Photograph.objects.get().pk)
    path = f"/api/v1/students/{getattr(world, student).pk}/photographs/"
    picture = people()[name][1]
    refused = client_of(world.registrar).post(
        path, {"photograph": upload(picture.read_bytes())}, format="multipart"
    )
    assert (refused.status_code, refused.json()["code"]) == (400, code)
    extra = refused.json()["extra"]
    assert extra["overridable"] is True
    assert [extra["own"], *(similar["photograph"] for similar in extra["similar"])] == (
        [theirs] if code == "unlike_own" else [None, theirs]
    )
    body = {"photograph": upload(picture.read_bytes()), "override_reason": "Compared by eye."}
    taken = client_of(world.registrar).post(path, body, format="multipart")
    assert (taken.status_code, taken.json()["code"]) == (201, "accepted")
    assert AuditEvent.objects.get(action="photograph_kept_in_doubt").details["codes"] == code


def identify(client: APIClient, world: World, data: bytes, fits: Fits) -> Any:
    body = {"picture": upload(data), "school_class": str(world.school_class.pk)}
    answer = client.post("/api/v1/identify/", body, format="multipart")
    assert answer.status_code == 200, answer.json()
    fits("IdentifiedImage", answer.json())
    return answer.json()["faces"]


def heic(path: Path) -> bytes:
    """Return the image as a phone sends it."""
    rgb, out = decode(path.read_bytes()), BytesIO()
    pillow_heif.from_bytes("RGB", rgb.shape[1::-1], rgb.tobytes()).save(out, quality=90)
    return out.getvalue()


@pytest.mark.django_db(transaction=True)  # the galleries read on a connection of their own
def test_identify_names_known_students_and_stores_nothing(
    world: World, client_of: Client, enrolled: tuple[Path, ...], fits: Fits
) -> None:
    (known,) = identify(client_of(world.teacher), world, enrolled[0].read_bytes(), fits)
    (stranger,) = identify(client_of(world.teacher), world, people()["biden"][0].read_bytes(), fits)
    (by_telephone,) = identify(client_of(world.teacher), world, heic(enrolled[0]), fits)
    assert known["student"] == by_telephone["student"] == {"id": str(world.ann.pk), "name": "Ann Ash"}
    assert stranger["student"] is None
    assert known["eye_distance"] > 20
    assert 0 < known["light"] < 1
    assert known["sharpness"] > 0
    assert not Mark.objects.exists()
    assert Photograph.objects.count() == Blob.objects.count() == 1


def test_photograph_of_a_phone_is_accepted(world: World, client_of: Client, fits: Fits) -> None:
    path = f"/api/v1/students/{world.ann.pk}/photographs/"
    body = {"photograph": upload(heic(people()["obama"][0]))}
    answer = client_of(world.registrar).post(path, body, format="multipart")
    assert answer.status_code == 201
    fits("VerdictOut", answer.json())
    listed = client_of(world.teacher).get(path).json()
    fits("PaginatedPhotographOutList", listed)
    assert listed["count"] == 1


def group(client: APIClient, world: World, *paths: Path) -> Any:
    sent = {"pictures": [upload(path.read_bytes()) for path in paths]}
    return client.post(f"/api/v1/sessions/{world.session.pk}/group/", sent, format="multipart").json()


@pytest.mark.django_db(transaction=True)  # the galleries read on a connection of their own
def test_group_photograph_marks_only_accepted_students(
    world: World, client_of: Client, enrolled: tuple[Path, ...], fits: Fits
) -> None:
    client, stranger = client_of(world.teacher), people()["biden"][0]
    two = group(client, world, stranger, enrolled[0])
    three = group(client, world, enrolled[0], stranger, enrolled[0])
    for answer, places in ((two, [1]), (three, [0, 2])):
        fits("GroupProposals", answer)
        named = [face for face in answer["found"] if face["student"]]
        assert {face["student"]["name"] for face in named} == {"Ann Ash"}
        assert [face["picture"] for face in named] == places
        assert [each["name"] for each in answer["missing"]] == ["Bea Birch", "Cem Cedar", "Dan Dogwood"]
    assert not Mark.objects.exists()
    path = f"/api/v1/sessions/{world.session.pk}/group/accept/"
    body = {"token": three["token"], "students": [str(world.ann.pk), str(world.bea.pk)]}
    first, again = (client.post(path, body, format="json").json() for _time in range(2))
    fits("AcceptedMarks", first)
    assert [each["outcome"] for each in first["results"]] == ["created", "created"]
    assert [each["outcome"] for each in again["results"]] == ["already_marked", "already_marked"]
    sources = dict(Mark.objects.values_list("student", "source"))
    assert sources == {world.ann.pk: "group", world.bea.pk: "teacher"}
    assert Evidence.objects.get().crop is not None
    stolen = client_of(world.registrar).post(path, body, format="json")
    assert stolen.json()["code"] == "token_expired"
    assert Student.objects.count() == 5


@pytest.mark.django_db(transaction=True)  # the galleries read on a connection of their own
def test_group_photograph_does_not_propose_a_rejected_match(
    world: World, client_of: Client, enrolled: tuple[Path, ...]
) -> None:
    client = client_of(world.teacher)
    (face,) = engine().analyse(decode(enrolled[0].read_bytes()))
    assert [each["student"] is None for each in group(client, world, enrolled[0])["found"]] == [False]
    rejected_matches.reject(
        session=world.session,
        student_id=world.ann.pk,
        template=face.template,
        actor=world.teacher,
        now=timezone.now(),
    )
    answer = group(client, world, enrolled[0])
    assert [each for each in answer["found"] if each["student"]] == []
    assert "Ann Ash" in [each["name"] for each in answer["missing"]]
