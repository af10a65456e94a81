"""Sessions from planning to signing: register, reviews and devices."""

import datetime as dt
from typing import Any

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from attendance.access import devices
from attendance.live import review_queue
from attendance.models import AuditEvent, Device, Mark, RejectedMatch, Review, Session
from recognition.engine.types import Decision, Match, State
from recognition.streams.frame_results import UncertainTrack
from tests.api.conftest import Client, Fits
from tests.world import World, by_hand, vector


@pytest.fixture
def teacher(world: World, client_of: Client) -> APIClient:
    return client_of(world.teacher)


def test_session_is_planned_opened_marked_and_signed(world: World, teacher: APIClient, fits: Fits) -> None:
    start = timezone.now() + dt.timedelta(hours=2)
    body = {
        "school_class": str(world.school_class.pk), "title": "Physics",
        "starts_at": start.isoformat(), "ends_at": (start + dt.timedelta(hours=1)).isoformat(),
    }  # fmt: skip
    planned = teacher.post("/api/v1/sessions/", body, format="json")
    assert planned.status_code == 201
    fits("SessionOut", planned.json())
    path = f"/api/v1/sessions/{planned.json()['id']}/"
    assert teacher.post(f"{path}start/").json()["state"] == "open"
    assert teacher.put(f"{path}marks/{world.ann.pk}/", {"code": "/"}, format="json").status_code == 200
    state = teacher.get(f"{path}register/").json()
    fits("RegisterState", state)
    assert (state["counts"]["present"], state["counts"]["unmarked"]) == (1, 3)
    closed = teacher.post(f"{path}sign/", {"unmarked": "N"}, format="json").json()
    assert (closed["state"], Mark.objects.filter(code__letter="N").count()) == ("signed", 3)


def test_signing_a_changed_register_is_answered_conflict(world: World, teacher: APIClient) -> None:
    path = f"/api/v1/sessions/{world.session.pk}/sign/"
    seen = [str(each.pk) for each in world.students]
    by_hand(world, world.ann)
    answer = teacher.post(path, {"unmarked": "N", "students": seen}, format="json")
    assert (answer.status_code, answer.json()["code"]) == (409, "conflict")
    assert answer.json()["extra"]["removed"] == [{"id": str(world.ann.pk), "name": "Ann Ash"}]
    signed = teacher.post(path, {"unmarked": "N", "students": seen[1:]}, format="json")
    assert signed.json()["state"] == "signed"


def test_starting_now_twice_gives_one_session(world: World, teacher: APIClient) -> None:
    body = {"school_class": str(world.school_class.pk)}
    found = {teacher.post("/api/v1/sessions/start/", body, format="json").json()["id"] for _time in range(2)}
    assert found == {str(world.session.pk)}


def test_register_lists_refused_attempts(world: World, teacher: APIClient, fits: Fits) -> None:
    path = f"/api/v1/sessions/{world.session.pk}/"
    teacher.put(f"{path}marks/{world.eve.pk}/", {"code": "/"}, format="json")
    state = teacher.get(f"{path}register/").json()
    fits("RegisterState", state)
    (attempt,) = state["attempts"]
    assert (attempt["student"]["name"], attempt["reason"]) == ("Eve Elm", "not_a_member")


@pytest.fixture
def review(world: World) -> Review:
    """Return a review of a face that may be Ann or Bea."""
    candidates = (Match(str(world.ann.pk), 0.33), Match(str(world.bea.pk), 0.35))
    decision = Decision(State.UNCERTAIN, None, 0.33, 0.02, 0.7, 3, candidates)
    review_queue.offer(
        session_id=world.session.pk,
        question=UncertainTrack(1, decision, vector(1), b"a crop"),
        camera="front",
    )
    return Review.objects.get()


def test_review_is_listed_and_its_image_answered(
    world: World, client_of: Client, review: Review, fits: Fits
) -> None:
    listed = client_of(world.teacher).get(f"/api/v1/sessions/{world.session.pk}/reviews/").json()
    fits("ReviewsOut", listed)
    image = client_of(world.teacher).get(listed["results"][0]["image"])
    assert (image.content, image.headers["Cache-Control"]) == (b"a crop", "private, no-store")
    assert AuditEvent.objects.filter(action="review_viewed", actor=world.teacher).exists()
    assert client_of(world.other_teacher).get(listed["results"][0]["image"]).status_code == 403


def test_review_is_decided_only_once(world: World, teacher: APIClient, review: Review, fits: Fits) -> None:
    body = {"verdict": "student", "student": str(world.ann.pk)}
    decided = teacher.post(f"/api/v1/reviews/{review.pk}/decide/", body, format="json").json()
    fits("ReviewDecisionOut", decided)
    assert (decided["result"]["outcome"], Mark.objects.get().source) == ("created", "review")
    assert RejectedMatch.objects.get().student == world.bea
    again = teacher.post(f"/api/v1/reviews/{review.pk}/decide/", body, format="json")
    assert (again.status_code, again.json()["code"]) == (409, "already")


def test_review_decided_as_neither_marks_nobody(
    world: World, teacher: APIClient, review: Review, fits: Fits
) -> None:
    path = f"/api/v1/reviews/{review.pk}/decide/"
    nobody = teacher.post(path, {"verdict": "student"}, format="json")
    assert (nobody.status_code, nobody.json()["code"]) == (400, "student_needed")
    decided = teacher.post(path, {"verdict": "neither"}, format="json").json()
    fits("ReviewDecisionOut", decided)
    assert decided == {"result": None}
    assert not Mark.objects.exists()
    assert set(RejectedMatch.objects.values_list("student", flat=True)) == {world.ann.pk, world.bea.pk}


def test_review_is_not_decided_by_teacher_of_other_class(
    world: World, client_of: Client, review: Review
) -> None:
    path = f"/api/v1/reviews/{review.pk}/decide/"
    answer = client_of(world.other_teacher).post(path, {"verdict": "neither"}, format="json")
    assert (answer.status_code, answer.json()["code"]) == (403, "not_allowed")
    review.refresh_from_db()
    assert review.verdict == Review.Verdict.WAITING


def paired(world: World, teacher: APIClient, client: APIClient, **body: Any) -> Any:
    code = teacher.post(
        f"/api/v1/sessions/{world.session.pk}/pair/", {"kind": "camera"}, format="json"
    ).json()
    return code, client.post("/api/v1/pair/", {"code": code["code"], **body}, format="json")


def test_pairing_code_makes_one_device(world: World, teacher: APIClient, fits: Fits) -> None:
    device = APIClient()
    code, answer = paired(world, teacher, device, label="back row")
    fits("PairingCodeOut", code)
    assert code["url"].endswith(f"/pair/#{code['code']}")
    assert code["svg"].startswith("<svg")
    fits("PairedDeviceOut", answer.json())
    assert answer.json() == {"session": str(world.session.pk), "kind": "camera"}
    cookie = answer.cookies[devices.COOKIE]
    assert (cookie["httponly"], cookie["samesite"]) == (True, "Strict")
    found = devices.authenticate(cookie.value, world.session.pk)
    assert found is not None
    assert (found.label, found.kind) == ("back row", "camera")
    again = APIClient().post("/api/v1/pair/", {"code": code["code"]}, format="json")
    assert (again.status_code, again.json()["code"]) == (400, "pairing_code_invalid")
    assert Device.objects.count() == 1


def test_pairing_ends_the_login_of_the_same_device(
    world: World, teacher: APIClient, client_of: Client
) -> None:
    shared = client_of(world.registrar)
    assert paired(world, teacher, shared)[1].status_code == 200
    assert shared.get("/api/v1/codes/").status_code == 401


def test_guessed_pairing_codes_lock_the_address(world: World) -> None:
    client = APIClient()
    found = [client.post("/api/v1/pair/", {"code": "x"}, format="json").status_code for _time in range(6)]
    assert found == [400] * 5 + [429]


def test_signed_session_gives_no_pairing_code(world: World, teacher: APIClient) -> None:
    Session.objects.update(state=Session.State.SIGNED)
    answer = teacher.post(f"/api/v1/sessions/{world.session.pk}/pair/", {"kind": "camera"}, format="json")
    assert (answer.status_code, answer.json()["code"]) == (409, "session_closed")
