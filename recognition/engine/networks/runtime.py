"""The runtime of the networks: OpenVINO where it has a wheel, ONNX Runtime elsewhere and on CUDA.

Compiled networks are thread-safe: each thread has its own inference request, and each call uses one core, so two
threads do twice the work of one.
"""

import os
import platform
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import numpy as np

from recognition.engine.errors import RuntimeUnavailable
from recognition.engine.networks import kernels
from recognition.engine.networks.per_shape import Network, Shape
from recognition.engine.types import Array

DEVICES = ("auto", "cpu", "gpu", "cuda")
PRECISIONS = ("auto", "f32", "bf16")


# Compiles a network for an input shape; None keeps the model's own.
NetworkForShape = Callable[[Shape | None], Network]


@dataclass(frozen=True, slots=True, eq=False)
class Runtime:
    """A library, device and precision that were chosen together, and the reasons."""

    library: str
    device: str
    precision: str
    reasons: tuple[str, ...]
    compile: Callable[[bytes], NetworkForShape]


def _refuse_to_compile(_model: bytes) -> NetworkForShape:
    msg = "dlib runs only its own networks"
    raise RuntimeUnavailable(msg)


# The runtime of the reference backend, which compiles no networks.
DLIB = Runtime("dlib", "cpu", "f32", (), _refuse_to_compile)


def choose(device: str = "auto", precision: str = "auto") -> Runtime:
    """Return the runtime for `device` and `precision`. Raises RuntimeUnavailable where this machine lacks them."""
    if device not in DEVICES or precision not in PRECISIONS:
        msg = f"FACE_DEVICE is one of {', '.join(DEVICES)}; FACE_PRECISION one of {', '.join(PRECISIONS)}"
        raise RuntimeUnavailable(msg, extra={"device": device, "precision": precision})
    reasons: list[str] = []
    if device in ("auto", "cuda"):
        runtime = _cuda(precision, reasons)
        if runtime is not None:
            return runtime
        if device == "cuda":
            msg = f"No CUDA device can be used: {reasons[-1]}"
            raise RuntimeUnavailable(msg, extra={"device": device})
    try:
        import openvino
    except ImportError as error:
        reasons.append(f"no OpenVINO ({platform.machine()}: {error}): ONNX Runtime on the CPU")
    else:
        return _openvino(openvino.Core(), device, precision, reasons)
    if device == "gpu":
        msg = "A GPU other than CUDA needs OpenVINO, which is not installed here"
        raise RuntimeUnavailable(msg, extra={"device": device})
    return _onnx_runtime(["CPUExecutionProvider"], "cpu", precision, reasons)


def _cuda(precision: str, reasons: list[str]) -> Runtime | None:
    """Return ONNX Runtime on an NVIDIA GPU, or None; the reason is added to `reasons`."""
    if find_spec("onnxruntime") is None:
        reasons.append("ONNX Runtime is not installed, so CUDA was not tried")
        return None
    import onnxruntime

    if "CUDAExecutionProvider" not in onnxruntime.get_available_providers():
        reasons.append("no CUDA: ONNX Runtime was built without it (the package onnxruntime-gpu has it)")
        return None
    session = onnxruntime.InferenceSession(_empty_model(), providers=_CUDA)
    if session.get_providers()[0] != "CUDAExecutionProvider":
        reasons.append(
            "no CUDA: its provider does not start (no NVIDIA GPU, or its driver or libraries are missing)"
        )
        return None
    reasons.append("an NVIDIA GPU works through ONNX Runtime")
    return _onnx_runtime(_CUDA, "cuda", precision, reasons)


# Without TF32, whose mantissa of ten bits would change the embeddings from those of face_recognition.
_CUDA: list[Any] = [("CUDAExecutionProvider", {"use_tf32": "0"}), "CPUExecutionProvider"]


def _empty_model() -> bytes:
    """Return a network that does nothing, to test whether a provider starts."""
    from onnx import helper

    value = helper.make_tensor_value_info("pixels", 1, [1])
    result = helper.make_tensor_value_info("result", 1, [1])
    graph = helper.make_graph(
        [helper.make_node("Identity", ["pixels"], ["result"])], "nothing", [value], [result]
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 8
    return bytes(model.SerializeToString())


def _onnx_runtime(providers: list[Any], device: str, precision: str, reasons: list[str]) -> Runtime:
    if precision == "bf16":
        msg = "bf16 needs OpenVINO and a CPU with AVX-512 BF16 or AMX; set FACE_PRECISION to f32 or auto"
        raise RuntimeUnavailable(msg, extra={"precision": precision})
    reasons.append("f32: ONNX Runtime runs these networks in no other precision")

    def compile_network(model: bytes) -> NetworkForShape:
        return lambda shape: _OnnxRuntimeNetwork(model, shape, providers)

    return Runtime("ONNX Runtime", device, "f32", tuple(reasons), compile_network)


_numpy_bridge_lock = threading.Lock()


def _load_numpy_bridge() -> None:
    """Pass OpenVINO an array and read one back, under a lock.

    Its module initialises itself at the first array, under a lock that keeps the GIL: two threads that do so at once
    wait for each other for ever (seen in 3 of 16 processes with eight threads).
    """
    import openvino

    with _numpy_bridge_lock:
        np.asarray(openvino.Tensor(np.zeros(1, np.float32), shared_memory=True).data)


def _openvino(core: Any, device: str, precision: str, reasons: list[str]) -> Runtime:
    name = "GPU" if device == "gpu" else "CPU"
    if name not in {device.partition(".")[0] for device in core.available_devices}:
        msg = f"OpenVINO finds no {name} here (it finds {', '.join(core.available_devices)})"
        raise RuntimeUnavailable(msg, extra={"device": device})
    _load_numpy_bridge()
    if device == "auto":
        reasons.append("the CPU through OpenVINO: the fastest that is available on every machine")
    chosen = _openvino_precision(core, name, precision, reasons)
    options = {
        "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_PRECISION_HINT": chosen,
    }
    if name == "CPU":
        # One thread for each call, because calls come from several threads. A compiled model runs as many calls at once
        # as it has streams; with one stream, two threads would wait for each other. With pinning, all calls would share
        # one core.
        streams = str(usable_cores())
        options |= {
            "NUM_STREAMS": streams,
            "INFERENCE_NUM_THREADS": streams,
            "ENABLE_CPU_PINNING": "NO",
        }

    def compile_network(model: bytes) -> NetworkForShape:
        use_other_kernels = name == "CPU" and kernels.needs_other_kernels()
        files = kernels.with_other_kernels(core, model) if use_other_kernels else (model,)
        return lambda shape: _OpenVinoNetwork(core, files, shape, name, options)

    return Runtime("OpenVINO", name.lower(), chosen, tuple(reasons), compile_network)


def usable_cores() -> int:
    """Return the number of cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _openvino_precision(core: Any, name: str, precision: str, reasons: list[str]) -> str:
    able = "BF16" in core.get_property(name, "OPTIMIZATION_CAPABILITIES")
    if precision == "bf16" and not able:
        msg = "This processor has no bf16 (AVX-512 BF16 or AMX): set FACE_PRECISION to f32 or auto"
        raise RuntimeUnavailable(msg, extra={"precision": precision})
    if precision == "auto":
        reasons.append("bf16: the processor has it" if able else "f32: the processor has no bf16")
        return "bf16" if able else "f32"
    return precision


class _OpenVinoNetwork:
    def __init__(
        self, core: Any, files: Sequence[bytes], shape: Shape | None, device: str, options: dict[str, str]
    ) -> None:
        network = core.read_model(*files)
        if shape is not None:
            network.reshape(list(shape))
        self._compiled = core.compile_model(network, device, options)
        self._local = threading.local()

    def __call__(self, pixels: np.ndarray) -> list[Array]:
        request = getattr(self._local, "request", None)
        if request is None:
            request = self._local.request = self._compiled.create_infer_request()
        results = request.infer([pixels], share_inputs=True, share_outputs=True)
        return [np.array(results[at], np.float32) for at in range(len(results))]


class _OnnxRuntimeNetwork:
    def __init__(self, model: bytes, shape: Shape | None, providers: list[Any]) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3
        self._session = onnxruntime.InferenceSession(_reshaped(model, shape), options, providers=providers)
        self._name = self._session.get_inputs()[0].name

    def __call__(self, pixels: np.ndarray) -> list[Array]:
        results = self._session.run(None, {self._name: pixels})
        return [np.asarray(result, np.float32) for result in results]


def _reshaped(model: bytes, shape: Shape | None) -> bytes:
    """Return `model` with `shape` as shape of its first input; the runtime infers the other shapes again."""
    if shape is None:
        return model
    import onnx

    network = onnx.load_from_string(model)
    initial = {tensor.name for tensor in network.graph.initializer}
    source = next(value for value in network.graph.input if value.name not in initial)
    for dimension, size in zip(source.type.tensor_type.shape.dim, shape, strict=True):
        dimension.dim_value = size
    for value in network.graph.output:
        value.type.tensor_type.ClearField("shape")
    del network.graph.value_info[:]
    return bytes(network.SerializeToString())
