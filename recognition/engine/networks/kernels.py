"""Which kernels OpenVINO takes for a network, where its own choice is the slower one.

On a processor with AVX2 and no AVX-512 its list begins with brgemm kernels. They suit the encoder's wide 3x3
convolutions, but cost detectors, whose own are 1x1 and depthwise, up to a fifth of their time (docs/engine.md).
"""

import tempfile
from pathlib import Path
from typing import Any, Final
from xml.etree import ElementTree as ET

from recognition.engine.opencv import cv2

# OpenCV's CpuFeatures, which its Python module does not name.
_AVX2: Final = 11
_AVX512F: Final = 13

_POINTWISE: Final = "cpu:jit_avx2_1x1"
_DEPTHWISE: Final = "cpu:jit_avx2_dw"


def chosen_badly() -> bool:
    """Whether this processor is one of those."""
    return cv2.checkHardwareSupport(_AVX2) and not cv2.checkHardwareSupport(_AVX512F)


def with_better(core: Any, model: bytes) -> tuple[bytes, ...]:
    """What OpenVINO reads in place of `model`, with better kernels wished for; `model` where nothing in it has any.

    A wish can only be written into OpenVINO's own format, so that is what comes back: text and weights.
    """
    network = core.read_model(model)
    wishes = {node.get_friendly_name(): wish for node in network.get_ops() if (wish := _wish(node))}
    if not wishes:
        return (model,)
    text, weights = _written(network)
    root = ET.fromstring(text)  # noqa: S314 (written by OpenVINO a moment ago)
    for layer in root.iter("layer"):
        if wish := wishes.get(layer.attrib["name"]):
            information = layer.find("rt_info")
            if information is None:
                information = ET.SubElement(layer, "rt_info")
            ET.SubElement(
                information, "attribute", {"name": "primitives_priority", "version": "0", "value": wish}
            )
    return ET.tostring(root), weights


def _wish(node: Any) -> str | None:
    """The kernel that a convolution would better have, if it is one of those."""
    kind = node.get_type_name()
    if kind == "Convolution" and list(node.input(1).get_shape())[2:] == [1, 1]:
        return _POINTWISE
    return _DEPTHWISE if kind == "GroupConvolution" else None


def _written(network: Any) -> tuple[bytes, bytes]:
    import openvino

    with tempfile.TemporaryDirectory() as folder:
        text, weights = Path(folder, "network.xml"), Path(folder, "network.bin")
        openvino.serialize(network, text, weights)
        return text.read_bytes(), weights.read_bytes()
