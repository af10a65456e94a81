"""The queue of frames alone: its work is a stand-in, so that turns and limits can be seen exactly."""

import math
import threading
import time
from collections.abc import Callable, Iterator, Sequence

import pytest

from recognition.streams.pacing import Adviser
from recognition.streams.queue import CameraSlot, Frame, FrameAnswer, FrameQueue
from recognition.telemetry.monitor import Monitor

Answers = list[FrameAnswer[int]]
Work = Callable[[Sequence[Frame[str]]], list[int]]


class Bench:
    """Streams with a work that a test can hold back."""

    def __init__(self) -> None:
        self.gate = threading.Event()
        self.gate.set()
        self.turns: list[list[str]] = []
        self.inside: dict[str, int] = {}
        self.overlapped = False
        self.lock = threading.Lock()
        self.streams: FrameQueue[str, int] | None = None
        self.clock: Callable[[], float] = time.monotonic

    def now(self) -> float:
        return self.clock()

    def work(self, frames: Sequence[Frame[str]]) -> list[int]:
        with self.lock:
            self.turns.append([frame.state for frame in frames])
            for frame in frames:
                self.overlapped |= self.inside.get(frame.state, 0) > 0
                self.inside[frame.state] = 1
        assert self.gate.wait(10)
        with self.lock:
            for frame in frames:
                self.inside[frame.state] = 0
        if any(frame.data == b"broken" for frame in frames):
            raise RuntimeError("a broken picture")
        return [frame.seq * 10 for frame in frames]

    def open(
        self, *, workers: int = 2, deadline: float = 60, batch_seconds: float = math.inf
    ) -> FrameQueue[str, int]:
        adviser = Adviser(workers=workers, largest_side=1024, quality=85)
        self.streams = FrameQueue(
            self.work,
            workers=workers,
            monitor=Monitor(),
            adviser=adviser,
            deadline=deadline,
            batch_seconds=batch_seconds,
            clock=self.now,
        )
        return self.streams


@pytest.fixture
def bench() -> Iterator[Bench]:
    made = Bench()
    yield made
    made.gate.set()
    if made.streams is not None:
        assert made.streams.stop(5)


def until(true: Callable[[], bool], seconds: float = 10) -> None:
    pause = threading.Event()
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not come about"
        pause.wait(0.002)


def camera(streams: FrameQueue[str, int], name: str) -> tuple[CameraSlot[str, int], Answers]:
    answers: Answers = []
    return streams.open(name, answers.append), answers


def test_each_frame_of_a_patient_camera_is_answered_once(bench: Bench) -> None:
    one, answers = camera(bench.open(), "one")
    for seq in range(20):
        one.put(seq, b"picture")
        until(lambda wanted=seq + 1: len(answers) == wanted)  # type: ignore[misc]  # the default binds it
    assert [(answer.seq, answer.result, answer.dropped) for answer in answers] == [
        (seq, seq * 10, 0) for seq in range(20)
    ]


def test_the_newest_frame_wins_and_the_others_are_counted(bench: Bench) -> None:
    one, answers = camera(bench.open(), "one")
    bench.gate.clear()
    one.put(0, b"picture")
    until(lambda: bool(bench.turns))
    for seq in range(1, 100):
        one.put(seq, b"picture")
    bench.gate.set()
    until(lambda: len(answers) == 2)
    assert [(answer.seq, answer.dropped) for answer in answers] == [(0, 0), (99, 98)]


def test_a_flooding_camera_stands_behind_everybody_who_waits(bench: Bench) -> None:
    streams = bench.open(workers=1, batch_seconds=0)
    places = [camera(streams, f"camera {number}") for number in range(100)]
    bench.gate.clear()
    places[0][0].put(0, b"picture")
    until(lambda: bool(bench.turns))
    for seq in range(1, 100):
        places[0][0].put(seq, b"picture")
        places[seq][0].put(0, b"picture")
    bench.gate.set()
    until(lambda: len(bench.turns) == 101)
    assert bench.turns[1:] == [[f"camera {number}"] for number in (*range(1, 100), 0)]


@pytest.mark.parametrize(("seconds", "together"), [(0, 1), (60, 4)])
def test_frames_that_are_answered_together_do_not_keep_each_other_waiting(
    bench: Bench, seconds: int, together: int
) -> None:
    streams = bench.open(workers=1, batch_seconds=seconds)
    bench.gate.clear()
    first, _ = camera(streams, "first")
    first.put(0, b"picture")
    until(lambda: bool(bench.turns))
    places = [camera(streams, f"camera {number}")[0] for number in range(8)]
    for place in places:
        place.put(0, b"picture")
    bench.gate.set()
    until(lambda: sum(map(len, bench.turns)) == 9)
    assert len(bench.turns[1]) == together


def test_a_hundred_cameras_are_all_answered_while_one_of_them_floods(bench: Bench) -> None:
    streams = bench.open()
    places = [camera(streams, f"camera {number}") for number in range(100)]
    ends = threading.Event()

    def flood() -> None:
        seq = 0
        while not ends.is_set():
            places[0][0].put(seq, b"picture")
            seq += 1

    thread = threading.Thread(target=flood)
    thread.start()
    for turn in range(10):
        for place, _ in places[1:]:
            place.put(turn, b"picture")
        until(lambda wanted=turn + 1: all(len(answers) == wanted for _, answers in places[1:]))  # type: ignore[misc]  # bound
    ends.set()
    thread.join()
    assert [[answer.seq for answer in answers] for _, answers in places[1:]] == [list(range(10))] * 99
    assert not bench.overlapped


def test_one_camera_is_never_worked_on_by_two_threads(bench: Bench) -> None:
    streams = bench.open(workers=4)
    places = [camera(streams, f"camera {number}") for number in range(3)]
    for seq in range(300):
        for place, _ in places:
            place.put(seq, b"picture")
    until(lambda: all(answers and answers[-1].seq == 299 for _, answers in places))
    assert not bench.overlapped
    assert all(len(answers) + sum(each.dropped for each in answers) == 300 for _, answers in places)


def test_a_frame_that_waited_too_long_is_said_to_be_late(bench: Bench) -> None:
    bench.clock = lambda: 100.0
    streams = bench.open(workers=1, deadline=0.05)
    first, first_answers = camera(streams, "first")
    second, second_answers = camera(streams, "second")
    bench.gate.clear()
    first.put(1, b"picture")
    until(lambda: bool(bench.turns))
    second.put(1, b"picture")
    bench.clock = lambda: 100.1
    bench.gate.set()
    until(lambda: bool(second_answers and first_answers))
    assert second_answers[0].late
    assert second_answers[0].result is None
    assert first_answers[0].result == 10


def test_waiting_cameras_are_handed_out_together(bench: Bench) -> None:
    streams = bench.open(workers=1)
    places = [camera(streams, f"camera {number}") for number in range(9)]
    bench.gate.clear()
    places[0][0].put(1, b"picture")
    until(lambda: bool(bench.turns))
    for place, _ in places[1:]:
        place.put(1, b"picture")
    bench.gate.set()
    until(lambda: all(answers for _, answers in places))
    assert [len(turn) for turn in bench.turns] == [1, 4, 4]


def test_a_fault_of_the_work_is_answered_and_ends_no_thread(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    one, answers = camera(bench.open(workers=1), "one")
    one.put(1, b"broken")
    until(lambda: len(answers) == 1)
    one.put(2, b"picture")
    until(lambda: len(answers) == 2)
    assert answers[0].result is None
    assert not answers[0].late
    assert answers[1].result == 20
    assert "recognition failed" in caplog.text


def test_a_camera_whose_picture_makes_the_work_fail_costs_no_other_its_answer(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    streams = bench.open(workers=1)
    places = [camera(streams, f"camera {number}") for number in range(4)]
    bench.gate.clear()
    places[0][0].put(0, b"picture")
    until(lambda: bool(bench.turns))
    for number, (place, _) in enumerate(places):
        place.put(7, b"broken" if number == 2 else b"picture")
    bench.gate.set()
    until(lambda: all(answers and answers[-1].seq == 7 for _, answers in places))
    assert len(bench.turns[1]) == 4
    assert [answers[-1].result for _, answers in places] == [70, 70, None, 70]
    assert caplog.text.count("recognition failed") == 1


def test_nothing_is_answered_after_close(bench: Bench) -> None:
    streams = bench.open(workers=1)
    one, answers = camera(streams, "one")
    other, other_answers = camera(streams, "other")
    bench.gate.clear()
    one.put(1, b"picture")
    until(lambda: bool(bench.turns))
    one.put(2, b"picture")
    one.close()
    assert not one.put(3, b"picture")
    bench.gate.set()
    other.put(1, b"picture")
    until(lambda: bool(other_answers))
    assert answers == []
    assert streams.cameras == 1


def test_stopping_ends_the_threads_and_takes_nothing_more(bench: Bench) -> None:
    streams = bench.open()
    one, answers = camera(streams, "one")
    one.put(1, b"picture")
    until(lambda: bool(answers))
    before = {thread.name for thread in threading.enumerate()}
    assert streams.stop()
    assert not one.put(2, b"picture")
    assert "recognise-0" in before
    assert not any(thread.name.startswith("recognise-") for thread in threading.enumerate())


def test_advice_falls_as_cameras_come_and_rises_only_with_room_to_spare() -> None:
    adviser = Adviser(workers=2, largest_side=1024, quality=80, seconds=0.02)
    rates = [adviser.advice(cameras).fps for cameras in (1, 16, 40, 79, 200)]
    assert rates == [5.0, 5.0, 2.0, 1.0, 0.3]
    assert adviser.advice(200).side == 480
    assert adviser.advice(79).fps == 0.7
    assert adviser.advice(70).fps == 1.0
    assert adviser.advice(1).quality == 0.8


def test_a_guess_that_was_wrong_is_forgotten_within_a_few_frames() -> None:
    adviser = Adviser(workers=2, largest_side=1024, quality=80, seconds=0.01)
    assert adviser.advice(50).fps == 3.0
    for _ in range(9):
        adviser.record(0.1, 1)
    assert adviser.advice(50).fps == 0.3


def test_advice_follows_the_measured_cost_of_a_frame() -> None:
    adviser = Adviser(workers=1, largest_side=600, quality=80, seconds=0.01)
    assert adviser.advice(10).fps == 5.0
    for _ in range(200):
        adviser.record(0.2, 2)
    assert adviser.advice(10).fps == 0.7
    assert adviser.advice(1).side == 600


def test_a_turn_is_measured_by_frames_with_somebody_in_them() -> None:
    """Else four of them would be answered together, after many of empty views."""
    adviser = Adviser(workers=2, largest_side=1024, quality=80)
    for number in range(400):
        adviser.record(0.1 if number % 10 == 0 else 0.001, 1)
    assert adviser.mean_seconds < 0.02
    assert adviser.peak_seconds > 0.06
