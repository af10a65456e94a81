"""What happens beside a camera's frames, each moment met on purpose."""

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
from tests.sockets.inside import (
    WAIT,
    Eyes,
    Gate,
    claim_of,
    filming,
    hear,
    marks_ann,
    question_of,
    reached,
    show,
)
from tests.sockets.serving import frame
from tests.world import World, vector


async def test_what_was_recognised_is_marked_though_the_camera_goes_just_then(
    school: World, authorization: bytes, eyes: Eyes, monkeypatch: pytest.MonkeyPatch
) -> None:
    eyes.shows(claims=[claim_of(school.ann)])
    async with filming(school, authorization) as socket:
        await hear(socket, "ready")
        gate = Gate(socket_auth.authorise)
        monkeypatch.setattr(base, "authorise", gate)
        assert (await show(socket))["faces"][0]["student"]["name"] == "Ann Ash"
        await reached(gate)
    gate.free.set()
    await asyncio.gather(*base.DETACHED_TASKS)
    assert await db_threads.db(lambda: Mark.objects.get().student_id) == school.ann.pk


async def test_events_wait_until_the_camera_was_told_that_it_is_ready(
    school: World, authorization: bytes, eyes: Eyes, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = Gate(camera_marks.names)
    monkeypatch.setattr(camera_marks, "names", gate)
    told = hub.hub()
    async with filming(school, authorization) as socket:
        await reached(gate)
        told.publish(school.session.pk, await db_threads.db(marks_ann, school))
        event = await db_threads.db(review_queue.offer, session_id=school.session.pk, camera="back",
                                  question=question_of(school.bea, school.cem, vector(3), 1))  # fmt: skip
        assert event is not None
        told.publish(school.session.pk, event)
        gate.free.set()
        await hear(socket, "ready")
        assert (await hear(socket, "mark"))["student"]["name"] == "Ann Ash"
        await hear(socket, "reviews")


async def test_a_session_that_opens_at_the_door_takes_frames(
    school: World, authorization: bytes, eyes: Eyes, monkeypatch: pytest.MonkeyPatch
) -> None:
    await db_threads.db(Session.objects.update, state=Session.State.PLANNED)
    snapshot = feed.snapshot

    def opens(session_id: Any) -> Any:
        opening.open_session(session_id=session_id, actor=school.teacher, now=timezone.now())
        return snapshot(session_id)

    monkeypatch.setattr(feed, "snapshot", opens)
    eyes.shows()
    async with filming(school, authorization) as socket:
        assert (await hear(socket, "ready"))["session"]["state"] == "open"
        assert (await show(socket))["faces"] == []


async def test_the_newest_rules_stand_though_an_older_reading_ends_later(
    school: World, authorization: bytes, eyes: Eyes, monkeypatch: pytest.MonkeyPatch
) -> None:
    told, read = hub.hub(), camera_marks.rules
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
                                question=question_of(school.ann, school.bea, vector(1), 1))  # fmt: skip
        assert offered is not None
        return offered

    def neither() -> ReviewsMessage:
        review_queue.decide(
            review_id=Review.objects.get().pk, verdict="neither", actor=school.teacher, now=timezone.now()
        )
        return {"type": "reviews", "waiting": 0, "version": Session.objects.get().version}

    eyes.shows()
    eyes.shows()
    async with filming(school, authorization) as socket:
        await hear(socket, "ready")
        await show(socket)
        monkeypatch.setattr(camera_marks, "rules", slow_at_first)
        told.publish(school.session.pk, await db_threads.db(blocked))
        assert await asyncio.to_thread(order[0].wait, WAIT)
        told.publish(school.session.pk, await db_threads.db(neither))
        order[1].set()
        for _ in range(2):
            await hear(socket, "reviews")

        async def known() -> None:
            while len(eyes.views[0].rules.rejected) != 2:
                await asyncio.to_thread(threading.Event().wait, 0.02)

        await asyncio.wait_for(known(), WAIT)
    assert await db_threads.db(RejectedMatch.objects.count) == 2


async def test_what_a_closed_session_refused_is_claimed_again_when_it_is_open(
    school: World, authorization: bytes, eyes: Eyes
) -> None:
    claim = claim_of(school.ann)
    async with filming(school, authorization) as socket:
        await hear(socket, "ready")
        # Closed by another process a moment ago: this one has not heard of it, and a frame is under way.
        await db_threads.db(Session.objects.update, state=Session.State.SIGNED)
        eyes.shows(claims=[claim])
        eyes.shows()
        await show(socket)
        view = eyes.views[0]
        assert view.handovers.take_mark(claim.track, claim.student)
        await asyncio.gather(*base.DETACHED_TASKS)
        assert view.handovers.take_mark(claim.track, claim.student)
        assert await db_threads.db(lambda: Attempt.objects.get().reason) == Attempt.Reason.SESSION_CLOSED


async def test_a_face_is_asked_about_again_once_the_one_before_it_is_decided(
    school: World, authorization: bytes, eyes: Eyes
) -> None:
    told = hub.hub()
    async with filming(school, authorization) as socket:
        await hear(socket, "ready")
        eyes.shows(questions=[question_of(school.ann, school.bea, vector(1), 1)])
        await show(socket, 1)
        assert (await hear(socket, "reviews"))["waiting"] == 1
        # The same face to the house, while the first one waits: nothing to ask yet.
        eyes.shows(questions=[question_of(school.bea, school.ann, vector(1), 2)])
        view = eyes.views[0]
        assert view.handovers.take_question(1)
        assert view.handovers.take_question(2)
        await show(socket, 2)
        await asyncio.gather(*base.DETACHED_TASKS)
        assert view.handovers.tracks == {1, 2}
        told.publish(school.session.pk, await db_threads.db(marks_ann, school))
        await hear(socket, "mark")
        assert view.handovers.tracks == {1, 2}
        told.publish(school.session.pk, await db_threads.db(marks_ann, school, None))
        await hear(socket, "unmark")
        assert view.handovers.tracks == {1}


async def test_a_mark_that_cannot_be_written_is_said_and_claimed_again(
    school: World, authorization: bytes, eyes: Eyes, monkeypatch: pytest.MonkeyPatch
) -> None:
    claim = claim_of(school.ann)

    def away(*_args: Any, **_given: Any) -> None:
        raise OperationalError("the database is away")

    async with filming(school, authorization) as socket:
        await hear(socket, "ready")
        monkeypatch.setattr(camera_marks, "mark", away)
        eyes.shows(claims=[claim])
        await show(socket)
        said = await hear(socket, "error")
        assert said == {**said, "code": "unavailable", "seq": None, "extra": {}}
        assert eyes.views[0].handovers.tracks == frozenset()


async def test_a_frame_that_could_not_be_looked_at_is_said_with_its_number(
    school: World, authorization: bytes, eyes: Eyes
) -> None:
    eyes.laid.append(None)
    eyes.shows()
    async with filming(school, authorization) as socket:
        await hear(socket, "ready")
        await socket.send_to(bytes_data=frame(7, b"a picture"))
        said = await hear(socket, "error")
        assert said.keys() == {"type", "code", "seq", "message", "extra"}
        assert (said["code"], said["seq"], said["extra"]) == ("unavailable", 7, {})
        assert (await show(socket, 8))["seq"] == 8


async def test_a_mark_is_told_only_once_it_is_committed(
    school: World, authorization: bytes, eyes: Eyes, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = register.mark
    inside = Gate(lambda: None)

    def committing(request: MarkRequest) -> Any:
        with transaction.atomic():
            result = real(request)
            inside()
        return result

    monkeypatch.setattr(register, "mark", committing)
    eyes.shows(claims=[claim_of(school.ann)])
    async with filming(school, authorization) as socket:
        await hear(socket, "ready")
        await show(socket)
        await reached(inside)
        assert await socket.receive_nothing(0.3)
        inside.free.set()
        assert (await hear(socket, "mark"))["student"]["name"] == "Ann Ash"
