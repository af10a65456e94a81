"""The newest result of each camera, as different people may see it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from attendance.live.camera_state import LATEST_RESULTS
from attendance.people import consents
from recognition.engine.types import SPACE, Decision, Match, State
from recognition.streams.frame_results import FrameFace, FrameResult
from tests.api.conftest import Client, Fits
from tests.world import World, photograph, vector

Latest = dict[str, Any]


def face(track: int, state: State, student: object = None, near: object = None) -> FrameFace:
    candidates = () if near is None else (Match(str(near), 0.52),)
    named = None if student is None else str(student)
    return FrameFace((10, 20, 60, 80), track, Decision(state, named, 0.31234, 0.2, 0.97654, 4, candidates))


@pytest.fixture
def cameras(world: World) -> Iterator[World]:
    """Keep the results of two cameras: one with Ann, an unknown face near Bea and an uncertain one; the other empty."""
    photograph(world.ann, vector(1))
    faces = (
        face(1, State.RECOGNISED, world.ann.pk),
        face(2, State.UNKNOWN, near=world.bea.pk),
        face(3, State.UNCERTAIN, near=world.bea.pk),
    )
    LATEST_RESULTS.get().remember(
        world.session.pk, "front", FrameResult(faces, (), (), SPACE, {"detect": 6.123})
    )
    LATEST_RESULTS.get().remember(world.session.pk, "back", FrameResult((), (), (), SPACE, {}))
    yield world
    for camera in ("front", "back"):
        LATEST_RESULTS.get().forget(world.session.pk, camera)


@pytest.fixture
def asked(cameras: World, client_of: Client, fits: Fits) -> Callable[[str], Latest]:
    """Return the answer to a person, checked against the schema."""

    def ask(who: str) -> Latest:
        path = f"/api/v1/sessions/{cameras.session.pk}/latest/"
        answer = client_of(getattr(cameras, who)).get(path)
        assert answer.status_code == 200
        fits("LatestState", answer.json())
        found: Latest = answer.json()
        return found

    return ask


def test_latest_results_have_the_newest_of_each_camera(
    cameras: World, asked: Callable[[str], Latest]
) -> None:
    found = asked("teacher")
    back, front = found["cameras"]
    assert found["session"] == str(cameras.session.pk)
    assert (back["camera"], back["faces"], front["camera"]) == ("back", [], "front")
    assert front["ms"] == {"detect": 6.1}
    assert front["faces"][0] == {
        "box": [10, 20, 60, 80],
        "track": 1,
        "state": "recognised",
        "student": {"id": str(cameras.ann.pk), "name": "Ann Ash"},
        "distance": 0.312,
        "confidence": 0.977,
        "looks": 4,
    }
    assert timezone.now() - dt.datetime.fromisoformat(front["at"]) < dt.timedelta(seconds=10)


def test_latest_face_without_name_has_box_track_and_state_only(asked: Callable[[str], Latest]) -> None:
    faces = asked("administrator")["cameras"][1]["faces"]
    assert [each["state"] for each in faces] == ["recognised", "unknown", "uncertain"]
    for each in faces[1:]:
        assert (each["student"], each["distance"], each["confidence"]) == (None, None, None)
        assert "Bea" not in str(each)


def test_latest_results_for_viewer_have_names_without_distances(asked: Callable[[str], Latest]) -> None:
    recognised = asked("viewer")["cameras"][1]["faces"][0]
    assert recognised["student"]["name"] == "Ann Ash"
    assert (recognised["distance"], recognised["confidence"]) == (None, None)


def test_latest_face_has_no_name_after_withdrawal(cameras: World, asked: Callable[[str], Latest]) -> None:
    consents.withdraw(student_id=cameras.ann.pk, actor=None, now=timezone.now())
    gone = asked("teacher")["cameras"][1]["faces"][0]
    assert (gone["state"], gone["student"], gone["distance"]) == ("unavailable", None, None)


def test_latest_results_leave_out_old_frames(
    asked: Callable[[str], Latest], monkeypatch: pytest.MonkeyPatch
) -> None:
    later = timezone.now() + dt.timedelta(seconds=11)
    monkeypatch.setattr(timezone, "now", lambda: later)
    assert asked("teacher")["cameras"] == []


def test_latest_results_of_many_faces_need_as_many_queries_as_one(
    cameras: World, client_of: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    faces = tuple(face(number, State.RECOGNISED, cameras.ann.pk) for number in range(20))
    LATEST_RESULTS.get().remember(cameras.session.pk, "front", FrameResult(faces, (), (), SPACE, {}))
    client = client_of(cameras.teacher)
    with django_assert_max_num_queries(7):
        answer = client.get(f"/api/v1/sessions/{cameras.session.pk}/latest/")
    assert len(answer.json()["cameras"][1]["faces"]) == 20
