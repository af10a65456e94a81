"""Rules of this repository that the linters do not check."""

from __future__ import annotations

import ast
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.material import ROOT

# Files and functions must be shorter than this many lines.
FILE_LINES, FUNCTION_LINES = 400, 50


def python_files() -> list[Path]:
    """Return the Python files of the repository, without migrations, whose length Django decides."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.py"],
        cwd=ROOT,
        capture_output=True,
        check=True,
        text=True,
    ).stdout.split("\n")
    return [ROOT / name for name in listed if name and "/migrations/" not in name and (ROOT / name).exists()]


def functions(tree: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def length(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    return (function.end_lineno or 0) - function.lineno + 1


def test_files_are_under_400_lines() -> None:
    lengths = {str(path.relative_to(ROOT)): len(path.read_text().splitlines()) for path in python_files()}
    assert {name: lines for name, lines in lengths.items() if lines >= FILE_LINES} == {}


def test_functions_are_under_50_lines() -> None:
    long = [
        f"{path.relative_to(ROOT)}:{function.lineno} {function.name}: {length(function)} lines"
        for path in python_files()
        for function in functions(ast.parse(path.read_text()))
        if length(function) >= FUNCTION_LINES
    ]
    assert long == []


def test_environment_is_read_by_the_settings_only() -> None:
    readers = {
        str(path.relative_to(ROOT))
        for path in python_files()
        if path.relative_to(ROOT).parts[0] in ("launcher", "config", "attendance", "recognition")
        and "os.environ" in path.read_text()
    }
    # Programs name the settings module for Django, and pass their environment on to their child processes.
    programs = {"config/asgi.py", "config/celery.py", "launcher/launch.py", "launcher/server.py"}
    # The engine has no settings: it sets OpenCV's limit, and finds the user's folder for caches.
    engine = {"recognition/engine/opencv.py", "recognition/engine/networks/conversion.py"}
    assert readers - programs - engine == {"config/settings.py"}


@pytest.mark.parametrize("word", ["pickle", "sqlite3", "fakeredis", "TODO", "FIXME"])
def test_product_does_not_use(word: str) -> None:
    product = [
        path for path in python_files() if path.relative_to(ROOT).parts[0] not in ("tests", "benchmarks")
    ]
    imports = (f"import {word}", f"from {word}") if word.islower() else (word,)
    violations = [
        str(path.relative_to(ROOT)) for path in product if any(text in path.read_text() for text in imports)
    ]
    assert violations == []


def test_weights_photographs_and_keys_are_not_committed() -> None:
    listed = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, check=True, text=True
    ).stdout.split()
    binaries = {".onnx", ".dat", ".pb", ".pt", ".jpg", ".jpeg", ".mp4", ".pem", ".key"}
    assert [name for name in listed if Path(name).suffix in binaries] == []
