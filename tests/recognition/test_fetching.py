"""Model files over a network that breaks, lies, or is not there."""

import threading
from collections.abc import Iterator
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from pytest_django import Settings

from recognition import fetching
from recognition.engine.errors import ModelDamaged
from recognition.engine.networks.model_files import FETCHED, ModelFile
from tests import material

CONTENT = bytes(range(256)) * 2000


class Publisher(ThreadingHTTPServer):
    """Serves one file; `sends` bytes of it at most, and remembers what was asked for."""

    content = CONTENT
    sends = len(CONTENT)
    resumes = True
    asked: list[str | None]


class Handler(BaseHTTPRequestHandler):
    server: Publisher

    def do_GET(self) -> None:
        wanted = self.headers.get("Range")
        self.server.asked.append(wanted)
        start = int(wanted.removeprefix("bytes=").removesuffix("-")) if wanted and self.server.resumes else 0
        rest = self.server.content[start:]
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(rest)))
        self.end_headers()
        self.wfile.write(rest[: self.server.sends])

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """Say nothing."""


@pytest.fixture
def publisher() -> Iterator[Publisher]:
    server = Publisher(("127.0.0.1", 0), Handler)
    server.asked = []
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def model(publisher: Publisher) -> ModelFile:
    address = f"http://127.0.0.1:{publisher.server_port}/model.onnx"
    return ModelFile("model.onnx", len(CONTENT), sha256(CONTENT).hexdigest(), "MIT", address=address)


def test_file_is_downloaded_once(publisher: Publisher, model: ModelFile, tmp_path: Path) -> None:
    folder = tmp_path / "models"
    assert fetching.fetch(model, folder)
    assert (folder / model.name).read_bytes() == CONTENT
    assert not fetching.fetch(model, folder)
    assert len(publisher.asked) == 1
    assert [path.name for path in folder.iterdir()] == [model.name]


@pytest.mark.parametrize("resumes", [True, False])
def test_interrupted_download_continues(
    publisher: Publisher, model: ModelFile, tmp_path: Path, resumes: bool
) -> None:
    publisher.sends, publisher.resumes = 100_000, resumes
    with pytest.raises(fetching.CannotFetch, match="again"):
        fetching.fetch(model, tmp_path)
    assert not (tmp_path / model.name).exists()
    publisher.sends = len(CONTENT)
    assert fetching.fetch(model, tmp_path)
    assert publisher.asked == [None, "bytes=100000-"]
    assert (tmp_path / model.name).read_bytes() == CONTENT


@pytest.mark.parametrize("lie", [CONTENT[:-1] + b"!", CONTENT * 2])
def test_other_file_is_refused_and_deleted(
    publisher: Publisher, model: ModelFile, tmp_path: Path, lie: bytes
) -> None:
    publisher.content = lie
    publisher.sends = len(lie)
    with pytest.raises(ModelDamaged, match=r"model\.onnx"):
        fetching.fetch(model, tmp_path)
    assert not list(tmp_path.iterdir())


def test_damaged_file_is_downloaded_again(model: ModelFile, tmp_path: Path) -> None:
    (tmp_path / model.name).write_bytes(CONTENT[:-5])
    assert fetching.fetch(model, tmp_path)
    assert (tmp_path / model.name).read_bytes() == CONTENT


def test_error_without_network_says_what_to_do(tmp_path: Path) -> None:
    nowhere = ModelFile("model.onnx", 1, "0" * 64, "MIT", address="http://127.0.0.1:9/model.onnx")
    with pytest.raises(fetching.CannotFetch, match="FACE_MODELS_DIR"):
        fetching.fetch(nowhere, tmp_path)


def test_command_copies_the_files_from_a_folder(
    settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings.FACE_MODELS_DIR = tmp_path / "models"
    call_command("fetch_models", source=material.models_dir())
    assert capsys.readouterr().out.count("fetched, checked") == len(FETCHED)
    call_command("fetch_models")
    assert capsys.readouterr().out.count("already there, checked") == len(FETCHED)


def test_command_fails_if_a_file_is_missing(settings: Settings, tmp_path: Path) -> None:
    settings.FACE_MODELS_DIR = tmp_path / "models"
    with pytest.raises(CommandError, match="put it there first"):
        call_command("fetch_models", source=tmp_path)


def test_engine_info_prints_what_runs_where_and_why(
    settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings.FACE_MODELS_DIR = tmp_path
    call_command("engine_info")
    told = capsys.readouterr().out
    for word in (
        "detector: centerface",
        "library:",
        "precision:",
        "why:",
        "face_detection_yunet_2023mar.onnx: missing",
    ):
        assert word in told


def test_engine_info_prints_the_error(settings: Settings, tmp_path: Path) -> None:
    settings.FACE_MODELS_DIR, settings.FACE_DETECTION_MODEL = tmp_path, "yunet"
    with pytest.raises(CommandError, match="model_missing"):
        call_command("engine_info")
