"""Reading the layers of dlib's serialised networks (`.dat`).

The format of the two files of `face_recognition_models`, written by dlib's `serialize.h` and `dnn/layers.h`: an
integer is one byte (low four bits: how many bytes follow; top bit: negative) and then its little-endian bytes; a
float is an integer mantissa and an integer exponent of two; a string is its length and its bytes; a tensor is version
2, four dimensions and raw little-endian float32; an alias tensor is version 1 and four dimensions. Layers are stored
from the input on, each preceded by its tag.
"""

from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from itertools import pairwise
from pathlib import Path

import numpy as np

from recognition.engine.errors import ModelDamaged
from recognition.engine.types import Array

ENCODER_SHA256 = "55533b28a95800a551ba546ba62fe69625c7e95a7061c338adffead08719da30"
MMOD_SHA256 = "4cb19393e2fbaf2b1609a9319ad5386618c886a6234ec1b971f3e87c85d87fe6"

_TAGS = (b"\x01\x05con_4", b"\x01\x07affine_", b"\x01\x07bn_con2", b"\x01\x04fc_2")


@dataclass(frozen=True, slots=True, eq=False)
class Convolution:
    """`filters` (out, in, height, width), `bias` (out,); the same stride and padding in y and x."""

    filters: Array
    bias: Array
    stride: int
    padding: int

    def then(self, affine: "Affine") -> "Convolution":
        """Return the one convolution that is equal to this one followed by `affine`."""
        filters = self.filters * affine.gain[:, None, None, None]
        bias = self.bias * affine.gain + affine.shift
        return Convolution(filters, bias, self.stride, self.padding)


@dataclass(frozen=True, slots=True, eq=False)
class Affine:
    """x * `gain` + `shift` for each channel; a frozen batch normalisation is folded into one of these."""

    gain: Array
    shift: Array


@dataclass(frozen=True, slots=True, eq=False)
class Dense:
    """x @ `weights` (inputs, outputs), without a bias."""

    weights: Array


Layer = Convolution | Affine | Dense


class _Reader:
    """Reads values one after the other from the bytes of a file."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0

    def integer(self) -> int:
        head = self.data[self.at]
        size = head & 0x0F
        value = int.from_bytes(self.data[self.at + 1 : self.at + 1 + size], "little")
        self.at += 1 + size
        return -value if head & 0x80 else value

    def real(self) -> float:
        mantissa = self.integer()
        return float(mantissa * 2.0 ** self.integer())

    def tensor(self) -> Array:
        _version, *shape = (self.integer() for _ in range(5))
        count = int(np.prod(shape))
        values = np.frombuffer(self.data, "<f4", count, self.at).reshape(shape)
        self.at += 4 * count
        return values.astype(np.float32)

    def alias(self) -> tuple[int, ...]:
        _version, *shape = (self.integer() for _ in range(5))
        return tuple(shape)

    def convolution(self) -> Convolution:
        parameters = self.tensor().ravel()
        _filters, _rows, _columns, stride, _stride_x, padding, _padding_x = (self.integer() for _ in range(7))
        shape = self.alias()
        filters = parameters[: int(np.prod(shape))].reshape(shape)
        return Convolution(filters, parameters[filters.size :], stride, padding)

    def affine(self) -> Affine:
        gain, shift = np.split(self.tensor().ravel(), 2)
        return Affine(gain, shift)

    def batch_normalisation(self) -> Affine:
        gain, shift = np.split(self.tensor().ravel(), 2)
        self.alias()
        self.alias()
        self.tensor()
        self.tensor()
        means, variances = self.tensor().ravel(), self.tensor().ravel()
        self.integer()
        self.integer()
        for _ in range(4):
            self.real()
        scale = gain / np.sqrt(variances + np.float32(self.real()))
        return Affine(scale, shift - means * scale)

    def dense(self) -> Dense:
        self.integer()
        self.integer()
        return Dense(self.tensor()[:, :, 0, 0])


_PARSERS: dict[bytes, Callable[[_Reader], Layer]] = dict(
    zip(_TAGS, (_Reader.convolution, _Reader.affine, _Reader.batch_normalisation, _Reader.dense), strict=True)
)


def read_layers(path: Path, digest: str) -> list[Layer]:
    """Return the layers with weights of the network in `path`, from the input on.

    Raises ModelDamaged where the file's SHA-256 is not `digest`, so only the files that the reader was written for are
    parsed.
    """
    data = path.read_bytes()
    check_digest(path, data, digest)
    reader = _Reader(data)
    layers: list[Layer] = []
    while (next_tag := _next_tag(data, reader.at)) is not None:
        tag, reader.at = next_tag
        layers.append(_PARSERS[tag](reader))
    return layers


def check_digest(path: Path, data: bytes, digest: str) -> None:
    """Raise ModelDamaged unless `data`, the content of `path`, has the SHA-256 `digest` (hex)."""
    actual = sha256(data).hexdigest()
    if actual != digest:
        msg = (
            f"{path.name} is not the published file ({len(data)} bytes, SHA-256 {actual[:12]}…, "
            f"expected {digest[:12]}…). Install it again: {path}"
        )
        raise ModelDamaged(msg, extra={"file": path.name, "expected": digest, "found": actual})


def _next_tag(data: bytes, start: int) -> tuple[bytes, int] | None:
    """Return the first tag at or after `start` and the position after it, or None."""
    places = [(place, tag) for tag in _TAGS if (place := data.find(tag, start)) >= 0]
    if not places:
        return None
    place, tag = min(places)
    return tag, place + len(tag)


def fold(layers: list[Layer]) -> list[Layer]:
    """Return the layers with each convolution and the affine that follows it as one convolution."""
    folded: list[Layer] = []
    for layer, after in pairwise([*layers, None]):
        if isinstance(layer, Affine):
            continue
        if isinstance(layer, Convolution) and isinstance(after, Affine):
            folded.append(layer.then(after))
        elif layer is not None:
            folded.append(layer)
    return folded
