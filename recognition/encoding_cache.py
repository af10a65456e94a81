"""The cache of encoded enrolment photographs: faces in memory, and encrypted in Redis for a day.

An entry's name is a keyed digest of the photograph's content and of the engine's space. Each use asks the database
whether the entry is still valid: one that was deleted there is used in no process from the COMMIT on, whatever copies
remain. Bytes that are damaged, planted, moved to another name or played back therefore cost one encoding and nothing
more. Only enrolment photographs are kept: faces of a camera, of `/identify` and of strangers are never put here.
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
# A face as 1,152 bytes; `quality` has the fields of `Quality` in their order.
RECORD: Final = np.dtype(
    [
        ("box", "<i4", 4),
        ("score", "<f8"),
        ("landmarks", "<f4", (5, 2)),
        ("embedding", "<f4", 128),
        ("template", "<f4", 128),
        ("quality", "<f8", 8),
    ]
)


class EncodingRecords(Protocol):
    """The entries' rows in the database. Thread-safe."""

    def valid_names(self, names: Collection[str]) -> set[str]:
        """Return those of these names whose face may be used now."""


class EncodingCache:
    """The encodings that this process and Redis keep. Thread-safe."""

    def __init__(self, records: EncodingRecords, *, size: int, monitor: Monitor) -> None:
        """Set up; at most `size` faces stay in memory, 0 for none."""
        self._records, self._size, self._monitor = records, size, monitor
        self._lock = threading.Lock()
        self._faces: OrderedDict[str, Face] = OrderedDict()
        monitor.gauge("encodings", lambda: len(self._faces))
        monitor.gauge("encoding_bytes", lambda: len(self._faces) * RECORD.itemsize)

    def get(self, name: str, space: str) -> Face | None:
        """Return the face of a name, or None where there is no valid entry."""
        face = self._find(name, space)
        self._monitor.count("encoding_misses" if face is None else "encoding_hits")
        return face

    def _find(self, name: str, space: str) -> Face | None:
        if not self._records.valid_names([name]):
            self._drop([name])
            return None
        with self._lock:
            if name in self._faces:
                self._faces.move_to_end(name)
                return self._faces[name]
        face = self._fetch(name, space)
        if face is not None:
            self._store(name, face)
        return face

    def put(self, name: str, space: str, face: Face) -> None:
        """Keep a face in memory and in Redis. The caller has written its row and committed it."""
        self._store(name, face)
        sealed = seal(face, name, space)
        self._monitor.count("encoding_bytes_sent", len(sealed))
        cache.set(key_of(name), sealed, timeout=KEEP_SECONDS)
        # Whoever deleted the row before this line deleted from Redis too early.
        if not self._records.valid_names([name]):
            self.forget([name])

    def forget(self, names: Collection[str]) -> None:
        """Delete these entries here and in Redis. Other processes drop them at their next `drop_invalid`."""
        self._drop(names)
        cache.delete_many([key_of(name) for name in names])

    def drop_invalid(self) -> None:
        """Drop the entries from this process's memory that are no longer valid in the database."""
        with self._lock:
            names = list(self._faces)
        if names:
            self._drop(set(names) - self._records.valid_names(names))

    def _store(self, name: str, face: Face) -> None:
        with self._lock:
            self._faces[name] = face
            self._faces.move_to_end(name)
            while len(self._faces) > self._size:
                self._faces.popitem(last=False)

    def _drop(self, names: Collection[str]) -> None:
        with self._lock:
            for name in names:
                self._faces.pop(name, None)

    def _fetch(self, name: str, space: str) -> Face | None:
        data = cache.get(key_of(name))
        if data is None:
            return None
        try:
            return unseal(data, name, space)
        except CannotOpen as error:
            logger.warning("an encoding in Redis was refused and is made again: %s", error)
            self._monitor.count("encoding_refused")
            cache.delete(key_of(name))
            return None


def name_of(content: str, space: str) -> str:
    """Return an entry's name from the digest of a photograph's content. It reveals nothing without the key."""
    return keyring().digest(f"{content} {space}".encode(), "encoding")


def key_of(name: str) -> str:
    """Return the Redis key of an entry."""
    return f"encoding:{name}"


def seal(face: Face, name: str, space: str) -> bytes:
    """Return magic and the encrypted record, with name and space as associated data."""
    row = np.zeros((), RECORD)
    row["box"], row["score"], row["landmarks"] = face.box, face.score, face.landmarks
    row["embedding"], row["template"] = face.embedding, face.template
    row["quality"] = astuple(face.quality)
    return MAGIC + keyring().seal(row.tobytes(), "encoding", name, space)


def unseal(data: object, name: str, space: str) -> Face:
    """Return the face that was given to `seal`. Raises `CannotOpen` for anything else."""
    if not isinstance(data, bytes) or not data.startswith(MAGIC):
        raise CannotOpen("foreign", "These bytes are not an encoding of Rollcall.")
    plain = keyring().open(data[len(MAGIC) :], "encoding", name, space)
    if len(plain) != RECORD.itemsize:
        raise CannotOpen("damaged", "This encoding has the wrong length.")
    row = np.frombuffer(plain, RECORD)[0]
    left, top, right, bottom = row["box"].tolist()
    return Face(
        box=(left, top, right, bottom),
        score=float(row["score"]),
        landmarks=row["landmarks"].copy(),
        embedding=row["embedding"].copy(),
        template=row["template"].copy(),
        quality=Quality(*row["quality"].tolist()),
    )
