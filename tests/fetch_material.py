"""Fetches photographs for the tests: `python -m tests.fetch_material`, which `make test` runs first.

They are in the tests of the source archive of `face_recognition` 1.3.0 (MIT licence), which is taken from the package
index that pip is configured with. The archive is read, never built: pip itself would run its setup.py, so only pip's
settings are asked for here. Where the shared material is present, or this was done before, there is nothing to do.
Where the index cannot be reached one sentence says so, and the tests that need photographs are skipped.
"""

from __future__ import annotations

import ast
import base64
import hashlib
import io
import os
import re
import shutil
import ssl
import subprocess
import sys
import tarfile
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urljoin, urlsplit

import cv2
import numpy as np

from tests.browser import camera
from tests.material import FETCHED, find

PROJECT, ARCHIVE = "face-recognition", "face_recognition-1.3.0.tar.gz"
SHA256 = "5e5efdd1686aa566af0d3cc1313b131e4b197657a8ffd03669e6d3fad92705ec"
IMAGES = "face_recognition-1.3.0/tests/test_images/"
TIMEOUT_SECONDS = 60
# The archive has 3 MB; a page of links far less.
LARGEST = 16 * 1024 * 1024
FILM_SECONDS = 275 / 30
# The head and shoulders of obama3.jpg: parts of its height and of its width.
ROWS, COLUMNS = (0.0375, 0.4625), (0.2, 0.89)

Fetch = Callable[[str], bytes]
Settings = Mapping[str, str]


class Unavailable(Exception):
    """The archive cannot be had; the text says why."""


class Links(HTMLParser):
    """Collects the addresses that a page links to."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """See HTMLParser."""
        if tag == "a":
            self.found += [value for name, value in attrs if name == "href" and value]


def pip(*arguments: str) -> str:
    """Return what pip prints, in lines that are not wrapped."""
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", *arguments]
    try:
        return subprocess.run(
            command, env=os.environ | {"COLUMNS": "1000"}, capture_output=True, text=True, check=True
        ).stdout
    except subprocess.CalledProcessError as error:
        msg = f"pip does not tell its settings: {error.stderr.strip()}"
        raise Unavailable(msg) from error


def settings_of_pip() -> Settings:
    """Return pip's settings for downloads by their names; the environment's win over those of files."""
    lines = [line.partition("=") for line in pip("config", "list").splitlines() if "=" in line]
    found: dict[str, str] = {}
    for section in ("global.", "download.", ":env:."):
        for key, _, value in lines:
            if key.startswith(section):
                found[key.removeprefix(section)] = str(ast.literal_eval(value))
    return found


def places(settings: Settings) -> Iterator[str]:
    """Yield the addresses of pages and folders that may link to the archive, in pip's order."""
    yield from map(address_of, settings.get("find-links", "").split())
    if settings.get("no-index", "").lower() in {"1", "true", "yes", "on"}:
        return
    for index in (settings.get("index-url") or default_index(), *settings.get("extra-index-url", "").split()):
        yield f"{index.rstrip('/')}/{PROJECT}/"


def default_index() -> str:
    """Return the index that pip asks where it is told of none."""
    default = re.search(r"--index-url <url>.*?\(default (\S+)\)", pip("download", "--help"), re.DOTALL)
    if default is None:
        msg = "pip names no index"
        raise Unavailable(msg)
    return default[1]


def address_of(place: str) -> str:
    """Return the address of a place that may be named by its path."""
    return place if "://" in place else Path(place).absolute().as_uri()


def fetcher(settings: Settings) -> Fetch:
    """Return a function that reads an address, with pip's proxy and certificates."""
    handlers: list[urllib.request.BaseHandler] = [
        urllib.request.HTTPSHandler(context=ssl.create_default_context(cafile=settings.get("cert")))
    ]
    if proxy := settings.get("proxy"):
        handlers.append(urllib.request.ProxyHandler({"http": proxy, "https": proxy}))
    opener = urllib.request.build_opener(*handlers)

    def fetch(address: str) -> bytes:
        with opener.open(request_of(address), timeout=TIMEOUT_SECONDS) as answer:
            data: bytes = answer.read(LARGEST + 1)
        if len(data) > LARGEST:
            msg = "an answer of the index is too large"
            raise Unavailable(msg)
        return data

    return fetch


def request_of(address: str) -> urllib.request.Request:
    """Return the request; a name and password in the address are sent as pip sends them."""
    parts = urlsplit(address)
    login, at, host = parts.netloc.rpartition("@")
    request = urllib.request.Request(parts._replace(netloc=host).geturl(), headers={"Accept": "text/html"})
    if at:
        request.add_header("Authorization", f"Basic {base64.b64encode(unquote(login).encode()).decode()}")
    return request


def links_of(place: str, fetch: Fetch) -> list[str]:
    """Return the addresses of archives that a page or a folder of files has."""
    if place.startswith("file:"):
        folder = Path(urllib.request.url2pathname(urlsplit(place).path))
        if (folder / ARCHIVE).is_file():
            return [(folder / ARCHIVE).as_uri()]
        place = (folder / "index.html").as_uri() if folder.is_dir() else place
    page = Links()
    page.feed(fetch(place).decode(errors="replace"))
    here = urlsplit(place)
    links = (urlsplit(urljoin(place, link)) for link in page.found)
    # The login of the index is also that of its files, where both are on one host.
    return [
        (link._replace(netloc=here.netloc) if link.hostname == here.hostname else link).geturl()
        for link in links
        if link.path.endswith(f"/{ARCHIVE}")
    ]


def download(settings: Settings) -> bytes:
    """Return the archive, whose digest is right. Raises Unavailable."""
    fetch, faults = fetcher(settings), ["no index has it"]
    for place in places(settings):
        try:
            for link in links_of(place, fetch):
                data = fetch(link)
                if hashlib.sha256(data).hexdigest() == SHA256:
                    return data
                faults.append("its digest is another")
        except (OSError, ValueError) as error:
            faults.append(str(getattr(error, "reason", error)))
    raise Unavailable(faults[-1])


def images(archive: bytes) -> dict[str, bytes]:
    """Return the pictures by their names; nothing is written, and nothing else of the archive is read."""
    found = {}
    with tarfile.open(fileobj=io.BytesIO(archive), mode="r:gz") as tar:
        for member in tar:
            file = tar.extractfile(member) if member.isfile() and member.name.startswith(IMAGES) else None
            if file is not None:
                found[member.name.removeprefix(IMAGES)] = file.read(LARGEST)
    return found


def lay_out(pictures: Mapping[str, bytes], folder: Path) -> None:
    """Write the pictures as the shared material is laid out.

    The second photograph of one person, and the third and fourth of the other, are first ones mirrored: other
    pictures with other numbers of the same face. The film is of a photograph that is not among them.
    """
    faces = folder / "faces"
    biden, first, second = (pictures[f"{name}.jpg"] for name in ("biden", "obama", "obama2"))
    half, other_half = (pictures[f"obama_partial_face{number}.jpg"] for number in ("", "2"))
    files = {
        "people/biden/1.jpg": biden,
        "people/biden/2.jpg": mirrored(biden),
        "people/obama/1.jpg": first,
        "people/obama/2.jpg": second,
        "people/obama/3.jpg": mirrored(second),
        "people/obama/4.jpg": mirrored(first),
        "people/obama/partial_1.jpg": half,
        "people/obama/partial_2.jpg": other_half,
        "groups/obama_and_biden.jpg": beside_each_other(first, biden),
        "clips/standing.jpg": cut_out(pictures["obama3.jpg"]),
    }
    for name, data in files.items():
        (faces / name).parent.mkdir(parents=True, exist_ok=True)
        (faces / name).write_bytes(data)
    clips = faces / "clips"
    camera.from_pictures([clips / "standing.jpg"], clips / "standing.mjpeg", FILM_SECONDS)


def mirrored(picture: bytes) -> bytes:
    """Return the picture, left and right exchanged."""
    return written(cv2.flip(read(picture), 1))


def beside_each_other(*pictures: bytes) -> bytes:
    """Return one picture of several, all 1000 pixels high."""
    scaled = [
        cv2.resize(image, (image.shape[1] * 1000 // image.shape[0], 1000)) for image in map(read, pictures)
    ]
    return written(np.hstack(scaled))


def cut_out(picture: bytes) -> bytes:
    """Return the part of the picture that the film shows."""
    image = read(picture)
    (top, bottom), (left, right) = (
        (round(length * begin), round(length * end))
        for length, (begin, end) in zip(image.shape[:2], (ROWS, COLUMNS), strict=True)
    )
    return written(image[top:bottom, left:right])


def read(picture: bytes) -> camera.Pixels:
    """Return a picture file as pixels, BGR."""
    return np.asarray(cv2.imdecode(np.frombuffer(picture, np.uint8), cv2.IMREAD_COLOR), np.uint8)


def written(image: camera.Pixels) -> bytes:
    """Return a JPEG file."""
    return bytes(cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 95])[1].tobytes())


def main() -> None:
    """Fill `var/test-material`, unless there are photographs already."""
    if find("faces", "people") is not None:
        return
    try:
        pictures = images(download(settings_of_pip()))
    except Unavailable as fault:
        print(f"rollcall: {ARCHIVE} cannot be fetched ({fault}), so tests with photographs are skipped")  # noqa: T201
        return
    unfinished = FETCHED.with_name("test-material.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    lay_out(pictures, unfinished)
    unfinished.rename(FETCHED)


if __name__ == "__main__":
    main()
