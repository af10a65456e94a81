"""Chips to numbers: dlib's ResNet, the average with the mirror image, and a memory of what was encoded."""

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

# Chips of one call of the network. More gain nothing: 4 took 7.5 ms each, 8 8.6, 16 9.1 (their activations leave
# the processor's cache), and a worker that is told to end finishes its call first.
BATCH = 8
# docs/engine.md has what a second alignment gains, of these faces and of all.
_EASY = 0.989


@dataclass(frozen=True, slots=True, eq=False)
class Encoding:
    """`embedding` (128,) as dlib gives it; `template` (128,) of length 1 from the chip and its mirror image.

    `agreement` is the cosine between the two, from -1 to 1: low where the face is turned, hidden or blurred.
    """

    embedding: Array
    template: Array
    agreement: float

    @property
    def hard(self) -> bool:
        """Whether chip and mirror image agree so badly that a second alignment is worth its time: a quarter of LFW."""
        return self.agreement < _EASY

    def with_second(self, second: Encoding) -> Encoding:
        """The same face with the template averaged over a second alignment of it."""
        return replace(self, template=unit(self.template + second.template))


class Encoder:
    """`network` maps (N, 150, 150, 3) uint8 to (N, 128) float32. Safe from any number of threads.

    The last `cache_size` encodings are kept under a digest of the chip's pixels; 0 keeps none.
    """

    def __init__(self, network: Callable[[Pixels], Array], cache_size: int) -> None:
        self._network, self._size = network, cache_size
        self._lock = threading.Lock()
        self._kept: OrderedDict[bytes, Encoding] = OrderedDict()

    def embed(self, chips: Pixels) -> Array:
        """(N, 150, 150, 3) uint8 RGB to (N, 128) float32; raises BadImage for another shape or type."""
        check_chips(chips)
        parts = [
            self._network(np.ascontiguousarray(chips[at : at + BATCH])) for at in range(0, len(chips), BATCH)
        ]
        return np.concatenate([np.empty((0, 128), np.float32), *parts])

    def encode(self, chips: Pixels) -> list[Encoding]:
        """Embedding and template of each chip, (N, 150, 150, 3) uint8 RGB."""
        check_chips(chips)
        if not self._size:
            return self._encode(chips)
        keys = [blake2b(chip.data, digest_size=16).digest() for chip in np.ascontiguousarray(chips)]
        known = {key: encoding for key in keys if (encoding := self._recall(key)) is not None}
        missing = [at for at, key in enumerate(keys) if key not in known]
        if missing:
            for at, encoding in zip(missing, self._encode(chips[missing]), strict=True):
                known[keys[at]] = encoding
                self._keep(keys[at], encoding)
        return [known[key] for key in keys]

    def _encode(self, chips: Pixels) -> list[Encoding]:
        # A chip lies beside its mirror image, so that one face is one call.
        pairs = np.stack([chips, chips[:, :, ::-1]], axis=1).reshape(-1, CHIP_SIDE, CHIP_SIDE, 3)
        both = self.embed(pairs).reshape(-1, 2, 128)
        templates = unit(both.sum(axis=1))
        lengths = np.linalg.norm(both, axis=2).prod(axis=1)
        agreements = (both[:, 0] * both[:, 1]).sum(axis=1) / np.maximum(lengths, 1e-12)
        return [
            Encoding(embedding, template, float(agreement))
            for embedding, template, agreement in zip(both[:, 0], templates, agreements, strict=True)
        ]

    def _recall(self, key: bytes) -> Encoding | None:
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
            return self._kept.get(key)

    def _keep(self, key: bytes, encoding: Encoding) -> None:
        with self._lock:
            self._kept[key] = encoding
            while len(self._kept) > self._size:
                self._kept.popitem(last=False)


def unit(vectors: Array) -> Array:
    """Each row scaled to length 1; a row of zeros stays."""
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
