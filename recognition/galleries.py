"""The galleries of the classes: built from a gallery source, shared between processes in Redis, never out of date.

The version of each class is read from the source for each batch of searches, and a gallery is only used for the version
for which it was built: a student is no longer found once the removal has been committed. The copy in Redis saves other
processes the building. It is sealed with class, version and space as associated data, so bytes that are damaged,
planted, moved from another class or kept from an earlier version do not open, and cost no more than a new building.
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
from recognition.engine.errors import EngineError
from recognition.engine.gallery import Gallery
from recognition.engine.types import SPACE, Array, Match
from recognition.telemetry.monitor import Monitor

logger = logging.getLogger(__name__)

# The first bytes of a sealed gallery; they change with its format.
MAGIC: Final = b"RCGB1"
# In place of a class: all students, for schools that search the whole school for visitors.
SCHOOL: Final = "school"
# Galleries that stay in memory; that of a class of 30 takes about 40 kB.
MOST_GALLERIES: Final = 256
# Searches that a gallery remembers; enough for a class in front of a dozen cameras.
MOST_SEARCHES: Final = 512
# No search is remembered whose nearest subject is farther away: nothing is kept of strangers. The widest threshold
# for a name is 0.365.
REMEMBER_DISTANCE: Final = 0.4
# After the source did not answer, it is not asked again for this long.
RETRY_SECONDS: Final = 1.0


class SourceUnavailable(Exception):
    """The gallery source does not answer (the database is away or slow), so nobody may be named."""


class GallerySource(Protocol):
    """Where versions and templates come from. Thread-safe; all methods raise `SourceUnavailable`."""

    def versions(self, class_ids: Sequence[str]) -> Mapping[str, int]:
        """Return the gallery version of each class that exists, in one query.

        The version changes with everything that changes `templates`, the school's date included.
        """

    def templates(self, class_id: str) -> tuple[Array, list[str]]:
        """Return unit templates (N, 128) float32, one for each photograph, and the N students that they belong to.

        They are those of today's members of the class with a valid consent.
        """

    def run_locked(self, class_id: str, build: Callable[[], None]) -> None:
        """Run `build` while no other process does so for this class. The lock ends with the process that holds it."""


@dataclass(frozen=True, slots=True, eq=False)
class LoadedGallery:
    """A gallery in the memory of this process, its version, and the monotonic second at which it was loaded.

    `searches` remembers when a template was searched and with what result, by the template's digest and k. No vector is
    kept.
    """

    gallery: Gallery
    version: str
    loaded_at: float
    searches: dict[tuple[bytes, int], tuple[float, list[Match]]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class SearchResult:
    """The best subjects for each probe of one class, best first, and the gallery that was searched."""

    matches: list[list[Match]]
    gallery: Gallery
    version: str


class Galleries:
    """All galleries of this process. Thread-safe; a gallery that is replaced does not disturb searches in it."""

    def __init__(
        self,
        source: GallerySource,
        *,
        monitor: Monitor,
        rebuild_seconds: float,
        remember_seconds: float = 3600,
        space: str = SPACE,
        most_galleries: int = MOST_GALLERIES,
    ) -> None:
        """Set up; galleries older than `rebuild_seconds` are built again by `refresh`.

        Searches are remembered for `remember_seconds`.
        """
        self._source = source
        self._monitor = monitor
        self._rebuild_seconds = rebuild_seconds
        self._remember_seconds = remember_seconds
        self._space = space
        self._most_galleries = most_galleries
        self._loaded: dict[str, LoadedGallery] = {}
        self._locks: dict[str, threading.Lock] = {}
        self._requested: set[str] = set()
        self._lock = threading.Lock()
        self._retry_at = 0.0
        monitor.gauge("galleries", lambda: len(self._loaded))
        monitor.gauge("gallery_bytes", lambda: self._sum(_bytes_of))
        monitor.gauge("recognitions", lambda: self._sum(lambda loaded: len(loaded.searches)))
        monitor.gauge("gallery_age_seconds", self._oldest_age)

    def search(self, probes: Mapping[str, Array], k: int = 2) -> dict[str, SearchResult]:
        """Return, for each class, the nearest `k` subjects of its probes (P, 128).

        All versions are read in one query. A class that no longer exists has no subjects. Raises `SourceUnavailable`:
        then nobody may be named.
        """
        versions = self._versions(list(probes))
        results = {}
        for class_id, templates in probes.items():
            loaded = self.current(class_id, versions.get(class_id))
            matches = self._search_remembered(loaded, templates, k)
            results[class_id] = SearchResult(matches, loaded.gallery, loaded.version)
        return results

    def search_ready(self, class_id: str, templates: Array, k: int = 2) -> SearchResult | None:
        """Return the nearest `k` subjects of probes (P, 128) in one class, or None where its gallery is not loaded.

        The next `refresh` then builds it, so that no frame waits for a large gallery. Results are not remembered.
        Raises `SourceUnavailable`.
        """
        version = self._versions([class_id]).get(class_id)
        loaded = self._loaded.get(class_id)
        if version is None:
            self._loaded.pop(class_id, None)
            return None
        if loaded is None or loaded.version != version:
            self._requested.add(class_id)
            return None
        return SearchResult(loaded.gallery.search(templates, k), loaded.gallery, version)

    def _search_remembered(self, loaded: LoadedGallery, templates: Array, k: int) -> list[list[Match]]:
        """Return remembered matches for templates that were searched before, and those of the others by one search.

        The template of a track stays the same until it has a new sample, so many frames bring nothing new.
        """
        now = time.monotonic()
        keys = [(hashlib.blake2b(row.tobytes(), digest_size=16).digest(), k) for row in templates]
        remembered = [loaded.searches.get(key) for key in keys]
        results = [
            None if entry is None or now - entry[0] >= self._remember_seconds else entry[1]
            for entry in remembered
        ]
        missing = [row for row, matches in enumerate(results) if matches is None]
        self._monitor.count("recognition_hits", len(keys) - len(missing))
        if missing:
            self._monitor.count("recognition_misses", len(missing))
            for row, matches in zip(missing, loaded.gallery.search(templates[missing], k), strict=True):
                results[row] = matches
                if matches and matches[0].distance <= REMEMBER_DISTANCE:
                    self._remember(loaded, keys[row], (now, matches))
        return [matches or [] for matches in results]

    def _remember(
        self, loaded: LoadedGallery, key: tuple[bytes, int], entry: tuple[float, list[Match]]
    ) -> None:
        with self._lock:
            loaded.searches.pop(key, None)
            while len(loaded.searches) >= MOST_SEARCHES:
                loaded.searches.pop(next(iter(loaded.searches)))
            loaded.searches[key] = entry

    def current(self, class_id: str, version: str | None) -> LoadedGallery:
        """Return the gallery of a version from memory, else from Redis, else newly built; for None an empty one."""
        if version is None:
            return LoadedGallery(
                Gallery.build(np.empty((0, 128), np.float32), [], space=self._space), "", time.monotonic()
            )
        loaded = self._loaded.get(class_id)
        if loaded is not None and loaded.version == version:
            return loaded
        with self._lock_of(class_id):
            loaded = self._loaded.get(class_id)
            if loaded is None or loaded.version != version:
                loaded = self._store(
                    class_id, self._fetch(class_id, version) or self._build(class_id, version)
                )
        return loaded

    def refresh(self) -> int:
        """Build the galleries that `search_ready` lacked, rebuild old ones, and drop those of an older version.

        Searches continue in the old galleries meanwhile. Galleries of an older version would never be searched again;
        dropping them removes erased students from memory. Return how many were rebuilt because of their age. Raises
        `SourceUnavailable`.
        """
        oldest = time.monotonic() - self._rebuild_seconds
        loaded = dict(self._loaded)
        requested = [self._requested.pop() for _ in range(len(self._requested))]
        versions = self._versions([*loaded, *requested]) if loaded or requested else {}
        for class_id in set(requested) & versions.keys():
            self.current(class_id, versions[class_id])
        rebuilt = 0
        for class_id, gallery in loaded.items():
            if gallery.version != versions.get(class_id):
                self._drop(class_id, gallery)
            elif gallery.loaded_at < oldest:
                rebuilt += 1
                with self._lock_of(class_id):
                    self._store(class_id, self._build(class_id, gallery.version, fresh=True))
        return rebuilt

    def _drop(self, class_id: str, loaded: LoadedGallery) -> None:
        with self._lock:
            if self._loaded.get(class_id) is loaded:
                del self._loaded[class_id]

    def _versions(self, class_ids: Sequence[str]) -> dict[str, str]:
        if time.monotonic() < self._retry_at:
            raise SourceUnavailable("the database did not answer a moment ago")
        try:
            versions = self._source.versions(class_ids)
        except SourceUnavailable:
            self._retry_at = time.monotonic() + RETRY_SECONDS
            raise
        return {class_id: str(version) for class_id, version in versions.items()}

    def _store(self, class_id: str, loaded: LoadedGallery) -> LoadedGallery:
        with self._lock:
            self._loaded.pop(class_id, None)
            while len(self._loaded) >= self._most_galleries:
                self._loaded.pop(next(iter(self._loaded)))
            self._loaded[class_id] = loaded
        return loaded

    def _lock_of(self, class_id: str) -> threading.Lock:
        with self._lock:
            return self._locks.setdefault(class_id, threading.Lock())

    def _fetch(self, class_id: str, version: str) -> LoadedGallery | None:
        data = cache.get(key_of(class_id, self._space))
        gallery = self._open(class_id, version, data) if isinstance(data, bytes) else None
        return None if gallery is None else LoadedGallery(gallery, version, time.monotonic())

    def _build(self, class_id: str, version: str, *, fresh: bool = False) -> LoadedGallery:
        """Build a gallery, unless (not `fresh`) another process did so while this one waited for the lock."""
        built: list[LoadedGallery] = []

        def build() -> None:
            shared = None if fresh else self._fetch(class_id, version)
            built.append(shared or self._from_source(class_id, version))

        self._source.run_locked(class_id, build)
        return built[0]

    def _from_source(self, class_id: str, version: str) -> LoadedGallery:
        started = time.monotonic()
        templates, owners = self._source.templates(class_id)
        gallery = Gallery.build_means(templates, owners, space=self._space)
        self._share(gallery, class_id, version)
        now = time.monotonic()
        self._monitor.count("gallery_built")
        self._monitor.observe("gallery_build", (now - started) * 1000)
        return LoadedGallery(gallery, version, now)

    def _share(self, gallery: Gallery, class_id: str, version: str) -> None:
        """Store the gallery in Redis for the other processes, unless the class has changed since it was read."""
        key = key_of(class_id, self._space)
        cache.set(key, seal(gallery, class_id, version), timeout=self._rebuild_seconds)
        # A withdrawal deletes this key after its COMMIT. Where it did so before the line above, the version has
        # changed.
        try:
            current = self._versions([class_id]).get(class_id) == version
        except SourceUnavailable:
            current = False
        if not current:
            cache.delete(key)

    def _open(self, class_id: str, version: str, data: bytes) -> Gallery | None:
        if version_of(data) != version:
            return None
        try:
            gallery = unseal(data, class_id, version, self._space)
        except (CannotOpen, EngineError) as error:
            logger.warning("a gallery in Redis was refused and is built again: %s", error)
            self._monitor.count("gallery_refused")
            cache.delete(key_of(class_id, self._space))
            return None
        self._monitor.count("gallery_loaded")
        return gallery

    def _sum(self, measure: Callable[[LoadedGallery], int]) -> int:
        return sum(measure(loaded) for loaded in list(self._loaded.values()))

    def _oldest_age(self) -> float:
        loaded = list(self._loaded.values())
        return time.monotonic() - min(gallery.loaded_at for gallery in loaded) if loaded else 0.0


def _bytes_of(loaded: LoadedGallery) -> int:
    return loaded.gallery.rows * 128 * 4


def key_of(class_id: str, space: str) -> str:
    """Return the Redis key of a class's gallery: without its version, so that a newer one replaces it."""
    return f"gallery:{class_id}:{space}"


def seal(gallery: Gallery, class_id: str, version: str) -> bytes:
    """Return magic, version in plain text (also authenticated) and the encrypted gallery."""
    head = json.dumps(version).encode()
    sealed = keyring().seal(gallery.to_bytes(), "gallery", class_id, version, gallery.space)
    return MAGIC + len(head).to_bytes(2, "big") + head + sealed


def version_of(data: bytes) -> str | None:
    """Return the version that sealed bytes claim to have; None where they are not a gallery."""
    start = len(MAGIC) + 2
    if not data.startswith(MAGIC) or len(data) < start:
        return None
    size = int.from_bytes(data[len(MAGIC) : start], "big")
    try:
        version = json.loads(data[start : start + size])
    except ValueError:
        return None
    return version if isinstance(version, str) else None


def unseal(data: bytes, class_id: str, version: str, space: str) -> Gallery:
    """Return the gallery that was given to `seal`. Raises `CannotOpen` and `EngineError`."""
    start = len(MAGIC) + 2
    size = int.from_bytes(data[len(MAGIC) : start], "big")
    plain = keyring().open(data[start + size :], "gallery", class_id, version, space)
    return Gallery.from_bytes(plain, space=space)
