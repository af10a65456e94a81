"""A hundred cameras that flood the queue: memory stays flat, every frame is counted, every camera is answered."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass

import psutil
import pytest

from recognition.streams.pacing import Adviser
from recognition.streams.queue import CameraSlot, Frame, FrameAnswer, FrameQueue
from recognition.telemetry.monitor import Monitor

CAMERAS, RATE, FEEDERS = 100, 30, 2
# Bytes of a frame; all cameras send 90 MB a second.
PICTURE = 30_000
WORK_SECONDS = 0.01
MB = 1024 * 1024


@dataclass(slots=True, eq=False)
class Tally:
    """The counts of one camera."""

    camera: CameraSlot[int, int]
    sent: int = 0
    answered: int = 0
    dropped: int = 0
    failed: int = 0

    def hear(self, answer: FrameAnswer[int]) -> None:
        self.answered += 1
        self.dropped += answer.dropped
        self.failed += answer.result is None and not answer.late


def process(frames: Sequence[Frame[int]]) -> list[int]:
    """Take the time of a small network, and fail for frames of every tenth camera."""
    threading.Event().wait(WORK_SECONDS * len(frames))
    if any(frame.data.startswith(b"broken") for frame in frames):
        raise RuntimeError("a broken picture")
    return [frame.seq for frame in frames]


def flood(tallies: Sequence[Tally], ends: threading.Event) -> None:
    """Send a frame of each camera thirty times a second, with new bytes each time, as from a socket."""
    due = time.monotonic()
    while not ends.is_set():
        for tally in tallies:
            broken = tally.camera.state % 10 == 0
            assert tally.camera.put(tally.sent, (b"broken" if broken else b"") + os.urandom(PICTURE))
            tally.sent += 1
        due += 1 / RATE
        ends.wait(max(0.0, due - time.monotonic()))


def memory_growth(ends: threading.Event, seconds: float) -> float:
    """Return the MB by which this process grew after the first second; set the event at the end."""
    process, warm, most = psutil.Process(), 0.0, 0.0
    began = time.monotonic()
    while (passed := time.monotonic() - began) < seconds:
        ends.wait(0.25)
        now = process.memory_info().rss / MB
        warm = warm if passed > 1 else max(warm, now)
        most = max(most, now)
    ends.set()
    return most - warm


@pytest.mark.clock
@pytest.mark.soak
@pytest.mark.timeout(180)
def test_hundred_flooding_cameras_keep_memory_flat_and_lose_no_frame(
    soak: bool, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("CRITICAL", "recognition.streams.queue")
    monitor, ends = Monitor(), threading.Event()
    adviser = Adviser(workers=2, largest_side=1024, quality=85, seconds=WORK_SECONDS)
    frame_queue: FrameQueue[int, int] = FrameQueue(process, workers=2, monitor=monitor, adviser=adviser)
    tallies: list[Tally] = []
    for number in range(CAMERAS):

        def hear(answer: FrameAnswer[int], number: int = number) -> None:
            tallies[number].hear(answer)

        tallies.append(Tally(frame_queue.open(number, hear)))
    feeders = [
        threading.Thread(target=flood, args=(tallies[start::FEEDERS], ends)) for start in range(FEEDERS)
    ]
    for feeder in feeders:
        feeder.start()
    grown = memory_growth(ends, 60 if soak else 5)
    for feeder in feeders:
        feeder.join()
    wait_for_answers(tallies)
    assert grown < 30
    assert [tally.answered + tally.dropped for tally in tallies] == [tally.sent for tally in tallies]
    healthy = [tally.answered for tally in tallies if tally.camera.state % 10]
    assert min(healthy) > 0.5 * max(healthy)
    assert [tally.camera.state for tally in tallies if tally.failed] == list(range(0, CAMERAS, 10))
    assert frame_queue.advice().fps <= 1.5
    assert frame_queue.stop()
    assert monitor.figures().counters["frames"] == sum(tally.sent for tally in tallies)


def wait_for_answers(tallies: Sequence[Tally]) -> None:
    """Wait until the last frame of each camera was answered."""
    pause, until = threading.Event(), time.monotonic() + 20
    while any(tally.answered + tally.dropped < tally.sent for tally in tallies):
        assert time.monotonic() < until, "frames stayed unanswered"
        pause.wait(0.02)
