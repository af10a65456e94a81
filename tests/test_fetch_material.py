"""Photographs come out of an archive that is read and checked, never unpacked as a whole and never built."""

import functools
import hashlib
import io
import tarfile
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests import absent, fetch_material, material
from tests.fetch_material import ARCHIVE, IMAGES, PROJECT, Unavailable


@functools.cache  # a gzip file holds the time at which it was made
def archive() -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as tar:
        for name in (f"{IMAGES}obama.jpg", "face_recognition-1.3.0/setup.py", "../outside.jpg"):
            member = tarfile.TarInfo(name)
            member.size = 4
            tar.addfile(member, io.BytesIO(b"data"))
        link = tarfile.TarInfo(f"{IMAGES}link.jpg")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(link)
    return out.getvalue()


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the name of its base class)
        pass


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the archive, whose digest is the right one, and an index of one page beside it."""
    monkeypatch.setattr(fetch_material, "SHA256", hashlib.sha256(archive()).hexdigest())
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / ARCHIVE).write_bytes(archive())
    (tmp_path / "simple" / PROJECT).mkdir(parents=True)
    (tmp_path / "simple" / PROJECT / "index.html").write_text(
        f'<a href="../../files/other-1.0.tar.gz">other</a> <a href="../../files/{ARCHIVE}#sha256=0">this</a>'
    )
    return tmp_path


@pytest.fixture
def index(folder: Path) -> Iterator[str]:
    """The same index behind an address of the web."""
    with ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(folder))) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://user:secret@127.0.0.1:{server.server_address[1]}/simple"
        server.shutdown()
        thread.join()


def test_the_archive_is_found_by_each_of_pips_settings(folder: Path, index: str) -> None:
    empty = (folder / "nothing").as_uri()
    for settings in (
        {"no-index": "1", "find-links": str(folder / "files")},
        {"index-url": index},
        {"index-url": empty, "extra-index-url": f"{empty} {(folder / 'simple').as_uri()}"},
    ):
        assert fetch_material.download(settings) == archive()


def test_the_settings_of_the_environment_win(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", "file:///an/index")
    assert fetch_material.settings_of_pip()["index-url"] == "file:///an/index"


def test_an_archive_with_another_digest_is_not_taken(folder: Path) -> None:
    (folder / "files" / ARCHIVE).write_bytes(archive() + b"more")
    with pytest.raises(Unavailable, match="digest"):
        fetch_material.download({"no-index": "1", "find-links": str(folder / "files")})


def test_without_an_index_one_sentence_says_so_and_nothing_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ROLLCALL_SHARED", str(tmp_path / "nothing"))
    for module in (material, fetch_material):
        monkeypatch.setattr(module, "FETCHED", tmp_path / "fetched")
    for settings in ({"no-index": "1"}, {"index-url": "http://127.0.0.1:9/simple"}):
        monkeypatch.setattr(fetch_material, "settings_of_pip", lambda settings=settings: settings)
        fetch_material.main()
        said = capsys.readouterr().out
        assert said.count("\n") == 1
        assert "are skipped" in said
    assert list(tmp_path.iterdir()) == []


def test_only_pictures_of_the_archive_are_read() -> None:
    assert fetch_material.images(archive()) == {"obama.jpg": b"data"}


def test_tests_without_material_are_told_apart_from_others_that_are_skipped() -> None:
    def report(reason: str) -> pytest.TestReport:
        return pytest.TestReport(
            "tests/x.py::test_y", ("x", 1, "y"), {}, "skipped", ("x", 1, reason), "setup"
        )

    assert absent.missing(report("Skipped: test material is absent: lfw/people")) == "lfw/people"
    assert absent.missing(report("Skipped: no such processor")) is None
