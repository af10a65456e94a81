"""Writing marks: nonces, revisions, tokens and lists."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from attendance import register
from attendance.models import AuditEvent, Mark, MarkEvent, Source, Student
from attendance.register import MatchEvidence
from tests.api.conftest import Client, Fits
from tests.world import World


@pytest.fixture
def teacher(world: World, client_of: Client) -> APIClient:
    return client_of(world.teacher)


def put(client: APIClient, world: World, student: Student, **body: Any) -> Any:
    path = f"/api/v1/sessions/{world.session.pk}/marks/{student.pk}/"
    return client.put(path, {"code": "/", **body}, format="json")


def test_mark_with_repeated_nonce_is_written_once(world: World, teacher: APIClient) -> None:
    first = put(teacher, world, world.ann, nonce="n1").json()
    again = put(teacher, world, world.ann, nonce="n1").json()
    assert (first["outcome"], again["outcome"], again["reason"]) == ("created", "already_marked", "repeated")
    assert first["mark"] == again["mark"]
    other = put(teacher, world, world.bea, nonce="n1")
    assert (other.status_code, other.json()["code"]) == (409, "nonce_reused")


@pytest.mark.django_db(transaction=True)  # two requests, each with its own connection
def test_simultaneous_marks_with_one_nonce_are_written_once(
    world: World, client_of: Client, fits: Fits
) -> None:
    clients, gate = [client_of(world.teacher) for _each in range(2)], threading.Barrier(2)

    def send(client: APIClient) -> Any:
        gate.wait(10)
        try:
            return put(client, world, world.ann, nonce="n1").json()
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(send, clients))
    for answer in answers:
        fits("MarkResult", answer)
    assert {each["outcome"] for each in answers} == {"created", "already_marked"}
    assert answers[0]["mark"] == answers[1]["mark"]
    assert MarkEvent.objects.count() == 1


def test_mark_with_old_revision_is_answered_conflict_with_present_mark(
    world: World, teacher: APIClient
) -> None:
    put(teacher, world, world.ann)
    answer = put(teacher, world, world.ann, code="N", revision=0)
    assert answer.status_code == 409
    assert answer.json()["code"] == "conflict"
    assert answer.json()["extra"]["mark"]["code"] == "/"
    assert put(teacher, world, world.ann, code="N", revision=1).json()["mark"]["code"] == "N"


def test_mark_removal_takes_fields_from_body_or_address(world: World, teacher: APIClient) -> None:
    path = f"/api/v1/sessions/{world.session.pk}/marks/{world.ann.pk}/"
    put(teacher, world, world.ann)
    assert teacher.delete(f"{path}?reason=wrong&revision=1").json()["mark"]["code"] is None
    put(teacher, world, world.ann)
    assert teacher.delete(path, {"reason": "wrong"}, format="json").json()["outcome"] == "changed"
    assert set(MarkEvent.objects.filter(to_code=None).values_list("reason", flat=True)) == {"wrong"}


def test_mark_by_token_has_source_api(world: World, token_client: Callable[..., APIClient]) -> None:
    assert put(token_client(world.teacher), world, world.ann).json()["mark"]["source"] == "api"


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"code": "?"}, 404, "no_such_code"),
        ({"code": "C"}, 403, "code_of_the_office"),
        ({"code": None}, 400, "invalid"),
        ({"revision": -1}, 400, "invalid"),
        ({"revision": 2**40}, 400, "invalid"),
        ({"note": "x" * 301}, 400, "invalid"),
        ({"note": "a\x00b"}, 400, "invalid"),
        ({"nonce": "x" * 65}, 400, "invalid"),
        ({"seen_at": "yesterday"}, 400, "invalid"),
        ({"seen_at": "0001-01-01T00:00:00+14:00"}, 400, "invalid"),
        ({"seen_at": "2100-01-01T00:00:00Z"}, 400, "doubtful_clock"),
        ({"source": "camera"}, 400, "invalid"),
    ],
)
def test_mark_with_invalid_field_is_refused(
    world: World, teacher: APIClient, body: dict[str, Any], status: int, code: str
) -> None:
    answer = put(teacher, world, world.ann, **body)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert not Mark.objects.exists()


def test_mark_of_student_of_other_class_is_refused_and_counted(world: World, teacher: APIClient) -> None:
    answer = put(teacher, world, world.eve)
    assert (answer.status_code, answer.json()["code"]) == (400, "not_a_member")


def test_remaining_marks_are_written_only_for_expected_number(
    world: World, teacher: APIClient, fits: Fits
) -> None:
    path = f"/api/v1/sessions/{world.session.pk}/marks/remaining/"
    wrong = teacher.post(path, {"code": "N", "expected": 3}, format="json")
    assert (wrong.status_code, wrong.json()["extra"]) == (409, {"unmarked": 4})
    done = teacher.post(path, {"code": "N", "expected": 4}, format="json").json()
    fits("RemainingMarksOut", done)
    assert done["marked"] == 4
    listed = teacher.get("/api/v1/marks/").json()
    fits("PaginatedMarkOutList", listed)
    assert {mark["code"] for mark in listed["results"]} == {"N"}


def test_mark_history_has_evidence_for_those_who_may_see_faces(
    world: World, client_of: Client, fits: Fits
) -> None:
    seen = MatchEvidence(0.2, 0.3, 0.99, 5, 2, "space", "camera 1", b"a jpeg")
    result = register.mark(register.MarkRequest(
        session_id=world.session.pk, student_id=world.ann.pk, code="/", source=Source.CAMERA,
        actor=None, now=world.now, evidence=seen,
    ))  # fmt: skip
    assert result.mark is not None
    path = f"/api/v1/marks/{result.mark.pk}/history/"
    history = client_of(world.teacher).get(path).json()
    fits("PaginatedMarkEventOutList", history)
    event = history["results"][0]
    assert event["evidence"]["looks"] == 5
    image = client_of(world.teacher).get(event["evidence"]["image"])
    assert (image.status_code, image.content) == (200, b"a jpeg")
    assert image.headers["Cache-Control"] == "private, no-store"
    assert AuditEvent.objects.filter(action="evidence_viewed").count() == 1
    assert client_of(world.other_teacher).get(event["evidence"]["image"]).status_code == 403
    assert client_of(world.viewer).get(path).json()["results"][0]["evidence"] is None


def queries(client: APIClient, path: str) -> int:
    with CaptureQueriesContext(connection) as seen:
        assert client.get(f"/api/v1/{path}").status_code == 200
    return len(seen)


@pytest.mark.parametrize("path", ["students/", "memberships/", "sessions/", "marks/", "classes/", "register"])
def test_lists_need_as_many_queries_for_many_rows_as_for_one(
    world: World, teacher: APIClient, path: str
) -> None:
    path = f"sessions/{world.session.pk}/register/" if path == "register" else path
    put(teacher, world, world.ann)
    before = queries(teacher, path)
    for student in (world.bea, world.cem, world.dan):
        put(teacher, world, student)
    from tests.world import open_session

    for minutes in (90, 180):
        open_session(world.school_class, world.now, minutes_ago=minutes)
    assert queries(teacher, path) == before <= 12
