"""The wishes for OpenVINO's kernels: same numbers, and heard."""

from typing import Any

import numpy as np
import pytest

from recognition.engine.networks import kernels
from recognition.engine.networks.model_files import CENTERFACE_FILE, read
from recognition.engine.networks.runtime import _empty_model, choose

openvino = pytest.importorskip("openvino", reason="OpenVINO has no wheel here")
SHAPE = [1, 3, 96, 160]


@pytest.fixture(scope="module")
def networks() -> tuple[Any, Any]:
    """CenterFace as it comes, and with the wishes."""
    model = read(CENTERFACE_FILE, None)
    return compiled(model), compiled(*kernels.with_other_kernels(openvino.Core(), model))


def compiled(*files: bytes) -> Any:
    core = openvino.Core()
    network = core.read_model(*files)
    network.reshape(SHAPE)
    return core.compile_model(network, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})


def kernels_of(network: Any) -> set[str]:
    return {node.get_rt_info()["primitiveType"].astype(str) for node in network.get_runtime_model().get_ops()}


def test_other_kernels_give_the_same_results(networks: tuple[Any, Any]) -> None:
    pixels = np.random.default_rng(5).integers(0, 256, SHAPE).astype(np.float32)
    plain, better = (network([pixels]) for network in networks)
    for one, other in zip(plain.values(), better.values(), strict=True):
        np.testing.assert_allclose(other, one, rtol=1e-4, atol=1e-4)


@pytest.mark.skipif(not kernels.needs_other_kernels(), reason="this processor has AVX-512, or no AVX2")
def test_other_kernels_are_used(networks: tuple[Any, Any]) -> None:
    plain, better = (kernels_of(network) for network in networks)
    assert {"jit_avx2_1x1_f32", "jit_avx2_dw_f32"} <= better
    assert not {"jit_avx2_1x1_f32", "jit_avx2_dw_f32"} <= plain


def test_network_without_such_convolutions_is_unchanged() -> None:
    nothing = _empty_model()
    assert kernels.with_other_kernels(openvino.Core(), nothing) == (nothing,)


def test_network_is_unchanged_where_openvino_chooses_well(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernels, "needs_other_kernels", lambda: False)
    monkeypatch.setattr(kernels, "with_other_kernels", None)
    assert choose(precision="f32").compile(read(CENTERFACE_FILE, None))(tuple(SHAPE))
