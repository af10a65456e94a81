"""Photographs sent, people identified, and group photographs accepted, with real faces."""

from io import BytesIO
from pathlib import Path

import pytest
from rest_framework.test import APIClient

from attendance.models import AuditEvent, Evidence, Mark, Photograph, Student
from tests.api.conftest import Client
from tests.material import people
from tests.world import World


def upload(path: Path) -> BytesIO:
    file = BytesIO(path.read_bytes())
    file.name = path.name
    return file


@pytest.fixture
def enrolled(world: World, client_of: Client) -> tuple[Path, ...]:
    """Ann has Obama's face; the paths are his pictures."""
    pictures = people()["obama"]
    path = f"/api/v1/students/{world.ann.pk}/photographs/"
    answer = client_of(world.registrar).post(path, {"photograph": upload(pictures[0])}, format="multipart")
    assert answer.status_code == 201, answer.json()
    return pictures


def test_a_photograph_is_taken_shown_and_removed(
    world: World, client_of: Client, enrolled: tuple[Path, ...]
) -> None:
    photograph = Photograph.objects.get()
    image = client_of(world.teacher).get(f"/api/v1/photographs/{photograph.pk}/image/")
    assert (image.status_code, image.headers["Content-Type"]) == (200, "image/jpeg")
    assert image.headers["Cache-Control"] == "private, no-store"
    assert client_of(world.teacher).delete(f"/api/v1/photographs/{photograph.pk}/").status_code == 403
    assert client_of(world.registrar).delete(f"/api/v1/photographs/{photograph.pk}/").status_code == 204


def test_a_photograph_without_consent_is_refused(world: World, client_of: Client) -> None:
    path = f"/api/v1/students/{world.dan.pk}/photographs/"
    answer = client_of(world.registrar).post(path, {"photograph": BytesIO(b"no picture")}, format="multipart")
    assert (answer.status_code, answer.json()["code"]) == (400, "no_consent")


@pytest.mark.parametrize(
    ("student", "name", "code"), [("ann", "biden", "unlike_own"), ("bea", "obama", "looks_like_another")]
)
def test_a_face_in_doubt_is_refused_and_taken_with_a_reason(
    world: World, client_of: Client, enrolled: tuple[Path, ...], student: str, name: str, code: str
) -> None:
    theirs = str(Photograph.objects.get().pk)
    path = f"/api/v1/students/{getattr(world, student).pk}/photographs/"
    picture = people()[name][1]
    refused = client_of(world.registrar).post(path, {"photograph": upload(picture)}, format="multipart")
    assert (refused.status_code, refused.json()["code"]) == (400, code)
    extra = refused.json()["extra"]
    assert extra["overridable"] is True
    assert [extra["own"], *(similar["photograph"] for similar in extra["similar"])] == (
        [theirs] if code == "unlike_own" else [None, theirs]
    )
    body = {"photograph": upload(picture), "override_reason": "Compared by eye."}
    taken = client_of(world.registrar).post(path, body, format="multipart")
    assert (taken.status_code, taken.json()["code"]) == (201, "accepted")
    assert AuditEvent.objects.get(action="photograph_kept_in_doubt").details["codes"] == code


def identify(client: APIClient, world: World, path: Path) -> list[dict[str, object]]:
    body = {"picture": upload(path), "school_class": str(world.school_class.pk)}
    answer = client.post("/api/v1/identify/", body, format="multipart")
    assert answer.status_code == 200, answer.json()
    faces: list[dict[str, object]] = answer.json()["faces"]
    return faces


@pytest.mark.django_db(transaction=True)  # the galleries read on a connection of their own
def test_identify_names_whom_it_knows_and_stores_nothing(
    world: World, client_of: Client, enrolled: tuple[Path, ...]
) -> None:
    (known,) = identify(client_of(world.teacher), world, enrolled[0])
    (stranger,) = identify(client_of(world.teacher), world, people()["biden"][0])
    assert known["student"] == {"id": str(world.ann.pk), "name": "Ann Ash"}
    assert stranger["student"] is None
    assert not Mark.objects.exists()


@pytest.mark.django_db(transaction=True)  # the galleries read on a connection of their own
def test_a_group_photograph_marks_only_whom_a_person_accepts(
    world: World, client_of: Client, enrolled: tuple[Path, ...]
) -> None:
    client, path = client_of(world.teacher), f"/api/v1/sessions/{world.session.pk}/group/"
    answer = client.post(path, {"pictures": [upload(enrolled[0])]}, format="multipart").json()
    assert [face["student"]["name"] for face in answer["found"]] == ["Ann Ash"]
    assert not Mark.objects.exists()
    body = {"token": answer["token"], "students": [str(world.ann.pk), str(world.bea.pk)]}
    for _time in range(2):
        assert client.post(f"{path}accept/", body, format="json").status_code == 200
    assert dict(Mark.objects.values_list("student", "source")) == {
        world.ann.pk: "group",
        world.bea.pk: "teacher",
    }
    assert Evidence.objects.get().crop is not None
    stolen = client_of(world.registrar).post(f"{path}accept/", body, format="json")
    assert stolen.json()["code"] == "token_expired"
    assert Student.objects.count() == 5
