"""Conversion of dlib's two networks to ONNX, once; the results are kept in a cache folder by digest.

The input of the encoder are RGB pixels (N, 150, 150, 3) uint8: dlib's normalisation (subtract the mean colour, divide
by 256) is part of its first convolution, which has no padding, so the result is exact. The input of the detector is
dlib's tiled pyramid after normalisation, because it is padded with zeros then. Each affine layer is part of the
convolution before it.
"""

import fcntl
import logging
import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from recognition.engine.networks.weights import (
    ENCODER_SHA256,
    MMOD_SHA256,
    Convolution,
    Dense,
    Layer,
    fold,
    read_layers,
)

if TYPE_CHECKING:
    import onnx

logger = logging.getLogger(__name__)

CHIP_SIDE = 150

# The mean colour that dlib's input layer subtracts, and its divisor (dlib/dnn/input.h).
MEAN_COLOUR = np.array([122.782, 117.001, 104.298], np.float32)
DIVISOR = np.float32(256)

# The levels of dlib's ResNet from its input on (dlib's tools/python/src/face_recognition.cpp): channels, number of
# blocks that keep the size, and whether a block that halves it comes first.
_LEVELS = ((32, 3, False), (64, 3, True), (128, 2, True), (256, 2, True), (256, 0, True))

# Increase this when the graphs written here change, so that older files in the cache are not used.
_VERSION = 1
_OPSET = 17


class _Graph:
    """Collects the nodes and weights of an ONNX graph; every method returns the name of its output."""

    def __init__(self) -> None:
        from onnx import helper, numpy_helper

        self._helper, self._to_tensor = helper, numpy_helper.from_array
        self.nodes: list[onnx.NodeProto] = []
        self.weights: list[onnx.TensorProto] = []

    def add(self, kind: str, *inputs: str, **attributes: object) -> str:
        output = f"{kind.lower()}{len(self.nodes)}"
        self.nodes.append(self._helper.make_node(kind, list(inputs), [output], **attributes))
        return output

    def constant(self, values: np.ndarray) -> str:
        name = f"weight{len(self.weights)}"
        self.weights.append(self._to_tensor(np.ascontiguousarray(values), name))
        return name

    def pixels(self, source: str) -> str:
        return self.add("Transpose", self.add("Cast", source, to=1), perm=[0, 3, 1, 2])

    def convolve(self, source: str, layer: Convolution) -> str:
        return self.add(
            "Conv",
            source,
            self.constant(layer.filters),
            self.constant(layer.bias),
            strides=[layer.stride] * 2,
            pads=[layer.padding] * 4,
        )

    def relu(self, source: str) -> str:
        return self.add("Relu", source)

    def grow(self, source: str, channels: int, rows: int, columns: int) -> str:
        """Pad with zeros in channels, at the bottom and at the right, as dlib's sum of two sizes does."""
        if channels == rows == columns == 0:
            return source
        pads = np.array([0, 0, 0, 0, 0, channels, rows, columns], np.int64)
        return self.add("Pad", source, self.constant(pads))

    def model(
        self, output: str, shape: Sequence[int | str], result: Sequence[int | str], *, kind: int = 2
    ) -> bytes:
        """Return the model as bytes; `kind` is ONNX's number of the input's type (1 float32, 2 uint8)."""
        graph = self._helper.make_graph(
            self.nodes,
            "rollcall",
            [self._helper.make_tensor_value_info("pixels", kind, list(shape))],
            [self._helper.make_tensor_value_info(output, 1, list(result))],
            self.weights,
        )
        model = self._helper.make_model(graph, opset_imports=[self._helper.make_opsetid("", _OPSET)])
        model.ir_version = 8
        return bytes(model.SerializeToString())


def _normalised(layer: Convolution) -> Convolution:
    """Return `layer` for raw pixels instead of dlib's normalised ones; it must not have padding."""
    filters = layer.filters / DIVISOR
    bias = layer.bias - np.einsum("oihw,i->o", filters, MEAN_COLOUR)
    return Convolution(filters, bias, layer.stride, layer.padding)


def build_encoder(layers: Sequence[Layer]) -> bytes:
    """Return dlib's ResNet as ONNX: (N, 150, 150, 3) uint8 RGB to (N, 128) float32."""
    *convolutions, dense = layers
    remaining = iter([layer for layer in convolutions if isinstance(layer, Convolution)])
    graph = _Graph()
    last = graph.relu(graph.convolve(graph.pixels("pixels"), _normalised(next(remaining))))
    last = graph.add("MaxPool", last, kernel_shape=[3, 3], strides=[2, 2])
    side, depth = 35, 32
    for channels, blocks, halving in _LEVELS:
        if halving:
            last = _halving_block(graph, last, remaining, side, channels - depth)
            side, depth = max((side - 3) // 2 + 1, side // 2), channels
        for _ in range(blocks):
            inner = graph.convolve(graph.relu(graph.convolve(last, next(remaining))), next(remaining))
            last = graph.relu(graph.add("Add", inner, last))
    last = graph.add("Flatten", graph.add("GlobalAveragePool", last))
    assert isinstance(dense, Dense)
    output = graph.add("MatMul", last, graph.constant(dense.weights))
    return graph.model(output, ["n", CHIP_SIDE, CHIP_SIDE, 3], ["n", dense.weights.shape[1]])


def _halving_block(graph: _Graph, last: str, layers: Iterator[Convolution], side: int, deeper: int) -> str:
    """Add a block of two convolutions, the first 3x3/2 without padding, in parallel to a 2x2/2 average pool."""
    convolved, pooled = (side - 3) // 2 + 1, side // 2
    inner = graph.convolve(graph.relu(graph.convolve(last, next(layers))), next(layers))
    short = graph.add("AveragePool", last, kernel_shape=[2, 2], strides=[2, 2])
    inner = graph.grow(inner, 0, max(0, pooled - convolved), max(0, pooled - convolved))
    short = graph.grow(short, deeper, max(0, convolved - pooled), max(0, convolved - pooled))
    return graph.relu(graph.add("Add", inner, short))


def build_mmod(layers: Sequence[Layer]) -> bytes:
    """Return dlib's MMOD detector as ONNX: (1, 3, H, W) normalised float32 RGB to a score map (1, 1, h, w) float32."""
    *hidden, score_layer = [layer for layer in layers if isinstance(layer, Convolution)]
    graph, last = _Graph(), "pixels"
    for layer in hidden:
        last = graph.relu(graph.convolve(last, layer))
    shape: list[int | str] = [1, 3, "height", "width"]
    return graph.model(graph.convolve(last, score_layer), shape, [1, 1, "rows", "columns"], kind=1)


@dataclass(frozen=True, slots=True, eq=False)
class Conversion:
    """How one of dlib's files is converted: `digest` is its SHA-256, `build` makes ONNX of its layers."""

    name: str
    digest: str
    build: Callable[[Sequence[Layer]], bytes]


ENCODER = Conversion("encoder", ENCODER_SHA256, build_encoder)
MMOD = Conversion("mmod", MMOD_SHA256, build_mmod)


def default_cache() -> Path:
    """Return $XDG_CACHE_HOME/rollcall, or ~/.cache/rollcall."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "rollcall"


def load(conversion: Conversion, source: Path, cache: Path) -> bytes:
    """Return the ONNX model of `source`, from the cache folder, or converted now and stored there.

    Any number of processes may call it at once: a file's name contains the digest of its content, files are written by
    an atomic rename, and one process converts under a lock while the others wait. A damaged file does not match its
    name and is replaced. Where the folder cannot be written, the network is converted at each start. Raises
    ModelDamaged where `source` is not the published file.
    """
    if (cached := _cached(conversion, cache)) is not None:
        return cached
    try:
        with _locked(cache / f"{conversion.name}.lock"):
            if (cached := _cached(conversion, cache)) is not None:
                return cached
            return _convert(conversion, source, cache)
    except OSError as error:
        logger.warning("networks cannot be stored in %s (%s) and are converted at each start", cache, error)
        return conversion.build(fold(read_layers(source, conversion.digest)))


def _prefix(conversion: Conversion) -> str:
    return f"{conversion.name}-{conversion.digest[:8]}-v{_VERSION}-"


def _cached(conversion: Conversion, cache: Path) -> bytes | None:
    for path in sorted(cache.glob(_prefix(conversion) + "*.onnx")):
        try:
            data = path.read_bytes()
        except OSError:
            continue
        if path.stem.rpartition("-")[2] == sha256(data).hexdigest():
            return data
    return None


def _convert(conversion: Conversion, source: Path, cache: Path) -> bytes:
    data = conversion.build(fold(read_layers(source, conversion.digest)))
    for stale in cache.glob(_prefix(conversion) + "*.onnx"):
        stale.unlink(missing_ok=True)
    handle, name = tempfile.mkstemp(dir=cache, prefix=".converting-")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(cache / f"{_prefix(conversion)}{sha256(data).hexdigest()}.onnx")
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    return data


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold the lock file at `path`; the kernel releases it if the process dies."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
