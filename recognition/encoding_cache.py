"""Enrolment photographs that were encoded before: the face's numbers in memory, and encrypted in Redis for a day.

A picture is known by a keyed digest of its content and of the engine's space. Whether an entry may serve is asked of a
ledger in the database each time: what was struck out there serves in no process from its COMMIT on, wherever a copy is
left. So bytes that are damaged, planted, moved to another name or played back cost an encoding and nothing more.
Only what `put` is given is kept: faces of a camera, of `/identify` and of strangers never pass here.
"""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict
from collections.abc import Collection
from dataclasses import astuple
from typing import Final, Protocol

import numpy as np
from django.core.cache import cache

from recognition.crypto import CannotOpen, keyring
from recognition.engine.types import Face, Quality
from recognition.telemetry.monitor import Monitor

logger = logging.getLogger(__name__)

MAGIC: Final = b"RCEN1"
KEEP_SECONDS: Final = 24 * 3600
NUMBERS: Final = np.dtype(
    [
        ("box", "<i4", 4),
        ("score", "<f8"),
        ("landmarks", "<f4", (5, 2)),
        ("embedding", "<f4", 128),
        ("template", "<f4", 128),
        ("quality", "<f8", 8),
    ]
)
"""A face as bytes, 1,152 of them; `quality` in the order of its fields."""


class Ledger(Protocol):
    """What the database says. Called from any thread."""

    def standing(self, names: Collection[str]) -> set[str]:
        """Those of these names whose face may be kept at this moment."""


class Encodings:
    """The encodings that this process and Redis remember. Thread-safe."""

    def __init__(self, ledger: Ledger, *, size: int, monitor: Monitor) -> None:
        """`size` faces stay in memory, 0 for none."""
        self._ledger, self._size, self._monitor = ledger, size, monitor
        self._lock = threading.Lock()
        self._held: OrderedDict[str, Face] = OrderedDict()
        monitor.gauge("encodings", lambda: len(self._held))
        monitor.gauge("encoding_bytes", lambda: len(self._held) * NUMBERS.itemsize)

    def get(self, name: str, space: str) -> Face | None:
        """The face that was put there, or None: then it is encoded again."""
        found = self._allowed(name, space)
        self._monitor.count("encoding_misses" if found is None else "encoding_hits")
        return found

    def _allowed(self, name: str, space: str) -> Face | None:
        if not self._ledger.standing([name]):
            self._drop([name])
            return None
        with self._lock:
            if name in self._held:
                self._held.move_to_end(name)
                return self._held[name]
        face = self._fetched(name, space)
        if face is not None:
            self._hold(name, face)
        return face

    def put(self, name: str, space: str, face: Face) -> None:
        """Remember a face; the caller has written it into the ledger, and committed that."""
        self._hold(name, face)
        sealed = seal(face, name, space)
        self._monitor.count("encoding_bytes_sent", len(sealed))
        cache.set(key_of(name), sealed, timeout=KEEP_SECONDS)
        # Whoever struck it out before this line has deleted nothing yet, or looked too early.
        if not self._ledger.standing([name]):
            self.forget([name])

    def forget(self, names: Collection[str]) -> None:
        """Leave nothing of them here or in Redis. Other processes drop them at their next `tidy`."""
        self._drop(names)
        cache.delete_many([key_of(name) for name in names])

    def tidy(self) -> None:
        """Drop from this process's memory what the ledger knows no more."""
        with self._lock:
            held = list(self._held)
        if held:
            self._drop(set(held) - self._ledger.standing(held))

    def _hold(self, name: str, face: Face) -> None:
        with self._lock:
            self._held[name] = face
            self._held.move_to_end(name)
            while len(self._held) > self._size:
                self._held.popitem(last=False)

    def _drop(self, names: Collection[str]) -> None:
        with self._lock:
            for name in names:
                self._held.pop(name, None)

    def _fetched(self, name: str, space: str) -> Face | None:
        data = cache.get(key_of(name))
        if data is None:
            return None
        try:
            return unseal(data, name, space)
        except CannotOpen as fault:
            logger.warning("an encoding in the cache was refused and is made again: %s", fault)
            self._monitor.count("encoding_refused")
            cache.delete(key_of(name))
            return None


def name_of(content: str, space: str) -> str:
    """The name of a picture, by the keyed digest of its bytes, in a space; it says nothing without the key."""
    return keyring().digest(f"{content} {space}".encode(), "encoding")


def key_of(name: str) -> str:
    """Where it stands in Redis."""
    return f"encoding:{name}"


def seal(face: Face, name: str, space: str) -> bytes:
    """Magic and the encrypted numbers, bound to name and space."""
    row = np.zeros((), NUMBERS)
    row["box"], row["score"], row["landmarks"] = face.box, face.score, face.landmarks
    row["embedding"], row["template"] = face.embedding, face.template
    row["quality"] = astuple(face.quality)
    return MAGIC + keyring().seal(row.tobytes(), "encoding", name, space)


def unseal(data: object, name: str, space: str) -> Face:
    """The face that `seal` took. Raises `CannotOpen` for anything else."""
    if not isinstance(data, bytes) or not data.startswith(MAGIC):
        raise CannotOpen("foreign", "This is no encoding of Rollcall's.")
    plain = keyring().open(data[len(MAGIC) :], "encoding", name, space)
    if len(plain) != NUMBERS.itemsize:
        raise CannotOpen("damaged", "This encoding has another length.")
    row = np.frombuffer(plain, NUMBERS)[0]
    left, top, right, bottom = row["box"].tolist()
    return Face(
        box=(left, top, right, bottom),
        score=float(row["score"]),
        landmarks=row["landmarks"].copy(),
        embedding=row["embedding"].copy(),
        template=row["template"].copy(),
        quality=Quality(*row["quality"].tolist()),
    )
