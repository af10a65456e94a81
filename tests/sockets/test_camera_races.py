"""Events that coincide with a camera's frames; each moment is arranged by the test."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest
from django.db import OperationalError, transaction
from django.utils import timezone

from attendance import register
from attendance.access import socket_auth
from attendance.core import db_threads
from attendance.live import camera_marks, review_queue
from attendance.models import Attempt, Mark, RejectedMatch, Review, Session
from attendance.register import MarkRequest, feed, opening
from attendance.register.description import ReviewsMessage
from attendance.sockets import base, hub
from recognition.streams.frame_results import MatchRules
from tests.sockets.in_process import (
    WAIT,
    FakeRecogniser,
    Gate,
    camera_socket,
    mark_ann,
    receive,
    recognised_track,
    send_frame,
    uncertain_track,
    wait_entered,
)
from tests.sockets.serving import frame
from tests.world import World, vector


async def test_recognised_student_is_marked_after_the_camera_disconnects(
    school: World, authorization: bytes, recogniser: FakeRecogniser, monkeypatch: pytest.MonkeyPatch
) -> None:
    recogniser.next_result(claims=[recognised_track(school.ann)])
    async with camera_socket(school, authorization) as socket:
        await receive(socket, "ready")
        gate = Gate(socket_auth.authorise)
        monkeypatch.setattr(base, "authorise", gate)
        assert (await send_frame(socket))["faces"][0]["student"]["name"] == "Ann Ash"
        await wait_entered(gate)
    gate.may_continue.set()
    await asyncio.gather(*base.DETACHED_TASKS)
    assert await db_threads.db(lambda: Mark.objects.get().student_id) == school.ann.pk


async def test_events_are_sent_after_ready(
    school: World, authorization: bytes, recogniser: FakeRecogniser, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = Gate(camera_marks.names)
    monkeypatch.setattr(camera_marks, "names", gate)
    session_hub = hub.hub()
    async with camera_socket(school, authorization) as socket:
        await wait_entered(gate)
        session_hub.publish(school.session.pk, await db_threads.db(mark_ann, school))
        event = await db_threads.db(review_queue.offer, session_id=school.session.pk, camera="back",
                                  question=uncertain_track(school.bea, school.cem, vector(3), 1))  # fmt: skip
        assert event is not None
        session_hub.publish(school.session.pk, event)
        gate.may_continue.set()
        await receive(socket, "ready")
        assert (await receive(socket, "mark"))["student"]["name"] == "Ann Ash"
        await receive(socket, "reviews")


async def test_session_opened_while_connecting_takes_frames(
    school: World, authorization: bytes, recogniser: FakeRecogniser, monkeypatch: pytest.MonkeyPatch
) -> None:
    await db_threads.db(Session.objects.update, state=Session.State.PLANNED)
    snapshot = feed.snapshot

    def opens(session_id: Any) -> Any:
        opening.open_session(session_id=session_id, actor=school.teacher, now=timezone.now())
        return snapshot(session_id)

    monkeypatch.setattr(feed, "snapshot", opens)
    recogniser.next_result()
    async with camera_socket(school, authorization) as socket:
        assert (await receive(socket, "ready"))["session"]["state"] == "open"
        assert (await send_frame(socket))["faces"] == []


async def test_rules_are_the_newest_although_an_older_reading_ends_later(
    school: World, authorization: bytes, recogniser: FakeRecogniser, monkeypatch: pytest.MonkeyPatch
) -> None:
    session_hub, read = hub.hub(), camera_marks.rules
    first, order = threading.Event(), [threading.Event(), threading.Event()]

    def slow_at_first(*args: Any, **given: Any) -> MatchRules:
        found = read(*args, **given)
        if not first.is_set():
            first.set()
            order[0].set()
            order[1].wait(1)
        return found

    def blocked() -> ReviewsMessage:
        offered = review_queue.offer(session_id=school.session.pk, camera="back",
                                question=uncertain_track(school.ann, school.bea, vector(1), 1))  # fmt: skip
        assert offered is not None
        return offered

    def neither() -> ReviewsMessage:
        review_queue.decide(
            review_id=Review.objects.get().pk, verdict="neither", actor=school.teacher, now=timezone.now()
        )
        return {"type": "reviews", "waiting": 0, "version": Session.objects.get().version}

    recogniser.next_result()
    recogniser.next_result()
    async with camera_socket(school, authorization) as socket:
        await receive(socket, "ready")
        await send_frame(socket)
        monkeypatch.setattr(camera_marks, "rules", slow_at_first)
        session_hub.publish(school.session.pk, await db_threads.db(blocked))
        assert await asyncio.to_thread(order[0].wait, WAIT)
        session_hub.publish(school.session.pk, await db_threads.db(neither))
        order[1].set()
        for _ in range(2):
            await receive(socket, "reviews")

        async def known() -> None:
            while len(recogniser.views[0].rules.rejected) != 2:
                await asyncio.to_thread(threading.Event().wait, 0.02)

        await asyncio.wait_for(known(), WAIT)
    assert await db_threads.db(RejectedMatch.objects.count) == 2


async def test_mark_refused_by_a_signed_session_is_tried_again_when_open(
    school: World, authorization: bytes, recogniser: FakeRecogniser
) -> None:
    claim = recognised_track(school.ann)
    async with camera_socket(school, authorization) as socket:
        await receive(socket, "ready")
        # Closed by another process a moment ago: this one has not heard of it, and a frame is under way.
        await db_threads.db(Session.objects.update, state=Session.State.SIGNED)
        recogniser.next_result(claims=[claim])
        recogniser.next_result()
        await send_frame(socket)
        view = recogniser.views[0]
        assert view.handovers.take_mark(claim.track, claim.student)
        await asyncio.gather(*base.DETACHED_TASKS)
        assert view.handovers.take_mark(claim.track, claim.student)
        assert await db_threads.db(lambda: Attempt.objects.get().reason) == Attempt.Reason.SESSION_CLOSED


async def test_face_is_queued_again_after_the_decision_before_it(
    school: World, authorization: bytes, recogniser: FakeRecogniser
) -> None:
    session_hub = hub.hub()
    async with camera_socket(school, authorization) as socket:
        await receive(socket, "ready")
        recogniser.next_result(questions=[uncertain_track(school.ann, school.bea, vector(1), 1)])
        await send_frame(socket, 1)
        assert (await receive(socket, "reviews"))["waiting"] == 1
        # The same face to the house, while the first one waits: nothing to ask yet.
        recogniser.next_result(questions=[uncertain_track(school.bea, school.ann, vector(1), 2)])
        view = recogniser.views[0]
        assert view.handovers.take_question(1)
        assert view.handovers.take_question(2)
        await send_frame(socket, 2)
        await asyncio.gather(*base.DETACHED_TASKS)
        assert view.handovers.tracks == {1, 2}
        session_hub.publish(school.session.pk, await db_threads.db(mark_ann, school))
        await receive(socket, "mark")
        assert view.handovers.tracks == {1, 2}
        session_hub.publish(school.session.pk, await db_threads.db(mark_ann, school, None))
        await receive(socket, "unmark")
        assert view.handovers.tracks == {1}


async def test_mark_that_cannot_be_written_is_reported_and_tried_again(
    school: World, authorization: bytes, recogniser: FakeRecogniser, monkeypatch: pytest.MonkeyPatch
) -> None:
    claim = recognised_track(school.ann)

    def away(*_args: Any, **_given: Any) -> None:
        raise OperationalError("the database is away")

    async with camera_socket(school, authorization) as socket:
        await receive(socket, "ready")
        monkeypatch.setattr(camera_marks, "mark", away)
        recogniser.next_result(claims=[claim])
        await send_frame(socket)
        said = await receive(socket, "error")
        assert said == {**said, "code": "unavailable", "seq": None, "extra": {}}
        assert recogniser.views[0].handovers.tracks == frozenset()


async def test_failed_frame_is_answered_with_its_number(
    school: World, authorization: bytes, recogniser: FakeRecogniser
) -> None:
    recogniser.results.append(None)
    recogniser.next_result()
    async with camera_socket(school, authorization) as socket:
        await receive(socket, "ready")
        await socket.send_to(bytes_data=frame(7, b"a picture"))
        said = await receive(socket, "error")
        assert said.keys() == {"type", "code", "seq", "message", "extra"}
        assert (said["code"], said["seq"], said["extra"]) == ("unavailable", 7, {})
        assert (await send_frame(socket, 8))["seq"] == 8


async def test_mark_is_sent_only_after_commit(
    school: World, authorization: bytes, recogniser: FakeRecogniser, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = register.mark
    inside = Gate(lambda: None)

    def committing(request: MarkRequest) -> Any:
        with transaction.atomic():
            result = real(request)
            inside()
        return result

    monkeypatch.setattr(register, "mark", committing)
    recogniser.next_result(claims=[recognised_track(school.ann)])
    async with camera_socket(school, authorization) as socket:
        await receive(socket, "ready")
        await send_frame(socket)
        await wait_entered(inside)
        assert await socket.receive_nothing(0.3)
        inside.may_continue.set()
        assert (await receive(socket, "mark"))["student"]["name"] == "Ann Ash"
