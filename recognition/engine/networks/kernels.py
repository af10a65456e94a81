"""The kernels (implementations of a layer) that OpenVINO uses for a network, where its own choice is slower.

On processors with AVX2 and without AVX-512 it prefers brgemm kernels. They suit the encoder's wide 3x3 convolutions,
but the 1x1 and depthwise convolutions of detectors take up to a fifth longer with them (docs/benchmarks.md).
"""

import tempfile
from pathlib import Path
from typing import Any, Final
from xml.etree import ElementTree as ET

from recognition.engine.opencv import cv2

# OpenCV's CpuFeatures, which have no names in its Python module.
_AVX2: Final = 11
_AVX512F: Final = 13

# OpenVINO's names of its kernels for 1x1 and for depthwise convolutions with AVX2.
_POINTWISE: Final = "cpu:jit_avx2_1x1"
_DEPTHWISE: Final = "cpu:jit_avx2_dw"


def needs_other_kernels() -> bool:
    """Return whether OpenVINO's choice is slower on this processor: it has AVX2 and no AVX-512."""
    return cv2.checkHardwareSupport(_AVX2) and not cv2.checkHardwareSupport(_AVX512F)


def with_other_kernels(core: Any, model: bytes) -> tuple[bytes, ...]:
    """Return what OpenVINO should read: (XML, weights) with other kernels, or (`model`,) where none apply.

    Kernels can only be chosen in OpenVINO's own format.
    """
    network = core.read_model(model)
    kernels_by_name = {
        node.get_friendly_name(): kernel for node in network.get_ops() if (kernel := _better_kernel(node))
    }
    if not kernels_by_name:
        return (model,)
    text, weights = _serialised(network)
    root = ET.fromstring(text)  # noqa: S314 (written by OpenVINO just before)
    for layer in root.iter("layer"):
        if kernel := kernels_by_name.get(layer.attrib["name"]):
            information = layer.find("rt_info")
            if information is None:
                information = ET.SubElement(layer, "rt_info")
            ET.SubElement(
                information, "attribute", {"name": "primitives_priority", "version": "0", "value": kernel}
            )
    return ET.tostring(root), weights


def _better_kernel(node: Any) -> str | None:
    """Return the faster kernel for a 1x1 or depthwise convolution, None for other nodes."""
    kind = node.get_type_name()
    if kind == "Convolution" and list(node.input(1).get_shape())[2:] == [1, 1]:
        return _POINTWISE
    return _DEPTHWISE if kind == "GroupConvolution" else None


def _serialised(network: Any) -> tuple[bytes, bytes]:
    import openvino

    with tempfile.TemporaryDirectory() as folder:
        text, weights = Path(folder, "network.xml"), Path(folder, "network.bin")
        openvino.serialize(network, text, weights)
        return text.read_bytes(), weights.read_bytes()
