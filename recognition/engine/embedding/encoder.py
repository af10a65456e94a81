"""Encoding: chips through dlib's ResNet, the mean with the mirror image, and a cache by content."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace
from hashlib import blake2b

import numpy as np

from recognition.engine.errors import BadImage
from recognition.engine.networks.conversion import CHIP_SIDE
from recognition.engine.types import Array, Pixels

# Chips in one call of the network. More gain nothing: of 4 each took 7.5 ms, of 8 8.6, of 16 9.1 (their activations do
# not fit into the processor's cache), and a worker that is told to end finishes its call first.
BATCH = 8
# A face whose agreement is lower is hard: a second alignment improves its template. docs/benchmarks.md has the gain for
# these and for all faces.
_LEAST_EASY_AGREEMENT = 0.989


@dataclass(frozen=True, slots=True, eq=False)
class Encoding:
    """The encoding of a chip.

    `embedding` (128,) is the network's output for the chip, as dlib returns it. `template` (128,) is the mean of the
    embeddings of chip and mirror image, scaled to length 1. `agreement` is the cosine between these two embeddings,
    from -1 to 1; it is low where the face is turned, hidden or blurred.
    """

    embedding: Array
    template: Array
    agreement: float

    @property
    def hard(self) -> bool:
        """Return whether the face needs a second alignment (`Aligner.align_by_landmarks`), as a quarter of LFW does."""
        return self.agreement < _LEAST_EASY_AGREEMENT

    def with_second(self, second: Encoding) -> Encoding:
        """Return the encoding with the template averaged over this and a second alignment."""
        return replace(self, template=unit(self.template + second.template))


class Encoder:
    """Encodes chips with `network`, which maps (N, 150, 150, 3) uint8 to (N, 128) float32. Thread-safe.

    The last `cache_size` encodings are kept by a digest of the chip's pixels; 0 keeps none.
    """

    def __init__(self, network: Callable[[Pixels], Array], cache_size: int) -> None:
        self._network, self._cache_size = network, cache_size
        self._lock = threading.Lock()
        self._cached: OrderedDict[bytes, Encoding] = OrderedDict()

    def embed(self, chips: Pixels) -> Array:
        """Return embeddings (N, 128) float32 of chips (N, 150, 150, 3) uint8 RGB. Raises BadImage for other arrays."""
        check_chips(chips)
        parts = [
            self._network(np.ascontiguousarray(chips[start : start + BATCH]))
            for start in range(0, len(chips), BATCH)
        ]
        return np.concatenate([np.empty((0, 128), np.float32), *parts])

    def encode(self, chips: Pixels) -> list[Encoding]:
        """Return the encodings of chips (N, 150, 150, 3) uint8 RGB. Raises BadImage for other arrays."""
        check_chips(chips)
        if not self._cache_size:
            return self._encode(chips)
        keys = [blake2b(chip.data, digest_size=16).digest() for chip in np.ascontiguousarray(chips)]
        known = {key: encoding for key in keys if (encoding := self._cached_encoding(key)) is not None}
        missing = [index for index, key in enumerate(keys) if key not in known]
        if missing:
            for index, encoding in zip(missing, self._encode(chips[missing]), strict=True):
                known[keys[index]] = encoding
                self._cache(keys[index], encoding)
        return [known[key] for key in keys]

    def _encode(self, chips: Pixels) -> list[Encoding]:
        # Each chip is followed by its mirror image, so that a face is in one call.
        pairs = np.stack([chips, chips[:, :, ::-1]], axis=1).reshape(-1, CHIP_SIDE, CHIP_SIDE, 3)
        both = self.embed(pairs).reshape(-1, 2, 128)
        templates = unit(both.sum(axis=1))
        lengths = np.linalg.norm(both, axis=2).prod(axis=1)
        agreements = (both[:, 0] * both[:, 1]).sum(axis=1) / np.maximum(lengths, 1e-12)
        return [
            Encoding(embedding, template, float(agreement))
            for embedding, template, agreement in zip(both[:, 0], templates, agreements, strict=True)
        ]

    def _cached_encoding(self, key: bytes) -> Encoding | None:
        with self._lock:
            if key in self._cached:
                self._cached.move_to_end(key)
            return self._cached.get(key)

    def _cache(self, key: bytes, encoding: Encoding) -> None:
        with self._lock:
            self._cached[key] = encoding
            while len(self._cached) > self._cache_size:
                self._cached.popitem(last=False)


def unit(vectors: Array) -> Array:
    """Return vectors (..., 128) scaled to length 1; zeros stay zeros."""
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.asarray(vectors / np.maximum(lengths, 1e-12), np.float32)


def check_chips(chips: Pixels) -> None:
    """Raise BadImage unless `chips` is (N, 150, 150, 3) uint8."""
    if not isinstance(chips, np.ndarray) or chips.dtype != np.uint8:
        msg = f"Chips are a uint8 array, not {getattr(chips, 'dtype', type(chips).__name__)}"
        raise BadImage(msg, code="wrong_type")
    if chips.ndim != 4 or chips.shape[1:] != (CHIP_SIDE, CHIP_SIDE, 3):
        msg = f"Chips are (N, 150, 150, 3), not {chips.shape}"
        raise BadImage(msg, code="wrong_shape", extra={"shape": list(chips.shape)})
