"""The gallery: an immutable FAISS index of templates, with the subject of each.

Searches are exact up to 100,000 templates. Above, an inverted file (IVF) over the full vectors is used: it is built in
seconds where a graph (HNSW) takes minutes on two cores, needs no memory beside the templates, and its distances are
exact. How many of its lists are searched is chosen when it is built, by measuring the recall.

A gallery never changes, because adding to a FAISS index during a search crashes: build another one and replace it.
Thread-safe.
"""

from __future__ import annotations

import hashlib
import json
import math
import struct
from collections.abc import Sequence
from functools import partial
from typing import Final
from uuid import UUID

import faiss
import numpy as np
from numpy.typing import NDArray

from recognition.engine.errors import DamagedGallery, WrongSpace
from recognition.engine.types import SPACE, Array, Match

# Up to this many templates, searches are exact.
EXACT_ROWS: Final = 100_000
# The first bytes of a stored gallery; they change with its format.
MAGIC: Final = b"RCGALRY1"
# How many numbers a template has.
_WIDTH = 128
_DIGEST_BYTES = 32
# In a stored gallery: bytes of the description, bytes of the ids, rows, bytes of the index.
_SIZES = struct.Struct("<QQQQ")
# FAISS computes |a|^2 + |b|^2 - 2ab, which loses digits where two vectors are this close (squared distance); those
# distances are computed again.
_INEXACT = 1e-3
# Rows that a first search returns for each further subject; it is repeated with more where that was not enough.
_DEPTH_PER_SUBJECT = 5
# Makes a Match of a pair without a Python call, in a third of the time for a small search.
_match = partial(tuple.__new__, Match)
# The part of sampled searches in which an IVF index must find the nearest template.
_WANTED_RECALL = 0.995
# Templates for each list that an IVF index is trained on.
_TRAINED_PER_LIST = 48
# Sampled searches with which the recall is measured.
_RECALL_PROBES = 256
# The distance between a new image of a person and the enrolled template; 0.17 to 0.33 for good tracks.
_TYPICAL_DISTANCE = 0.3
_SEED = 7


class Gallery:
    """Templates (N, 128) float32 of one space with their subjects; distances are L2, smaller is nearer.

    Several rows may belong to one subject. `ids` are the subjects, `recall` is the part of searches in which the index
    finds the nearest. Create a gallery with `build`, `build_means` or `from_bytes`.
    """

    __slots__ = ("_index", "_index_of", "_owners", "_photographs", "ids", "recall", "space")

    def __init__(
        self,
        index: faiss.Index,
        owners: NDArray[np.uint32],
        ids: tuple[str, ...],
        photographs: NDArray[np.uint32],
        *,
        space: str,
        recall: float,
    ) -> None:
        self._index = index
        self._owners = owners
        self._photographs = photographs
        self._index_of = {subject: index for index, subject in enumerate(ids)}
        self.ids = ids
        self.space = space
        self.recall = recall

    @classmethod
    def build(cls, templates: Array, ids: Sequence[str | UUID], *, space: str = SPACE) -> Gallery:
        """Return a gallery with a row for each template; `ids` has one entry for each. Raises ValueError."""
        rows = _checked(templates)
        names, owners = _grouped(ids, len(rows))
        return cls._from_rows(rows, owners, names, np.bincount(owners, minlength=len(names)), space)

    @classmethod
    def build_means(cls, templates: Array, ids: Sequence[str | UUID], *, space: str = SPACE) -> Gallery:
        """Return a gallery with a row for each id: the mean of its templates, scaled to unit length.

        In measurements this was better than the nearest of several rows. `photographs` returns how many templates the
        mean has. Raises ValueError.
        """
        rows = _checked(templates)
        names, owners = _grouped(ids, len(rows))
        sums = np.zeros((len(names), _WIDTH), np.float64)
        np.add.at(sums, owners, rows)
        lengths = np.linalg.norm(sums, axis=1, keepdims=True)
        means = (sums / np.maximum(lengths, np.finfo(np.float32).tiny)).astype(np.float32)
        counts = np.bincount(owners, minlength=len(names))
        return cls._from_rows(means, np.arange(len(names), dtype=np.uint32), names, counts, space)

    @classmethod
    def _from_rows(
        cls,
        rows: Array,
        owners: NDArray[np.uint32],
        names: tuple[str, ...],
        counts: NDArray[np.int64],
        space: str,
    ) -> Gallery:
        exact = len(rows) <= EXACT_ROWS
        index, recall = (_flat(rows), 1.0) if exact else _inverted(rows)
        return cls(index, owners, names, counts.astype(np.uint32), space=space, recall=recall)

    @property
    def size(self) -> int:
        """Return the number of subjects."""
        return len(self.ids)

    @property
    def rows(self) -> int:
        """Return the number of templates."""
        return int(self._index.ntotal)

    def photographs(self, subject: str) -> int:
        """Return how many templates a subject was enrolled with. Raises KeyError for an unknown one."""
        return int(self._photographs[self._index_of[subject]])

    def search(self, probes: Array, k: int = 2, *, space: str | None = None) -> list[list[Match]]:
        """Return the nearest `k` subjects of each probe (P, 128), best first, each once.

        There are fewer than `k` where the gallery has fewer. `space`, if given, must be the gallery's. Raises
        WrongSpace and ValueError.
        """
        _same_space(space, self.space)
        checked = _checked(probes)
        if not len(checked) or not self.size or k < 1:
            return [[] for _ in range(len(checked))]
        # At these sizes several OpenMP threads cost more than they gain. FAISS keeps the number for each thread.
        faiss.omp_set_num_threads(1)
        wanted = min(k, self.size)
        if self.rows == self.size:
            return self._matches(checked, *self._index.search(checked, wanted))
        depth = min(self.rows, _DEPTH_PER_SUBJECT * (wanted - 1) + 1)
        while True:
            squares, labels = self._index.search(checked, depth)
            columns, complete = _first_of_each(self._owners, labels, wanted)
            if complete or depth == self.rows:
                break
            depth = min(self.rows, depth * 4)
        probe_rows = np.arange(len(checked))[:, None]
        labels = np.where(columns < 0, -1, labels[probe_rows, columns])
        return self._matches(checked, squares[probe_rows, columns], labels)

    def _matches(self, probes: Array, squares: Array, labels: NDArray[np.int64]) -> list[list[Match]]:
        """Return squared distances and rows (P, k) as lists of matches; row -1 is none. Written for speed."""
        if squares.min() < _INEXACT and isinstance(self._index, faiss.IndexFlat):
            near = np.nonzero(squares < _INEXACT)
            stored = self._index.reconstruct_batch(labels[near])
            squares[near] = ((stored - probes[near[0]]) ** 2).sum(axis=1)
        ids, width = self.ids, labels.shape[1]
        names = [ids[owner] for owner in self._owners[labels].ravel().tolist()]
        distances = np.sqrt(squares).ravel().tolist()
        flat = list(map(_match, zip(names, distances, strict=True)))
        matches = [flat[start : start + width] for start in range(0, len(flat), width)]
        if labels.min() >= 0:
            return matches
        return [
            [match for match, row in zip(of_probe, rows, strict=True) if row >= 0]
            for of_probe, rows in zip(matches, labels.tolist(), strict=True)
        ]

    def to_bytes(self) -> bytes:
        """Return the gallery as bytes: magic, SHA-256 of the rest, sizes, description, ids, owners, counts, index."""
        exact = isinstance(self._index, faiss.IndexFlat)
        description = json.dumps({"space": self.space, "exact": exact, "recall": self.recall}).encode()
        ids = json.dumps(self.ids).encode()
        packed = faiss.serialize_index(self._index) if not exact else self._stored()
        sizes = _SIZES.pack(len(description), len(ids), self.rows, packed.nbytes)
        parts = (sizes, description, ids, self._owners, self._photographs, packed)
        body = b"".join(part if isinstance(part, bytes) else part.tobytes() for part in parts)
        return MAGIC + hashlib.sha256(body).digest() + body

    def _stored(self) -> Array:
        if not self.rows:
            return np.empty((0, _WIDTH), np.float32)
        return np.asarray(self._index.reconstruct_n(0, self.rows), np.float32)

    @classmethod
    def from_bytes(cls, data: bytes, *, space: str = SPACE) -> Gallery:
        """Return the gallery that `to_bytes` wrote. Raises DamagedGallery and WrongSpace.

        The digest detects damage, not forgery: encrypt with authentication where that matters.
        """
        start = len(MAGIC) + _DIGEST_BYTES
        body = memoryview(data)[start:]
        if not data.startswith(MAGIC) or len(body) < _SIZES.size:
            raise DamagedGallery("These bytes are not a gallery of this version; build the gallery again.")
        if hashlib.sha256(body).digest() != data[len(MAGIC) : start]:
            raise DamagedGallery("The gallery was cut short or changed; build it again.")
        try:
            return cls._parsed(body, space)
        except (ValueError, KeyError, TypeError, RuntimeError) as error:
            raise DamagedGallery("The parts of the gallery disagree; build it again.") from error

    @classmethod
    def _parsed(cls, body: memoryview, space: str) -> Gallery:
        description_bytes, ids_bytes, rows, index_bytes = _SIZES.unpack_from(body)
        offset = _SIZES.size
        description = json.loads(bytes(body[offset : offset + description_bytes]))
        _same_space(str(description["space"]), space)
        offset += description_bytes
        ids = tuple(json.loads(bytes(body[offset : offset + ids_bytes])))
        offset += ids_bytes
        owners = np.frombuffer(body, "<u4", rows, offset).copy()
        offset += owners.nbytes
        photographs = np.frombuffer(body, "<u4", len(ids), offset).copy()
        offset += photographs.nbytes
        if offset + index_bytes != len(body) or (rows and owners.max() >= len(ids)):
            raise ValueError("sizes disagree")
        if description["exact"]:
            index = _flat(np.frombuffer(body, "<f4", rows * _WIDTH, offset).reshape(rows, _WIDTH))
        else:
            index = faiss.deserialize_index(np.frombuffer(body, np.uint8, index_bytes, offset))
        if index.ntotal != rows or index.d != _WIDTH:
            raise ValueError("the index has another size")
        return cls(index, owners, ids, photographs, space=space, recall=float(description["recall"]))


def _same_space(given: str | None, wanted: str) -> None:
    if given is not None and given != wanted:
        msg = f"Templates of space {given} cannot be compared with {wanted}; compute them again in one space."
        raise WrongSpace(msg, extra={"space": given, "wanted": wanted})


def _checked(templates: Array) -> Array:
    """Return templates (N, 128) as contiguous float32.

    Raises ValueError for other shapes and for numbers that are not finite.
    """
    rows = np.ascontiguousarray(templates, np.float32)
    if rows.size == 0:
        return rows.reshape(0, _WIDTH)
    if rows.ndim != 2 or rows.shape[1] != _WIDTH:
        msg = f"templates are (N, {_WIDTH}) float32, not {rows.shape}"
        raise ValueError(msg)
    # The sum is finite only if every number is, and is fast.
    if not math.isfinite(float(rows.sum())):
        raise ValueError("templates must be finite numbers")
    return rows


def _grouped(ids: Sequence[str | UUID], rows: int) -> tuple[tuple[str, ...], NDArray[np.uint32]]:
    """Return the distinct ids, and for each row the index of its id. Raises ValueError unless there are `rows` ids."""
    if len(ids) != rows:
        msg = f"{rows} templates need {rows} ids, not {len(ids)}"
        raise ValueError(msg)
    index_of: dict[str, int] = {}
    owners = np.fromiter((index_of.setdefault(str(name), len(index_of)) for name in ids), np.uint32, rows)
    return tuple(index_of), owners


def _first_of_each(
    owners: NDArray[np.uint32], labels: NDArray[np.int64], wanted: int
) -> tuple[NDArray[np.int64], bool]:
    """Return the column (P, wanted) where each nearest owner first appears (-1: none), and whether all were found."""
    row_owners = owners[labels]
    remaining = row_owners != row_owners[:, :1]
    if labels.min() < 0:
        remaining &= labels >= 0
    columns = np.zeros((len(labels), wanted), np.int64)
    columns[:, 0] -= labels[:, 0] < 0
    probe_rows = np.arange(len(labels))
    for place in range(1, wanted):
        column = remaining.argmax(axis=1)
        columns[:, place] = np.where(remaining[probe_rows, column], column, -1)
        if place + 1 < wanted:
            remaining &= row_owners != row_owners[probe_rows, column][:, None]
    return columns, bool(columns.min() >= 0)


def _flat(rows: Array) -> faiss.IndexFlatL2:
    index = faiss.IndexFlatL2(_WIDTH)
    index.add(np.ascontiguousarray(rows, np.float32))
    return index


def _inverted(rows: Array) -> tuple[faiss.IndexIVFFlat, float]:
    """Return an IVF index that searches enough of its lists for the wanted recall, and the measured recall."""
    lists = 2 ** round(math.log2(4 * math.sqrt(len(rows))))
    rng = np.random.default_rng(_SEED)
    index = faiss.IndexIVFFlat(faiss.IndexFlatL2(_WIDTH), _WIDTH, lists)
    index.cp.seed = _SEED
    index.train(rows[rng.choice(len(rows), min(len(rows), lists * _TRAINED_PER_LIST), replace=False)])
    index.add(rows)
    probes = _moved(rows[rng.choice(len(rows), _RECALL_PROBES, replace=False)], rng)
    nearest = faiss.knn(probes, rows, 1)[1][:, 0]
    recall = 0.0
    index.nprobe = 4
    while recall < _WANTED_RECALL and index.nprobe < lists:
        index.nprobe *= 2
        recall = float((index.search(probes, 1)[1][:, 0] == nearest).mean())
    return index, recall


def _moved(templates: Array, rng: np.random.Generator) -> Array:
    """Return simulated other images of the same people: each template moved by the typical distance."""
    step = rng.standard_normal(templates.shape).astype(np.float32)
    step *= _TYPICAL_DISTANCE / np.linalg.norm(step, axis=1, keepdims=True)
    moved = templates + step
    return np.asarray(moved / np.linalg.norm(moved, axis=1, keepdims=True), np.float32)
