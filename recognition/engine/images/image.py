"""Decoding images to upright RGB, within limits, and scaling, cropping and encoding them.

JPEG and plain PNG are decoded by OpenCV, which releases the GIL (a live frame takes about a millisecond); other formats
by Pillow and libheif. Any input gives an array or a BadImage whose message says what to do, within the time and memory
that `Limits` allow. All functions are thread-safe.
"""

from __future__ import annotations

import io
import struct
from dataclasses import dataclass

import numpy as np
import pillow_heif
from PIL import Image

from recognition.engine.errors import BadImage
from recognition.engine.images.header import (
    DECODER_ERRORS,
    FORMATS,
    PLUGINS,
    ImageHeader,
    jpeg_scans,
    probe,
    raise_damaged,
)
from recognition.engine.opencv import cv2
from recognition.engine.types import Box, Pixels

__all__ = [
    "LIVE",
    "UPLOAD",
    "ImageHeader",
    "Limits",
    "block_means",
    "crop",
    "decode",
    "encode_jpeg",
    "probe",
    "resize_longer",
]

MIB = 1024 * 1024
# Pixels times scans of a JPEG. A progressive one is decoded once for each scan: ordinary files have about ten, one
# made to waste time has thousands. This many take about five seconds.
_SCAN_PIXELS = 1_000_000_000
# The EXIF tag of the orientation.
_ORIENTATION = 0x0112


@dataclass(frozen=True, slots=True, eq=False)
class Limits:
    """Limits of an image: bytes of the file, pixels, pixels of a side, and formats."""

    max_bytes: int
    max_pixels: int
    max_side: int
    formats: frozenset[str]


# The camera socket's contract: at most 2 MiB and 8.3 megapixels (3840 x 2160), JPEG or PNG.
LIVE = Limits(2 * MIB, 8_300_000, 8192, frozenset({"JPEG", "PNG"}))
# A phone's 48 or 50 megapixels pass; 64 megapixels are 192 MB of RGB.
UPLOAD = Limits(32 * MIB, 64_000_000, 32_768, FORMATS)


def decode(data: bytes, *, limits: Limits = UPLOAD) -> Pixels:
    """Return an image as RGB uint8 (height, width, 3), contiguous and upright (by its EXIF orientation).

    An animation gives its first frame, 16 bits become 8, and transparent parts white. Raises BadImage with the code
    empty, truncated, unreadable, too_large, too_many_pixels or unsupported_format.
    """
    header = _checked_header(data, limits)
    if header.plain:
        pixels = _by_opencv(header, data, cv2.IMREAD_COLOR_RGB)
        orientation = _exif_orientation(header.exif)
    else:
        pixels, orientation = _by_pillow(header, data, limits)
    return _upright(pixels, orientation)


def block_means(data: bytes, *, limits: Limits = UPLOAD) -> Pixels | None:
    """Return the mean grey of each block of 8x8 pixels of a JPEG: (height / 8, width / 8) uint8, rounded up.

    It is not rotated by EXIF and takes a third of the time of `decode`. None for other formats. Raises BadImage as
    `decode` does.
    """
    header = _checked_header(data, limits)
    if not header.plain or header.format != "JPEG":
        return None
    return _by_opencv(header, data, cv2.IMREAD_REDUCED_GRAYSCALE_8)


def resize_longer(rgb: Pixels, side: int) -> Pixels:
    """Return the image with its longer side at most `side` pixels: never enlarged, the same array if it fits."""
    height, width = rgb.shape[:2]
    scale = side / max(height, width)
    if scale >= 1:
        return rgb
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA), np.uint8)


def encode_jpeg(rgb: Pixels, quality: int = 85) -> bytes:
    """Return RGB uint8 as a JPEG without metadata; `quality` from 1 to 100. Raises BadImage for over 65,500 pixels."""
    encoded, data = cv2.imencode(
        ".jpg", cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, quality]
    )
    if not encoded:
        raise BadImage("The image cannot be written as JPEG; its sides are at most 65,500 pixels.")
    return bytes(data)


def crop(rgb: Pixels, box: Box, *, margin: float = 0.3) -> Pixels:
    """Return a copy of the box with `margin` of its size on each side, within the image and at least 1 pixel."""
    height, width = rgb.shape[:2]
    left, top, right, bottom = box
    wide, high = (right - left) * margin, (bottom - top) * margin
    x0 = min(max(int(left - wide), 0), width - 1)
    y0 = min(max(int(top - high), 0), height - 1)
    x1 = min(max(int(np.ceil(right + wide)), x0 + 1), width)
    y1 = min(max(int(np.ceil(bottom + high)), y0 + 1), height)
    return rgb[y0:y1, x0:x1].copy()


def _checked_header(data: bytes, limits: Limits) -> ImageHeader:
    """Return the header of an image. Raises BadImage unless it is within the limits."""
    if len(data) > limits.max_bytes:
        msg = f"The file is {len(data) / MIB:.1f} MiB; send at most {limits.max_bytes / MIB:.0f} MiB."
        raise BadImage(
            msg,
            code="too_large",
            extra={"bytes": len(data), "limit": limits.max_bytes},
        )
    header = probe(data)
    _check(header, data, limits)
    return header


def _check(header: ImageHeader, data: bytes, limits: Limits) -> None:
    width, height = header.width, header.height
    if header.format not in limits.formats:
        wanted = " or ".join(sorted(limits.formats))
        msg = f"{header.format} is not accepted here; send {wanted}."
        raise BadImage(msg, code="unsupported_format")
    if width * height > limits.max_pixels or max(width, height) > limits.max_side:
        msg = (
            f"The image has {width} x {height} pixels; make it smaller than "
            f"{limits.max_pixels / 1e6:.1f} megapixels and {limits.max_side} pixels a side."
        )
        raise BadImage(
            msg,
            code="too_many_pixels",
            extra={"width": width, "height": height, "limit": limits.max_pixels},
        )
    most = _SCAN_PIXELS // max(width * height, 1)
    if header.format == "JPEG" and jpeg_scans(data, most) > most:
        raise BadImage("The JPEG has far too many scans; save it again as an ordinary JPEG.")


def _by_opencv(header: ImageHeader, data: bytes, how: int) -> Pixels:
    try:
        pixels = cv2.imdecode(np.frombuffer(data, np.uint8), how | cv2.IMREAD_IGNORE_ORIENTATION)
    except cv2.error as error:
        raise_damaged(header.format, data, error)
    if pixels is None:
        raise_damaged(header.format, data)
    return np.asarray(pixels, np.uint8)


def _by_pillow(header: ImageHeader, data: bytes, limits: Limits) -> tuple[Pixels, int]:
    kind = header.format
    try:
        if kind == "HEIC":
            # libheif returns it upright; the EXIF orientation of a phone must not be applied again.
            heif = pillow_heif.open_heif(io.BytesIO(data), convert_hdr_to_8bit=True)
            return _rgb(heif.to_pillow()), 1
        with PLUGINS[kind](io.BytesIO(data)) as image:
            # A GIF's frame may be larger than the size in its header, and Pillow enlarges the image to it.
            _check(ImageHeader(kind, *image.size), data, limits)
            image.load()
            # Pillow returns a TIFF upright; the others have an EXIF block.
            exif = b"" if kind == "TIFF" else image.info.get("exif", b"")
            return _rgb(image), _exif_orientation(exif)
    except DECODER_ERRORS as error:
        raise_damaged(kind, data, error)


def _rgb(image: Image.Image) -> Pixels:
    if image.mode.startswith("I;16"):
        high = (np.asarray(image) >> 8).astype(np.uint8)
        return np.ascontiguousarray(np.repeat(high[:, :, None], 3, axis=2))
    if image.mode in {"I", "F"}:
        raise BadImage("The image has 32 bits a pixel; save it with 8 or 16 bits.", code="unsupported_format")
    if image.has_transparency_data:
        flat = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(flat, image.convert("RGBA"))
    return np.array(image.convert("RGB"), np.uint8)


def _exif_orientation(exif: bytes) -> int:
    """Return the orientation (1 to 8) in an EXIF block; 1 (upright) if it cannot be read.

    Not read by Pillow, which warns of every irregularity in a block of which only this number is needed.
    """
    block = exif.removeprefix(b"Exif\0\0")
    order = {b"II": "<", b"MM": ">"}.get(block[:2])
    if order is None:
        return 1
    try:
        (at,) = struct.unpack_from(order + "I", block, 4)
        (count,) = struct.unpack_from(order + "H", block, at)
        for entry in range(at + 2, at + 2 + 12 * count, 12):
            tag, _, _, value = struct.unpack_from(order + "HHIH", block, entry)
            if tag == _ORIENTATION:
                return int(value)
    except struct.error:
        return 1
    return 1


def _upright(pixels: Pixels, orientation: int) -> Pixels:
    if orientation in {5, 7}:
        pixels = cv2.transpose(pixels)
    rotate = {
        2: lambda: cv2.flip(pixels, 1),
        3: lambda: cv2.rotate(pixels, cv2.ROTATE_180),
        4: lambda: cv2.flip(pixels, 0),
        6: lambda: cv2.rotate(pixels, cv2.ROTATE_90_CLOCKWISE),
        7: lambda: cv2.rotate(pixels, cv2.ROTATE_180),
        8: lambda: cv2.rotate(pixels, cv2.ROTATE_90_COUNTERCLOCKWISE),
    }.get(orientation)
    return np.ascontiguousarray(rotate() if rotate else pixels, np.uint8)
