"""Rules of the house that no linter knows."""

from __future__ import annotations

import ast
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.material import ROOT

FILE_LINES, FUNCTION_LINES = 400, 50


def python_files() -> list[Path]:
    """Every Python file of the repository but migrations, whose length Django decides."""
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


def test_files_stay_under_400_lines() -> None:
    long = {str(path.relative_to(ROOT)): len(path.read_text().splitlines()) for path in python_files()}
    assert {name: lines for name, lines in long.items() if lines >= FILE_LINES} == {}


def test_functions_stay_under_50_lines() -> None:
    long = [
        f"{path.relative_to(ROOT)}:{each.lineno} {each.name}: {(each.end_lineno or 0) - each.lineno + 1} lines"
        for path in python_files()
        for each in functions(ast.parse(path.read_text()))
        if (each.end_lineno or 0) - each.lineno + 1 >= FUNCTION_LINES
    ]
    assert long == []


def test_only_the_settings_read_the_environment() -> None:
    readers = {
        str(path.relative_to(ROOT))
        for path in python_files()
        if path.relative_to(ROOT).parts[0] in ("launcher", "config", "attendance", "recognition")
        and "os.environ" in path.read_text()
    }
    # Programs say which settings Django shall load, and hand their own environment to their children.
    programs = {"config/asgi.py", "config/celery.py", "launcher/launch.py", "launcher/server.py"}
    # The engine knows no settings: it tells OpenCV its limit, and finds the user's folder for caches.
    engine = {"recognition/engine/opencv.py", "recognition/engine/networks/conversion.py"}
    assert readers - programs - engine == {"config/settings.py"}


@pytest.mark.parametrize("word", ["pickle", "sqlite3", "fakeredis", "TODO", "FIXME"])
def test_the_product_does_without(word: str) -> None:
    product = [
        path for path in python_files() if path.relative_to(ROOT).parts[0] not in ("tests", "benchmarks")
    ]
    imports = (f"import {word}", f"from {word}") if word.islower() else (word,)
    guilty = [
        str(path.relative_to(ROOT)) for path in product if any(each in path.read_text() for each in imports)
    ]
    assert guilty == []


def test_nothing_of_one_machine_is_committed() -> None:
    listed = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, check=True, text=True
    ).stdout.split()
    binaries = {".onnx", ".dat", ".pb", ".pt", ".jpg", ".jpeg", ".mp4", ".pem", ".key"}
    assert [name for name in listed if Path(name).suffix in binaries] == []
