"""A pytest plugin: `--engine-cost none|tenfold` changes what recognition costs in this process and in its servers.

What a test asserts must not depend on how fast the machine recognises; with these two it is seen whether it does. An
engine without cost remembers what it answered, so that a picture costs once; one of tenfold cost waits nine times as
long as it worked. "Its servers" are those of `tests/sockets/serving.py`. Engines that a test loads for itself, and
whole installations (`make run`), are as they are.
"""

from __future__ import annotations

import copy
import hashlib
import runpy
import sys
import threading
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final, TypeVar

from recognition import shared_engine
from recognition.engine import Detection, Engine, Face
from recognition.engine.types import Pixels

if TYPE_CHECKING:
    import pytest

T = TypeVar("T")

_chosen: str | None = None


class Free(Engine):
    """An engine that takes no time for a picture that it knows."""

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self._known: dict[bytes, Any] = {}

    def detect(self, rgb: Pixels, *, tiled: bool = False, reduced: bool = False) -> list[Detection]:
        """See Engine."""
        key = digest(rgb, "detect", tiled, reduced)
        return self._remembered(key, lambda: super(Free, self).detect(rgb, tiled=tiled, reduced=reduced))

    def encode(self, rgb: Pixels, detections: Sequence[Detection], *, quick: bool = False) -> list[Face]:
        """See Engine."""
        key = digest(rgb, "encode", quick, *((each.box, each.score) for each in detections))
        return self._remembered(key, lambda: super(Free, self).encode(rgb, detections, quick=quick))

    def _remembered(self, key: bytes, work: Callable[[], T]) -> T:
        if key not in self._known:
            self._known[key] = work()
        known: T = copy.deepcopy(self._known[key])
        return known


class Tenfold(Engine):
    """An engine that takes ten times as long."""

    def detect(self, rgb: Pixels, *, tiled: bool = False, reduced: bool = False) -> list[Detection]:
        """See Engine."""
        return slowly(lambda: super(Tenfold, self).detect(rgb, tiled=tiled, reduced=reduced))

    def encode(self, rgb: Pixels, detections: Sequence[Detection], *, quick: bool = False) -> list[Face]:
        """See Engine."""
        return slowly(lambda: super(Tenfold, self).encode(rgb, detections, quick=quick))


COSTS: Final[dict[str, type[Engine]]] = {"none": Free, "tenfold": Tenfold}


def slowly(work: Callable[[], T]) -> T:
    """Return what the work returns, after ten times its time."""
    began = time.perf_counter()
    result = work()
    threading.Event().wait(9 * (time.perf_counter() - began))
    return result


def digest(rgb: Pixels, *call: object) -> bytes:
    """Return a key of the picture and of what is asked of it."""
    return hashlib.blake2b(rgb.tobytes() + repr((rgb.shape, call)).encode(), digest_size=16).digest()


def apply(cost: str) -> None:
    """Make the engine of this process, which is not loaded yet, one of that cost."""
    global _chosen
    _chosen = cost
    vars(shared_engine)["Engine"] = COSTS[cost]


def command(module: str) -> list[str]:
    """Return the command that runs a module in a process whose engine has the cost that was chosen for this one."""
    if _chosen is None:
        return [sys.executable, "-m", module]
    return [sys.executable, "-m", "tests.engine_cost", _chosen, module]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option."""
    parser.addoption(
        "--engine-cost", choices=sorted(COSTS), help="what recognition costs in servers of the tests"
    )


def pytest_configure(config: pytest.Config) -> None:
    """Apply the option."""
    if cost := config.getoption("--engine-cost"):
        apply(cost)


def main() -> None:
    """Run `python -m tests.engine_cost COST MODULE [ARGUMENT ...]`."""
    cost, module, *arguments = sys.argv[1:]
    apply(cost)
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
