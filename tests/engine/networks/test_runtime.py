"""Which library, device and precision are chosen, and that the choice does not change the numbers."""

import subprocess
import sys
from collections.abc import Callable

import numpy as np
import pytest

from recognition.engine import Engine
from recognition.engine.errors import RuntimeUnavailable
from recognition.engine.networks import runtime
from recognition.engine.types import Pixels
from tests.material import ROOT


@pytest.fixture
def without_openvino(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine for which OpenVINO has no wheel."""
    # What `import` does with a None there is raise ImportError.
    monkeypatch.setitem(sys.modules, "openvino", None)


def test_onnx_runtime_gives_the_same_results_without_openvino(
    engine: Engine, photographs: list[Pixels], request: pytest.FixtureRequest
) -> None:
    with_it = [engine.analyse(rgb) for rgb in photographs[:3]]
    request.getfixturevalue("without_openvino")
    with Engine.load(device="cpu") as other:
        assert other.info()["library"] == "ONNX Runtime"
        assert "no OpenVINO" in " ".join(other.runtime.reasons)
        for rgb, faces in zip(photographs[:3], with_it, strict=True):
            pairs = zip(faces, other.analyse(rgb), strict=True)
            assert all(np.linalg.norm(one.template - two.template) < 1e-3 for one, two in pairs)


@pytest.mark.usefixtures("without_openvino")
def test_gpu_and_bf16_are_refused_without_openvino() -> None:
    with pytest.raises(RuntimeUnavailable, match="OpenVINO"):
        runtime.choose("gpu")
    with pytest.raises(RuntimeUnavailable, match="FACE_PRECISION"):
        runtime.choose("cpu", "bf16")


def test_auto_gives_its_reasons() -> None:
    chosen = runtime.choose()
    assert chosen.library == "OpenVINO" or chosen.device == "cuda"
    assert len(chosen.reasons) >= 2


def test_bf16_is_close_to_f32_or_refused(
    load: Callable[..., Engine], engine: Engine, lfw_pictures: list[Pixels]
) -> None:
    if runtime.choose("cpu").precision == "f32":
        with pytest.raises(RuntimeUnavailable, match="bf16"):
            runtime.choose("cpu", "bf16")
        return
    shorter = load(precision="bf16", device="cpu")
    detections = [engine.detect(rgb)[:1] for rgb in lfw_pictures]
    for rgb, found in zip(lfw_pictures, detections, strict=True):
        (one,), (two,) = engine.encode(rgb, found), shorter.encode(rgb, found)
        assert np.linalg.norm(one.embedding - two.embedding) <= 0.02


@pytest.mark.skipif(runtime.choose().device == "cuda", reason="this machine has a CUDA device")
def test_cuda_is_refused_without_an_nvidia_gpu() -> None:
    with pytest.raises(RuntimeUnavailable, match="CUDA"):
        runtime.choose("cuda")


FIRST_CALLS = """
import sys, threading
import numpy as np
from recognition.engine.networks import runtime

chosen = runtime.choose("cpu")
network = chosen.compile(runtime._empty_model())(None)
sys.setswitchinterval(1e-6)
together = threading.Barrier(8)

def first():
    together.wait()
    network(np.zeros(1, np.float32))

threads = [threading.Thread(target=first) for _ in range(8)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
"""


@pytest.mark.parametrize("_attempt", range(4))
def test_simultaneous_first_calls_do_not_deadlock(
    _attempt: int,
) -> None:
    # Without the lock in `choose`, about one process in five never finished here.
    root = ROOT
    subprocess.run([sys.executable, "-c", FIRST_CALLS], cwd=root, check=True, timeout=60)
