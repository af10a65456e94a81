"""The way back to face_recognition, whose import can end a process and opens a file we may not use."""

import subprocess
import sys
from pathlib import Path

IMPORT = "import warnings; warnings.simplefilter('error'); from recognition.engine.reference import library; library()"

# dlib opens the files that its predictors are given, so those names are what counts.
WATCH = """
import sys
import dlib
opened = []
real = dlib.shape_predictor
dlib.shape_predictor = lambda path: opened.append(path) or real(path)
from recognition.engine.reference import library
from PIL import ImageFile
api = library()
assert opened and all("5_face_landmarks" in path for path in opened), opened
assert "face_recognition_models" not in sys.modules
assert ImageFile.LOAD_TRUNCATED_IMAGES is False
assert library() is api
"""

QUITS = """
from recognition.engine.errors import EngineError
from recognition.engine.reference import library
try:
    library()
except EngineError as error:
    print(error.code)
"""


def run(code: str, path: Path | None = None) -> subprocess.CompletedProcess[str]:
    search = f"import sys; sys.path.insert(0, {str(path)!r})\n" if path else ""
    return subprocess.run([sys.executable, "-c", search + code], capture_output=True, text=True, check=False)


def test_import_works_with_warnings_as_errors() -> None:
    done = run(IMPORT)
    assert done.returncode == 0, done.stderr


def test_import_opens_no_68_points_and_leaves_the_process_unchanged() -> None:
    done = run(WATCH)
    assert done.returncode == 0, done.stderr


def test_library_that_ends_the_process_raises_an_error(tmp_path: Path) -> None:
    package = tmp_path / "face_recognition"
    package.mkdir()
    (package / "__init__.py").write_text("raise SystemExit(0)\n")
    done = run(QUITS, tmp_path)
    assert done.stdout.strip() == "runtime_unavailable"
    assert done.returncode == 0
