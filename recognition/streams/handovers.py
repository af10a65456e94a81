"""Which tracks of a camera were handed on to be marked or reviewed, and when they are handed on again."""

from __future__ import annotations

import threading
from collections.abc import Set as AbstractSet


class Handovers:
    """Hands each track on once, and again after a failure. Thread-safe.

    The recognition threads take, the camera's socket releases. A question is a track that a person must review.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._marks: set[tuple[int, str]] = set()
        self._questions: set[int] = set()
        self._unneeded: set[int] = set()

    def take_mark(self, track: int, student: str) -> bool:
        """Return True the first time that this track is this student's, then False until it is released."""
        with self._lock:
            new = (track, student) not in self._marks
            self._marks.add((track, student))
            return new

    def release_mark(self, track: int, student: str) -> None:
        """Hand the track on again with its next frame: the mark was not written, or the session was not open."""
        with self._lock:
            self._marks.discard((track, student))

    def take_question(self, track: int) -> bool:
        """Return True the first time for this track, then False until it is released."""
        with self._lock:
            new = track not in self._questions
            self._questions.add(track)
            return new

    def release_question(self, track: int) -> None:
        """Hand the track on again with its next frame: the question could not be stored."""
        with self._lock:
            self._questions.discard(track)

    def question_unneeded(self, track: int) -> None:
        """Note that there was nothing to review; `release_unneeded` releases the track."""
        with self._lock:
            self._unneeded.add(track)

    def release_unneeded(self) -> None:
        """Release the tracks that needed no review: since then a question was decided, or a mark undone."""
        with self._lock:
            self._questions -= self._unneeded
            self._unneeded.clear()

    @property
    def tracks(self) -> frozenset[int]:
        """Return the tracks that were handed on for either."""
        with self._lock:
            return frozenset(self._questions | {track for track, _ in self._marks})

    def keep_only(self, tracks: AbstractSet[int]) -> None:
        """Forget all other tracks, because the tracker has forgotten them."""
        with self._lock:
            self._marks = {mark for mark in self._marks if mark[0] in tracks}
            self._questions &= tracks
            self._unneeded &= tracks
