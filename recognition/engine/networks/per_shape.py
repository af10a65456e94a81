"""Networks that are compiled for one input shape each."""

import threading
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future
from typing import Protocol

import numpy as np

from recognition.engine.types import Array

Shape = tuple[int, ...]


class Network(Protocol):
    """A compiled network: takes pixels or floats, returns one array for each output, in the network's order."""

    def __call__(self, pixels: np.ndarray) -> list[Array]:
        """Run on one core and return the outputs, which belong to the caller."""


class NetworkPerShape:
    """A network that is compiled for each input shape at its first use; the last `keep` shapes stay.

    A static shape is a fifth faster than a dynamic one, and a camera always sends the same. Thread-safe; only callers
    that need the same shape wait while it is compiled.
    """

    def __init__(self, compile_for: Callable[[Shape], Network], keep: int = 12) -> None:
        self._compile, self._keep = compile_for, keep
        self._lock = threading.Lock()
        self._networks: OrderedDict[Shape, Future[Network]] = OrderedDict()

    def __call__(self, pixels: np.ndarray) -> list[Array]:
        return self._for(pixels.shape).result()(pixels)

    def _for(self, shape: Shape) -> Future[Network]:
        with self._lock:
            if (compiled := self._networks.get(shape)) is not None:
                self._networks.move_to_end(shape)
                return compiled
            compiling = self._networks[shape] = Future()
            if len(self._networks) > self._keep:
                self._networks.popitem(last=False)
        try:
            compiling.set_result(self._compile(shape))
        except BaseException as error:  # noqa: BLE001 (passed on to all that wait)
            # All callers that wait for this shape get the error; the next one compiles again.
            compiling.set_exception(error)
            with self._lock:
                self._networks.pop(shape, None)
        return compiling
