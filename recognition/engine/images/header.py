"""Image headers: format, width and height of a file, before anything is decoded.

A PNG of 284 kB can decode to 574 MB, so the size of every image is checked first. JPEG, PNG, GIF and WebP are parsed
here, because Pillow allocates a WebP's canvas when it opens the file, and its warnings change the state of the process.
"""

from __future__ import annotations

import io
import re
import struct
from dataclasses import dataclass
from typing import NoReturn

import pillow_heif
from PIL import (
    AvifImagePlugin,
    BmpImagePlugin,
    GifImagePlugin,
    Image,
    ImageFile,
    JpegImagePlugin,
    PngImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
)

from recognition.engine.errors import BadImage

# Errors that Pillow and its plugins raise for damaged files; each was seen in fuzz tests.
DECODER_ERRORS = (
    OSError,
    SyntaxError,
    ValueError,
    TypeError,
    LookupError,
    ArithmeticError,
    AttributeError,
    AssertionError,
    RuntimeError,
    EOFError,
    MemoryError,
    struct.error,
    Image.DecompressionBombError,
)
# Files are opened by these classes and not by Image.open, so that no other plugin is used (that for EPS starts a
# program).
PLUGINS: dict[str, type[ImageFile.ImageFile]] = {
    "JPEG": JpegImagePlugin.JpegImageFile,
    "PNG": PngImagePlugin.PngImageFile,
    "GIF": GifImagePlugin.GifImageFile,
    "WEBP": WebPImagePlugin.WebPImageFile,
    "BMP": BmpImagePlugin.BmpImageFile,
    "TIFF": TiffImagePlugin.TiffImageFile,
    "AVIF": AvifImagePlugin.AvifImageFile,
}
FORMATS = frozenset(PLUGINS) | {"HEIC"}

_MAGIC = (
    (b"\xff\xd8", "JPEG"),
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"GIF87a", "GIF"),
    (b"GIF89a", "GIF"),
    (b"BM", "BMP"),
    (b"II*\x00", "TIFF"),
    (b"MM\x00*", "TIFF"),
    (b"II+\x00", "TIFF"),
    (b"MM\x00+", "TIFF"),
)
_BRANDS = {
    "AVIF": (b"avif", b"avis"),
    "HEIC": (b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"hevm", b"hevs", b"mif1", b"msf1"),
}
# First bytes of files that people upload by mistake, for the message.
_FOREIGN = (
    (b"%PDF", "a PDF document"),
    (b"PK\x03\x04", "a ZIP archive"),
    (b"\x1aE\xdf\xa3", "a video"),
    (b"%!PS", "a PostScript drawing"),
    (b"\x00\x00\x00\x0cjP", "a JPEG 2000 image"),
    (b"\xff\x4f\xff\x51", "a JPEG 2000 image"),
    (b"\x00\x00\x00\x0cJXL ", "a JPEG XL image"),
    (b"\xff\x0a", "a JPEG XL image"),
    (b"8BPS", "a Photoshop image"),
    (b"\x00\x00\x01\x00", "an icon"),
    (b"FUJIFILMCCD-RAW", "a camera's raw image"),
)
# JPEG markers: those of a frame header, and those without a length.
_SOF = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_STANDALONE = frozenset(range(0xD0, 0xD9)) | {0x01}
_END, _SCAN = 0xD9, 0xDA
# A marker with something behind it: within a scan, FF 00 is the byte FF, and D0 to D7 only let the decoder resume.
_MARKER = re.compile(rb"\xff[^\x00\x01\xff\xd0-\xd8]", re.DOTALL)
# A PNG with more chunks is refused.
_MOST_CHUNKS = 100_000


@dataclass(frozen=True, slots=True, eq=False)
class ImageHeader:
    """Format (one of FORMATS) and size in pixels as stored, before rotation by EXIF.

    `plain`: OpenCV decodes it correctly, as it has one or three channels, no alpha and no CMYK. `exif` is the EXIF
    block if the parser met it.
    """

    format: str
    width: int
    height: int
    plain: bool = False
    exif: bytes = b""


def probe(data: bytes) -> ImageHeader:
    """Return format and size of an image without decoding it. Raises BadImage. Thread-safe."""
    if not data:
        raise BadImage("The file is empty; send a photograph.", code="empty")
    kind = format_of(data)
    try:
        header = _READERS[kind](data) if kind in _READERS else _by_library(kind, data)
    except DECODER_ERRORS as error:
        raise_damaged(kind, data, error)
    if header.width < 1 or header.height < 1:
        msg = f"The {kind} file says it has no pixels; save the photograph again."
        raise BadImage(msg)
    return header


def format_of(data: bytes) -> str:
    """Return the format, by content and not by the file's name. Raises BadImage (unsupported_format)."""
    for magic, kind in _MAGIC:
        if data.startswith(magic):
            return kind
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        return "WEBP"
    if data[4:8] != b"ftyp":
        raise _foreign(data)
    brands = data[8 : min(int.from_bytes(data[:4], "big"), 128)]
    for kind, names in _BRANDS.items():
        if any(name in brands for name in names):
            return kind
    raise _unsupported("a camera's raw picture" if b"crx" in brands else "a video")


def _foreign(data: bytes) -> BadImage:
    for magic, name in _FOREIGN:
        if data.startswith(magic):
            return _unsupported(name)
    text = data[:1024].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if text.startswith((b"<svg", b"<?xml", b"<!doctype svg")):
        return _unsupported("an SVG drawing")
    if text.startswith((b"<!doctype html", b"<html")):
        return _unsupported("a web page")
    return _unsupported("not an image that can be read")


def _unsupported(name: str) -> BadImage:
    msg = f"This file is {name}; send a photograph as JPEG, PNG, WebP, HEIC or AVIF."
    return BadImage(msg, code="unsupported_format")


def raise_damaged(kind: str, data: bytes, error: BaseException | None = None) -> NoReturn:
    """Raise BadImage for a file that cannot be decoded: truncated or unreadable."""
    ends = {"JPEG": b"\xff\xd9", "PNG": b"IEND", "GIF": b";"}
    cut = "truncated" in str(error).lower() or isinstance(error, (struct.error, EOFError))
    if cut or (kind in ends and ends[kind] not in data[-4096:]):
        msg = f"The {kind} file is incomplete; send it again."
        raise BadImage(msg, code="truncated") from error
    msg = f"The {kind} file is damaged and cannot be decoded; save the photograph again or take another."
    raise BadImage(msg) from error


def _jpeg(data: bytes) -> ImageHeader:
    at, exif = 2, b""
    while True:
        while data[at] == 0xFF and data[at + 1] == 0xFF:
            at += 1
        if data[at] != 0xFF:
            raise ValueError("a marker is missing")
        marker = data[at + 1]
        if marker in _STANDALONE:
            at += 2
            continue
        if marker in {0xD9, 0xDA}:
            raise ValueError("no frame header")
        (length,) = struct.unpack_from(">H", data, at + 2)
        if marker in _SOF:
            depth, height, width, channels = struct.unpack_from(">BHHB", data, at + 4)
            return ImageHeader("JPEG", width, height, depth == 8 and channels in {1, 3}, exif)
        if marker == 0xE1 and data[at + 4 : at + 10] == b"Exif\0\0":
            exif = data[at + 4 : at + 2 + length]
        at += 2 + max(length, 2)


def jpeg_scans(data: bytes, most: int) -> int:
    """Return how many scans a JPEG has, counted to its own end and no further than `most` + 1.

    What lies behind the end is not the picture: a phone's film, a second picture, a depth map.
    """
    at, scans = 2, 0
    while scans <= most and (marker := _MARKER.search(data, at)) is not None:
        at, kind = marker.end(), marker[0][1]
        if kind == _END:
            break
        scans += kind == _SCAN
        # Both a segment's content and a scan's header have a length; the bytes of a scan end at the next marker.
        at += max(int.from_bytes(data[at : at + 2], "big"), 2)
    return scans


def _png(data: bytes) -> ImageHeader:
    """Read the header and check every chunk: for a length past the file's end OpenCV would allocate up to 2 GB."""
    width, height, _, colour = struct.unpack_from(">IIBB", data, 16)
    at, exif, plain = 8, b"", colour in {0, 2, 3}
    for _ in range(_MOST_CHUNKS):
        length, name = struct.unpack_from(">I4s", data, at)
        if length > len(data) - at - 12:
            raise EOFError("a chunk reaches past the end of the file")
        if name == b"IEND":
            return ImageHeader("PNG", width, height, plain, exif)
        plain = plain and name != b"tRNS"
        if name == b"eXIf":
            exif = data[at + 8 : at + 8 + length]
        at += 12 + length
    raise ValueError("too many chunks")


def _gif(data: bytes) -> ImageHeader:
    width, height = struct.unpack_from("<HH", data, 6)
    return ImageHeader("GIF", width, height)


def _webp(data: bytes) -> ImageHeader:
    chunk = data[12:16]
    if chunk == b"VP8X":
        width = int.from_bytes(data[24:27], "little") + 1
        height = int.from_bytes(data[27:30], "little") + 1
    elif chunk == b"VP8L":
        (bits,) = struct.unpack_from("<I", data, 21)
        width, height = (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    elif chunk == b"VP8 ":
        width, height = (side & 0x3FFF for side in struct.unpack_from("<HH", data, 26))
    else:
        raise ValueError("not a WebP chunk")
    return ImageHeader("WEBP", width, height)


def _by_library(kind: str, data: bytes) -> ImageHeader:
    if kind == "HEIC":
        width, height = pillow_heif.open_heif(io.BytesIO(data)).size
    else:
        width, height = PLUGINS[kind](io.BytesIO(data)).size
    return ImageHeader(kind, width, height)


_READERS = {"JPEG": _jpeg, "PNG": _png, "GIF": _gif, "WEBP": _webp}
