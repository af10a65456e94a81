"""The gallery of each class: built from what the application hands in, shared through Redis, never out of date.

The version of a class is read from the source for each batch of searches, and a gallery serves only the version it was
built for: whoever was removed is not found once that has been committed. Bytes in Redis spare the second process the
building. They are sealed with class, version and space as associated data, so that bytes which are damaged,
planted, moved from another class or kept from last week do not open, and cost no more than a new building.
"""

from __future__ import annotations

import hashlib
import json
import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

import numpy as np
from django.core.cache import cache

from recognition.crypto import CannotOpen, keyring
from recognition.engine import SPACE, EngineError
from recognition.engine.gallery import Gallery
from recognition.engine.types import Array, Match
from recognition.telemetry.monitor import Monitor

logger = logging.getLogger(__name__)

MAGIC: Final = b"RCGB1"
SCHOOL: Final = "school"
"""In place of a class: everybody, where the school lets visitors of other classes be asked about."""
KEPT: Final = 256
"""Galleries of that many classes stay in memory; a class of 30 takes about 40 kB."""
REMEMBERED: Final = 512
"""Searches that a gallery remembers: a class on a dozen cameras, over and over."""
NEAR: Final = 0.4
"""Farther than this from everybody nobody is named (the widest threshold is 0.365): of a stranger nothing is kept."""
REST_SECONDS: Final = 1.0
"""After a source that did not answer nobody waits for it again for that long."""


class SourceUnavailable(Exception):
    """The source cannot be asked now (the database is away or slow), so nobody may be named."""


class Source(Protocol):
    """Where versions and templates come from. Called from any thread; raises `SourceUnavailable`."""

    def versions(self, class_ids: Sequence[str]) -> Mapping[str, int]:
        """The gallery version of each class, in one query; a class that does not exist is left out.

        It changes with whatever changes `templates`, the school's date included.
        """

    def templates(self, class_id: str) -> tuple[Array, list[str]]:
        """Unit templates (N, 128) float32 of consented members today, one a photograph, and whose they are."""

    def alone(self, class_id: str, build: Callable[[], None]) -> None:
        """Runs `build` while no other process does for this class; the lock dies with its holder."""


@dataclass(frozen=True, slots=True, eq=False)
class Held:
    """A gallery of means, what it was built for, and the monotonic second it came to this process."""

    gallery: Gallery
    edition: str
    at: float
    recent: dict[tuple[bytes, int], tuple[float, list[Match]]] = field(default_factory=dict)
    """What was found for a template, by its digest and k, and when. No vector is kept of anybody."""


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """What a search of one class gave: the best subjects of each probe, and the gallery they were found in."""

    matches: list[list[Match]]
    gallery: Gallery
    edition: str


class Galleries:
    """All galleries of this process. `search` may be called from any thread; a swap never disturbs it."""

    def __init__(
        self,
        source: Source,
        *,
        monitor: Monitor,
        rebuild_seconds: float,
        remember_seconds: float = 3600,
        space: str = SPACE,
        kept: int = KEPT,
    ) -> None:
        self._source = source
        self._monitor = monitor
        self._rebuild_seconds = rebuild_seconds
        self._remember_seconds = remember_seconds
        self._space = space
        self._kept = kept
        self._held: dict[str, Held] = {}
        self._locks: dict[str, threading.Lock] = {}
        self._wanted: set[str] = set()
        self._lock = threading.Lock()
        self._rest_until = 0.0
        monitor.gauge("galleries", lambda: len(self._held))
        monitor.gauge("gallery_bytes", lambda: self._total(_bytes_of))
        monitor.gauge("recognitions", lambda: self._total(lambda held: len(held.recent)))
        monitor.gauge("gallery_age_seconds", self._age)

    def search(self, probes: Mapping[str, Array], k: int = 2) -> dict[str, Found]:
        """For each class its probes (P, 128), all at once. A class that is gone finds nobody.

        Raises `SourceUnavailable`: then nobody may be named.
        """
        editions = self._editions(list(probes))
        found = {}
        for class_id, templates in probes.items():
            held = self.current(class_id, editions.get(class_id))
            found[class_id] = Found(self._matches(held, templates, k), held.gallery, held.edition)
        return found

    def search_ready(self, class_id: str, templates: Array, k: int = 2) -> Found | None:
        """One gallery, for a question that may wait: None where it is not at hand, and it is built in the next round.

        So a large gallery never holds up a frame. What is found is remembered nowhere. Raises `SourceUnavailable`.
        """
        edition = self._editions([class_id]).get(class_id)
        held = self._held.get(class_id)
        if edition is None:
            self._held.pop(class_id, None)
            return None
        if held is None or held.edition != edition:
            self._wanted.add(class_id)
            return None
        return Found(held.gallery.search(templates, k), held.gallery, edition)

    def _matches(self, held: Held, templates: Array, k: int) -> list[list[Match]]:
        """Those of the very same templates as a moment ago from memory, the others by one search.

        The mean of a track stays the same until it has a new look, so most frames bring nothing new.
        """
        now = time.monotonic()
        keys = [(hashlib.blake2b(row.tobytes(), digest_size=16).digest(), k) for row in templates]
        kept = [held.recent.get(key) for key in keys]
        found = [None if one is None or now - one[0] >= self._remember_seconds else one[1] for one in kept]
        missing = [place for place, matches in enumerate(found) if matches is None]
        self._monitor.count("recognition_hits", len(keys) - len(missing))
        if missing:
            self._monitor.count("recognition_misses", len(missing))
            for place, matches in zip(missing, held.gallery.search(templates[missing], k), strict=True):
                found[place] = matches
                if matches and matches[0].distance <= NEAR:
                    self._remember(held, keys[place], (now, matches))
        return [matches or [] for matches in found]

    def _remember(self, held: Held, key: tuple[bytes, int], found: tuple[float, list[Match]]) -> None:
        with self._lock:
            held.recent.pop(key, None)
            while len(held.recent) >= REMEMBERED:
                held.recent.pop(next(iter(held.recent)))
            held.recent[key] = found

    def current(self, class_id: str, edition: str | None) -> Held:
        """The gallery of that edition: the one in memory, else Redis's, else a new one. None: an empty one."""
        if edition is None:
            return Held(
                Gallery.build(np.empty((0, 128), np.float32), [], space=self._space), "", time.monotonic()
            )
        held = self._held.get(class_id)
        if held is not None and held.edition == edition:
            return held
        with self._lock_of(class_id):
            held = self._held.get(class_id)
            if held is None or held.edition != edition:
                held = self._keep(
                    class_id, self._fetched(class_id, edition) or self._built(class_id, edition)
                )
        return held

    def refresh(self) -> int:
        """Build what was not at hand for `search_ready`, and again what is older than the interval.

        Searches go on in the old meanwhile. What is out of date, and would never be searched again, is dropped: whoever
        was erased is in no memory then. How many were older than the interval.
        """
        oldest = time.monotonic() - self._rebuild_seconds
        held = dict(self._held)
        wanted = [self._wanted.pop() for _ in range(len(self._wanted))]
        editions = self._editions([*held, *wanted]) if held or wanted else {}
        for class_id in set(wanted) & editions.keys():
            self.current(class_id, editions[class_id])
        aged = 0
        for class_id, each in held.items():
            if each.edition != editions.get(class_id):
                self._drop(class_id, each)
            elif each.at < oldest:
                aged += 1
                with self._lock_of(class_id):
                    self._keep(class_id, self._built(class_id, each.edition, fresh=True))
        return aged

    def _drop(self, class_id: str, held: Held) -> None:
        with self._lock:
            if self._held.get(class_id) is held:
                del self._held[class_id]

    def _editions(self, class_ids: Sequence[str]) -> dict[str, str]:
        if time.monotonic() < self._rest_until:
            raise SourceUnavailable("the database did not answer a moment ago")
        try:
            versions = self._source.versions(class_ids)
        except SourceUnavailable:
            self._rest_until = time.monotonic() + REST_SECONDS
            raise
        return {class_id: str(version) for class_id, version in versions.items()}

    def _keep(self, class_id: str, held: Held) -> Held:
        with self._lock:
            self._held.pop(class_id, None)
            while len(self._held) >= self._kept:
                self._held.pop(next(iter(self._held)))
            self._held[class_id] = held
        return held

    def _lock_of(self, class_id: str) -> threading.Lock:
        with self._lock:
            return self._locks.setdefault(class_id, threading.Lock())

    def _fetched(self, class_id: str, edition: str) -> Held | None:
        data = cache.get(key_of(class_id, self._space))
        gallery = self._opened(class_id, edition, data) if isinstance(data, bytes) else None
        return None if gallery is None else Held(gallery, edition, time.monotonic())

    def _built(self, class_id: str, edition: str, *, fresh: bool = False) -> Held:
        """A gallery by this process, or the one that another process built while this one waited for its turn."""
        made: list[Held] = []

        def build() -> None:
            other = None if fresh else self._fetched(class_id, edition)
            made.append(other or self._from_source(class_id, edition))

        self._source.alone(class_id, build)
        return made[0]

    def _from_source(self, class_id: str, edition: str) -> Held:
        started = time.monotonic()
        templates, owners = self._source.templates(class_id)
        gallery = Gallery.build_means(templates, owners, space=self._space)
        self._share(gallery, class_id, edition)
        now = time.monotonic()
        self._monitor.count("gallery_built")
        self._monitor.observe("gallery_build", (now - started) * 1000)
        return Held(gallery, edition, now)

    def _share(self, gallery: Gallery, class_id: str, edition: str) -> None:
        """Leave it in Redis for the other processes, unless somebody was added or removed since it was read."""
        key = key_of(class_id, self._space)
        cache.set(key, seal(gallery, class_id, edition), timeout=self._rebuild_seconds)
        # A withdrawal deletes what it finds once it has committed: either it finds this, or this look finds it.
        try:
            stands = self._editions([class_id]).get(class_id) == edition
        except SourceUnavailable:
            stands = False
        if not stands:
            cache.delete(key)

    def _opened(self, class_id: str, edition: str, data: bytes) -> Gallery | None:
        if edition_of(data) != edition:
            return None
        try:
            gallery = unseal(data, class_id, edition, self._space)
        except (CannotOpen, EngineError) as fault:
            logger.warning("a gallery in the cache was refused and is built again: %s", fault)
            self._monitor.count("gallery_refused")
            cache.delete(key_of(class_id, self._space))
            return None
        self._monitor.count("gallery_loaded")
        return gallery

    def _total(self, of_one: Callable[[Held], int]) -> int:
        return sum(of_one(held) for held in list(self._held.values()))

    def _age(self) -> float:
        held = list(self._held.values())
        return time.monotonic() - min(each.at for each in held) if held else 0.0


def _bytes_of(held: Held) -> int:
    return held.gallery.rows * 128 * 4


def key_of(class_id: str, space: str) -> str:
    """One key for each class, so that an older gallery never stays behind a newer one."""
    return f"gallery:{class_id}:{space}"


def seal(gallery: Gallery, class_id: str, edition: str) -> bytes:
    """Magic, the edition in the clear (it is authenticated too), and the sealed gallery."""
    head = json.dumps(edition).encode()
    sealed = keyring().seal(gallery.to_bytes(), "gallery", class_id, edition, gallery.space)
    return MAGIC + len(head).to_bytes(2, "big") + head + sealed


def edition_of(data: bytes) -> str | None:
    """The edition that bytes claim to be; None where they are no gallery at all."""
    start = len(MAGIC) + 2
    if not data.startswith(MAGIC) or len(data) < start:
        return None
    size = int.from_bytes(data[len(MAGIC) : start], "big")
    try:
        edition = json.loads(data[start : start + size])
    except ValueError:
        return None
    return edition if isinstance(edition, str) else None


def unseal(data: bytes, class_id: str, edition: str, space: str) -> Gallery:
    """The gallery that `seal` took. Raises `CannotOpen`, `EngineError`."""
    start = len(MAGIC) + 2
    size = int.from_bytes(data[len(MAGIC) : start], "big")
    plain = keyring().open(data[start + size :], "gallery", class_id, edition, space)
    return Gallery.from_bytes(plain, space=space)
