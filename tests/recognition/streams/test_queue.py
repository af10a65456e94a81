"""The frame queue with a fake `process`, so that batches and limits can be checked exactly, and the adviser."""

import math
import threading
import time
from collections.abc import Callable, Iterator, Sequence

import pytest

from recognition.streams.pacing import Adviser
from recognition.streams.queue import CameraSlot, Frame, FrameAnswer, FrameQueue
from recognition.telemetry.monitor import Monitor

Answers = list[FrameAnswer[int]]
Process = Callable[[Sequence[Frame[str]]], list[int]]


class Bench:
    """A queue whose processing a test can hold back."""

    def __init__(self) -> None:
        self.gate = threading.Event()
        self.gate.set()
        self.batches: list[list[str]] = []
        self.inside: dict[str, int] = {}
        self.overlapped = False
        self.lock = threading.Lock()
        self.queue: FrameQueue[str, int] | None = None
        self.clock: Callable[[], float] = time.monotonic

    def now(self) -> float:
        return self.clock()

    def work(self, frames: Sequence[Frame[str]]) -> list[int]:
        with self.lock:
            self.batches.append([frame.state for frame in frames])
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
        self.queue = FrameQueue(
            self.work,
            workers=workers,
            monitor=Monitor(),
            adviser=adviser,
            deadline=deadline,
            batch_seconds=batch_seconds,
            clock=self.now,
        )
        return self.queue


@pytest.fixture
def bench() -> Iterator[Bench]:
    created = Bench()
    yield created
    created.gate.set()
    if created.queue is not None:
        assert created.queue.stop(5)


def wait_until(condition: Callable[[], bool], seconds: float = 10) -> None:
    pause = threading.Event()
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "the condition did not become true in time"
        pause.wait(0.002)


def camera(queue: FrameQueue[str, int], name: str) -> tuple[CameraSlot[str, int], Answers]:
    answers: Answers = []
    return queue.open(name, answers.append), answers


def test_each_frame_of_a_waiting_camera_is_answered_once(bench: Bench) -> None:
    slot, answers = camera(bench.open(), "one")
    for seq in range(20):
        slot.put(seq, b"picture")
        wait_until(lambda wanted=seq + 1: len(answers) == wanted)  # type: ignore[misc]  # the default binds it
    assert [(answer.seq, answer.result, answer.dropped) for answer in answers] == [
        (seq, seq * 10, 0) for seq in range(20)
    ]


def test_newest_frame_replaces_the_others_which_are_counted(bench: Bench) -> None:
    slot, answers = camera(bench.open(), "one")
    bench.gate.clear()
    slot.put(0, b"picture")
    wait_until(lambda: bool(bench.batches))
    for seq in range(1, 100):
        slot.put(seq, b"picture")
    bench.gate.set()
    wait_until(lambda: len(answers) == 2)
    assert [(answer.seq, answer.dropped) for answer in answers] == [(0, 0), (99, 98)]


def test_flooding_camera_queues_behind_all_that_wait(bench: Bench) -> None:
    queue = bench.open(workers=1, batch_seconds=0)
    cameras = [camera(queue, f"camera {number}") for number in range(100)]
    bench.gate.clear()
    cameras[0][0].put(0, b"picture")
    wait_until(lambda: bool(bench.batches))
    for seq in range(1, 100):
        cameras[0][0].put(seq, b"picture")
        cameras[seq][0].put(0, b"picture")
    bench.gate.set()
    wait_until(lambda: len(bench.batches) == 101)
    assert bench.batches[1:] == [[f"camera {number}"] for number in (*range(1, 100), 0)]


@pytest.mark.parametrize(("seconds", "together"), [(0, 1), (60, 4)])
def test_batch_holds_as_many_frames_as_fit_into_its_seconds(
    bench: Bench, seconds: int, together: int
) -> None:
    queue = bench.open(workers=1, batch_seconds=seconds)
    bench.gate.clear()
    first, _ = camera(queue, "first")
    first.put(0, b"picture")
    wait_until(lambda: bool(bench.batches))
    cameras = [camera(queue, f"camera {number}")[0] for number in range(8)]
    for slot in cameras:
        slot.put(0, b"picture")
    bench.gate.set()
    wait_until(lambda: sum(map(len, bench.batches)) == 9)
    assert len(bench.batches[1]) == together


def test_hundred_cameras_are_answered_while_one_floods(bench: Bench) -> None:
    queue = bench.open()
    cameras = [camera(queue, f"camera {number}") for number in range(100)]
    ends = threading.Event()

    def flood() -> None:
        seq = 0
        while not ends.is_set():
            cameras[0][0].put(seq, b"picture")
            seq += 1

    thread = threading.Thread(target=flood)
    thread.start()
    for batch in range(10):
        for slot, _ in cameras[1:]:
            slot.put(batch, b"picture")
        wait_until(lambda wanted=batch + 1: all(len(answers) == wanted for _, answers in cameras[1:]))  # type: ignore[misc]  # bound
    ends.set()
    thread.join()
    assert [[answer.seq for answer in answers] for _, answers in cameras[1:]] == [list(range(10))] * 99
    assert not bench.overlapped


def test_camera_is_never_processed_by_two_threads(bench: Bench) -> None:
    queue = bench.open(workers=4)
    cameras = [camera(queue, f"camera {number}") for number in range(3)]
    for seq in range(300):
        for slot, _ in cameras:
            slot.put(seq, b"picture")
    wait_until(lambda: all(answers and answers[-1].seq == 299 for _, answers in cameras))
    assert not bench.overlapped
    assert all(len(answers) + sum(answer.dropped for answer in answers) == 300 for _, answers in cameras)


def test_frame_that_waited_too_long_is_late(bench: Bench) -> None:
    bench.clock = lambda: 100.0
    queue = bench.open(workers=1, deadline=0.05)
    first, first_answers = camera(queue, "first")
    second, second_answers = camera(queue, "second")
    bench.gate.clear()
    first.put(1, b"picture")
    wait_until(lambda: bool(bench.batches))
    second.put(1, b"picture")
    bench.clock = lambda: 100.1
    bench.gate.set()
    wait_until(lambda: bool(second_answers and first_answers))
    assert second_answers[0].late
    assert second_answers[0].result is None
    assert first_answers[0].result == 10


def test_waiting_cameras_are_processed_in_batches(bench: Bench) -> None:
    queue = bench.open(workers=1)
    cameras = [camera(queue, f"camera {number}") for number in range(9)]
    bench.gate.clear()
    cameras[0][0].put(1, b"picture")
    wait_until(lambda: bool(bench.batches))
    for slot, _ in cameras[1:]:
        slot.put(1, b"picture")
    bench.gate.set()
    wait_until(lambda: all(answers for _, answers in cameras))
    assert [len(batch) for batch in bench.batches] == [1, 4, 4]


def test_failed_frame_is_answered_and_ends_no_thread(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    slot, answers = camera(bench.open(workers=1), "one")
    slot.put(1, b"broken")
    wait_until(lambda: len(answers) == 1)
    slot.put(2, b"picture")
    wait_until(lambda: len(answers) == 2)
    assert answers[0].result is None
    assert not answers[0].late
    assert answers[1].result == 20
    assert "recognition failed" in caplog.text


def test_failed_frame_leaves_the_others_of_its_batch_their_results(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    queue = bench.open(workers=1)
    cameras = [camera(queue, f"camera {number}") for number in range(4)]
    bench.gate.clear()
    cameras[0][0].put(0, b"picture")
    wait_until(lambda: bool(bench.batches))
    for number, (slot, _) in enumerate(cameras):
        slot.put(7, b"broken" if number == 2 else b"picture")
    bench.gate.set()
    wait_until(lambda: all(answers and answers[-1].seq == 7 for _, answers in cameras))
    assert len(bench.batches[1]) == 4
    assert [answers[-1].result for _, answers in cameras] == [70, 70, None, 70]
    assert caplog.text.count("recognition failed") == 1


def test_closed_camera_gets_no_answer(bench: Bench) -> None:
    queue = bench.open(workers=1)
    slot, answers = camera(queue, "one")
    other, other_answers = camera(queue, "other")
    bench.gate.clear()
    slot.put(1, b"picture")
    wait_until(lambda: bool(bench.batches))
    slot.put(2, b"picture")
    slot.close()
    assert not slot.put(3, b"picture")
    bench.gate.set()
    other.put(1, b"picture")
    wait_until(lambda: bool(other_answers))
    assert answers == []
    assert queue.cameras == 1


def test_stop_ends_the_threads_and_refuses_frames(bench: Bench) -> None:
    queue = bench.open()
    slot, answers = camera(queue, "one")
    slot.put(1, b"picture")
    wait_until(lambda: bool(answers))
    before = {thread.name for thread in threading.enumerate()}
    assert queue.stop()
    assert not slot.put(2, b"picture")
    assert "recognise-0" in before
    assert not any(thread.name.startswith("recognise-") for thread in threading.enumerate())


def test_advice_falls_with_more_cameras_and_rises_with_spare_capacity() -> None:
    adviser = Adviser(workers=2, largest_side=1024, quality=80, seconds=0.02)
    rates = [adviser.advice(cameras).fps for cameras in (1, 16, 40, 79, 200)]
    assert rates == [5.0, 5.0, 2.0, 1.0, 0.3]
    assert adviser.advice(200).side == 480
    assert adviser.advice(79).fps == 0.7
    assert adviser.advice(70).fps == 1.0
    assert adviser.advice(1).quality == 0.8


def test_wrong_assumed_cost_is_corrected_within_few_frames() -> None:
    adviser = Adviser(workers=2, largest_side=1024, quality=80, seconds=0.01)
    assert adviser.advice(50).fps == 3.0
    for _ in range(9):
        adviser.record(0.1, 1)
    assert adviser.advice(50).fps == 0.3


def test_advice_follows_the_measured_cost() -> None:
    adviser = Adviser(workers=1, largest_side=600, quality=80, seconds=0.01)
    assert adviser.advice(10).fps == 5.0
    for _ in range(200):
        adviser.record(0.2, 2)
    assert adviser.advice(10).fps == 0.7
    assert adviser.advice(1).side == 600


def test_peak_cost_is_that_of_frames_with_faces() -> None:
    """Otherwise four of them would be processed together after many empty views."""
    adviser = Adviser(workers=2, largest_side=1024, quality=80)
    for number in range(400):
        adviser.record(0.1 if number % 10 == 0 else 0.001, 1)
    assert adviser.mean_seconds < 0.02
    assert adviser.peak_seconds > 0.06
