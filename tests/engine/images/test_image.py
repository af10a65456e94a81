"""Whatever bytes come in, decode ends in the right pixels or in a BadImage with the right code."""

import base64
import io
import struct
import threading
import time
import zlib

import numpy as np
import pillow_heif
import pytest
from PIL import Image

from recognition.engine.errors import BadImage
from recognition.engine.images.header import jpeg_scans
from recognition.engine.images.image import (
    LIVE,
    UPLOAD,
    Limits,
    block_means,
    crop,
    decode,
    encode_jpeg,
    probe,
    resize_longer,
)
from recognition.engine.types import Pixels

# A 24 x 16 picture written by libjpeg with arithmetic coding, which neither Pillow nor OpenCV can write.
ARITHMETIC = base64.b64decode(
    "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAAYEBQYFBAYGBQYHBwYIChAKCgkJChQODwwQFxQYGBcUFhYaHSUfGhsjHBYWICwgIyYn"
    "KSopGR8tMC0oMCUoKSj/2wBDAQcHBwoIChMKChMoGhYaKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgo"
    "KCgoKCgoKCj/yQARCAAQABgDASIAAhEBAxEB/8wACgAQEAUBEBEF/9oADAMBAAIRAxEAPwD/ALqnxu2/v/U4oRgH+2YXDeHRTJOw"
    "MoDeU3c1T/JQRyPC19o8+reb0MftUMcDk+Q7oErLev/Z"
)


def scene(height: int = 48, width: int = 64) -> Pixels:
    """Smooth colours, different in every corner, so that any turn or swap of channels shows."""
    y, x = np.mgrid[0:height, 0:width]
    red, green = x * 255 // max(width - 1, 1), y * 255 // max(height - 1, 1)
    return np.stack([red, green, (255 - red // 2 - green // 2)], axis=-1).astype(np.uint8)


def save(picture: Image.Image | Pixels, kind: str, **options: object) -> bytes:
    image = picture if isinstance(picture, Image.Image) else Image.fromarray(picture)
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def code_of(data: bytes, limits: Limits = UPLOAD) -> str:
    with pytest.raises(BadImage) as caught:
        decode(data, limits=limits)
    assert len(caught.value.message) > 20
    return caught.value.code


def close(got: Pixels, wanted: Pixels, tolerance: float) -> bool:
    return got.shape == wanted.shape and float(np.abs(got.astype(int) - wanted).mean()) <= tolerance


def heic(pixels: Pixels) -> bytes:
    out = io.BytesIO()
    pillow_heif.from_bytes("RGB", pixels.shape[1::-1], pixels.tobytes()).save(out, quality=95)
    return out.getvalue()


@pytest.mark.parametrize(
    ("data", "tolerance"),
    [
        (save(scene(), "JPEG", quality=95), 4),
        (save(scene(), "JPEG", quality=95, progressive=True), 4),
        (save(scene(), "PNG"), 0),
        (save(scene(), "BMP"), 0),
        (save(scene(), "TIFF"), 0),
        (save(scene(), "TIFF", compression="tiff_lzw"), 0),
        (save(scene(), "WEBP", lossless=True), 0),
        (save(scene(), "WEBP", quality=95), 4),
        (save(scene(), "AVIF", quality=95), 4),
        (save(Image.fromarray(scene()).quantize(256), "GIF"), 8),
        (save(Image.fromarray(scene()).quantize(256), "PNG"), 8),
        (save(Image.fromarray(scene()).convert("CMYK"), "JPEG", quality=95), 6),
        (save(Image.fromarray(scene()).convert("CMYK"), "TIFF"), 2),
        (heic(scene()), 4),
    ],
)
def test_every_format_decodes_to_the_same_image(data: bytes, tolerance: float) -> None:
    pixels = decode(data)
    assert pixels.dtype == np.uint8
    assert pixels.flags.c_contiguous
    assert close(pixels, scene(), tolerance)


def test_arithmetic_jpeg_is_decoded() -> None:
    y, x = np.mgrid[0:16, 0:24]
    drawn = np.stack([x * 10, y * 15, 255 - x * 5 - y * 3], axis=-1).astype(np.uint8)
    assert close(decode(ARITHMETIC, limits=LIVE), drawn, 3)


def test_grey_image_gives_three_equal_channels() -> None:
    grey = scene()[:, :, 0]
    for kind in ("PNG", "JPEG", "TIFF", "WEBP"):
        pixels = decode(save(Image.fromarray(grey), kind))
        assert np.ptp(pixels, axis=2).max() <= 1
        assert close(pixels[:, :, 0], grey, 3)


def test_sixteen_bits_give_the_upper_eight() -> None:
    deep = scene()[:, :, 0].astype(np.uint16) * 257
    for kind in ("PNG", "TIFF"):
        pixels = decode(save(Image.fromarray(deep), kind))
        assert close(pixels[:, :, 1], scene()[:, :, 0], 1)


def test_sixteen_bit_colour_png_is_decoded() -> None:
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in scene().astype(np.uint16) * 257)
    assert close(decode(png(64, 48, rows, depth=16)), scene(), 1)


def test_transparent_parts_become_white() -> None:
    clear = np.dstack([scene(), np.zeros((48, 64), np.uint8)])
    for kind, options in (("PNG", {}), ("WEBP", {"lossless": True}), ("TIFF", {})):
        assert decode(save(clear, kind, **options)).min() == 255
    palette = Image.new("P", (64, 48), 3)
    palette.putpalette([0, 0, 0] * 256)
    assert decode(save(palette, "PNG", transparency=3)).min() == 255


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
def test_exif_orientation_is_applied(kind: str, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored = {
        1: lambda a: a,
        2: lambda a: a[:, ::-1],
        3: lambda a: a[::-1, ::-1],
        4: lambda a: a[::-1],
        5: lambda a: a.transpose(1, 0, 2),
        6: lambda a: np.rot90(a, 1),
        7: lambda a: a[::-1, ::-1].transpose(1, 0, 2),
        8: lambda a: np.rot90(a, -1),
    }[orientation](scene())
    data = save(np.ascontiguousarray(stored), kind, exif=exif)
    assert close(decode(data), scene(), 4)


def test_damaged_exif_block_is_ignored() -> None:
    plain = save(scene(), "JPEG", quality=95)
    block = b"Exif\0\0MM\0*\0\0\0\x08\xff\xff" + b"\xff" * 40
    data = plain[:2] + b"\xff\xe1" + struct.pack(">H", len(block) + 2) + block + plain[2:]
    assert close(decode(data), scene(), 4)


@pytest.mark.parametrize("kind", ["WEBP", "GIF", "AVIF"])
def test_animation_gives_its_first_frame(kind: str) -> None:
    frames = [Image.new("RGB", (32, 24), colour) for colour in ("red", "lime", "blue")]
    data = save(frames[0], kind, save_all=True, append_images=frames[1:])
    pixels = decode(data)
    assert pixels.shape == (24, 32, 3)
    assert (pixels[:, :, 0] > 240).all()
    assert (pixels[:, :, 1] < 15).all()


@pytest.mark.parametrize("size", [(1, 1), (1, 10_000), (10_000, 1)])
def test_narrow_images_are_decoded(size: tuple[int, int]) -> None:
    for kind in ("PNG", "JPEG"):
        assert decode(save(Image.new("RGB", size, "red"), kind)).shape == (size[1], size[0], 3)


def png(width: int, height: int, rows: bytes, depth: int = 8) -> bytes:
    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    head = struct.pack(">IIBBBBB", width, height, depth, 2, 0, 0, 0)
    packed = zlib.compress(rows)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", packed) + chunk(b"IEND", b"")


def bomb(kind: str) -> bytes:
    if kind == "PNG":
        return png(10_000, 10_000, bytes(1_000_000))
    if kind == "WEBP":
        body = b"VP8X" + struct.pack("<II", 10, 0) + (16_000).to_bytes(3, "little") * 2
        return b"RIFF" + struct.pack("<I", len(body) + 4) + b"WEBP" + body
    if kind == "GIF":
        return b"GIF89a" + struct.pack("<HHBBB", 60_000, 60_000, 0, 0, 0) + b";"
    big = Image.new("1" if kind == "TIFF" else "L", (10_000, 10_000))
    return save(big, kind, **({"compression": "group4"} if kind == "TIFF" else {"quality": 1}))


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "GIF", "TIFF", "JPEG"])
def test_decompression_bomb_is_refused_by_its_header(kind: str) -> None:
    data = bomb(kind)
    started = time.thread_time()
    assert code_of(data) == "too_many_pixels"
    assert time.thread_time() - started < 0.2


def test_gif_frame_larger_than_its_header_is_refused() -> None:
    frame = b"," + struct.pack("<HHHHB", 0, 0, 12_000, 12_000, 0) + b"\x02\x02\x4c\x01\0;"
    screen = b"GIF89a" + struct.pack("<HHBBB", 10, 10, 0, 0, 0)
    with pytest.warns(Image.DecompressionBombWarning):
        assert code_of(screen + frame) == "too_many_pixels"


def test_png_chunk_longer_than_the_file_is_refused_at_once() -> None:
    whole = bytearray(save(scene(), "PNG"))
    whole[33:37] = b"\x78\0\0\0"
    started = time.thread_time()
    assert code_of(bytes(whole)) == "truncated"
    assert time.thread_time() - started < 0.2


def test_jpeg_with_thousands_of_scans_is_refused() -> None:
    data = save(Image.new("L", (4000, 4000)), "JPEG", progressive=True)
    scan = data.index(b"\xff\xda")
    assert code_of(data[:scan] + data[scan:-2] * 300 + data[-2:]) == "unreadable"


def behind(kind: str) -> bytes:
    """What telephones write behind a photograph: bytes that look like markers, or whole pictures."""
    if kind == "pictures":
        return save(scene(), "JPEG") * 3000
    start = b"MotionPhoto_Data" + struct.pack(">I", 24) + b"ftypmp42\0\0\0\0isommp42"
    return start + np.random.default_rng(5).integers(0, 256, 7_000_000, np.uint8).tobytes()


@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("kind", ["film", "pictures"])
def test_a_jpeg_with_other_data_behind_its_end_is_decoded(progressive: bool, kind: str) -> None:
    picture = save(Image.new("RGB", (4000, 3000), "teal"), "JPEG", progressive=progressive)
    assert decode(picture + behind(kind)).shape == (3000, 4000, 3)


def test_a_thumbnail_in_front_is_no_scan_of_the_picture() -> None:
    picture = save(Image.new("RGB", (4000, 3000)), "JPEG")
    inner = b"\xff\xda" * 30_000
    segment = b"\xff\xe1" + struct.pack(">H", len(inner) + 2) + inner
    assert decode(picture[:2] + segment * 3 + picture[2:]).shape == (3000, 4000, 3)


@pytest.mark.parametrize("filler", [b"\xff\x00", b"\xff\xff", b"\xff\xd0", b"\x00\x00"])
def test_the_bytes_of_a_scan_are_no_scans(filler: bytes) -> None:
    picture = save(scene(), "JPEG")
    start = picture.index(b"\xff\xda")
    assert jpeg_scans(picture[: start + 20] + filler * 1_000_000, 10) == 1


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF", "TIFF", "AVIF", "HEIC"])
@pytest.mark.parametrize("part", [0.02, 0.3, 0.6, 0.95])
def test_incomplete_file_is_refused(kind: str, part: float) -> None:
    noise = np.random.default_rng(5).integers(0, 255, (64, 96, 3), np.uint8)
    whole = heic(noise) if kind == "HEIC" else save(noise, kind)
    assert code_of(whole[: int(len(whole) * part)]) in {"truncated", "unreadable", "unsupported_format"}


def test_incomplete_jpeg_and_png_have_the_code_truncated() -> None:
    for kind in ("JPEG", "PNG"):
        whole = save(scene(200, 300), kind)
        assert code_of(whole[: len(whole) // 2]) == "truncated"


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "empty"),
        (b"\0", "unsupported_format"),
        (b"hello, this is no picture at all" * 9, "unsupported_format"),
        (b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>', "unsupported_format"),
        (b"  \n<svg onload='x'/>", "unsupported_format"),
        (b"%PDF-1.7", "unsupported_format"),
        (b"\0\0\0\x18ftypmp42\0\0\0\0isommp42", "unsupported_format"),
        (b"\xff\xd8\xff\xe0" + bytes(400) + b"\xff\xd9", "unreadable"),
        (b"\xff\xd8", "truncated"),
    ],
)
def test_files_that_are_not_images_are_refused(data: bytes, code: str) -> None:
    assert code_of(data) == code


def test_renamed_svg_is_named_in_the_message() -> None:
    with pytest.raises(BadImage, match="SVG"):
        decode(b"<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'/>")


def test_float_pixels_are_refused() -> None:
    assert code_of(save(Image.new("F", (9, 9)), "TIFF")) == "unsupported_format"


def test_block_means_are_the_mean_grey_of_each_block() -> None:
    picture = scene(48, 64)
    seen = block_means(save(picture, "JPEG", quality=95))
    assert seen is not None
    grey = picture @ np.array([0.299, 0.587, 0.114])
    means = grey.reshape(6, 8, 8, 8).mean(axis=(1, 3))
    assert np.abs(seen - means).max() < 3


def test_block_means_exist_for_jpegs_and_refuse_bad_images() -> None:
    assert block_means(save(scene(), "PNG")) is None
    assert block_means(save(scene(9, 17), "JPEG")).shape == (2, 3)  # type: ignore[union-attr]
    whole = save(scene(200, 300), "JPEG")
    for data, code in ((whole[: len(whole) // 2], "truncated"), (b"", "empty")):
        with pytest.raises(BadImage) as refused:
            block_means(data)
        assert refused.value.code == code
    with pytest.raises(BadImage, match="pixels a side"):
        block_means(save(Image.new("RGB", (4000, 2200)), "JPEG"), limits=LIVE)


def test_limits_of_the_camera_socket_are_enforced() -> None:
    assert code_of(bytes(2 * 1024 * 1024 + 1), LIVE) == "too_large"
    assert code_of(save(scene(), "WEBP"), LIVE) == "unsupported_format"
    assert code_of(save(Image.new("RGB", (4000, 2200)), "JPEG"), LIVE) == "too_many_pixels"
    assert decode(save(Image.new("RGB", (3840, 2160)), "JPEG"), limits=LIVE).shape == (2160, 3840, 3)


def test_header_is_read_without_decoding() -> None:
    for kind in ("JPEG", "PNG", "GIF", "WEBP", "BMP", "TIFF", "AVIF"):
        header = probe(save(scene(30, 50), kind))
        assert (header.format, header.width, header.height) == (kind, 50, 30)
    assert probe(save(scene(30, 50), "WEBP", lossless=True)).width == 50


def test_resize_never_enlarges_and_keeps_proportions() -> None:
    assert resize_longer(scene(), 640).shape == (48, 64, 3)
    assert resize_longer(scene(480, 640), 320).shape == (240, 320, 3)
    assert resize_longer(scene(1, 5000), 100).shape == (1, 100, 3)


def test_encoded_jpeg_has_no_metadata() -> None:
    data = encode_jpeg(scene(), 95)
    assert close(decode(data), scene(), 4)
    assert b"Exif" not in data


def test_crop_is_a_copy_within_the_image() -> None:
    picture = scene()
    part = crop(picture, (50, 40, 80, 60), margin=0.1)
    assert part.shape == (10, 17, 3)
    part[:] = 0
    assert (picture == scene()).all()
    assert crop(picture, (900, 900, 950, 950)).size == 3


@pytest.mark.clock
def test_decode_releases_the_interpreter() -> None:
    """Python goes on beside a decode: a thread counting beside it must not stand still."""
    data, beats, stop = save(scene(2000, 3000), "JPEG"), [time.perf_counter()], threading.Event()

    def heart() -> None:
        while not stop.wait(0.001):
            beats.append(time.perf_counter())

    thread = threading.Thread(target=heart)
    thread.start()
    started = time.perf_counter()
    for _ in range(5):
        decode(data)
    took = time.perf_counter() - started
    stop.set()
    thread.join()
    assert float(np.diff(beats).max()) < took / 2
