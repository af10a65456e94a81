"""Damaged files of every kind, made at random: pixels or a BadImage, never anything else, and soon."""

import time
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from recognition.engine.errors import BadImage
from recognition.engine.images.image import block_means, decode, probe
from tests.engine.images.test_image import ARITHMETIC, bomb, heic, save, scene

FULL_SECONDS, SHORT_SECONDS = 300.0, 5.0
SLOWEST = 2.0
KINDS = ("JPEG", "PNG", "GIF", "WEBP", "BMP", "TIFF", "AVIF")
SEEDS = [
    *(save(scene(), kind) for kind in KINDS),
    save(scene(), "JPEG", progressive=True),
    save(np.dstack([scene(), scene()[:, :, 0]]), "PNG"),
    heic(scene()),
    ARITHMETIC,
    bomb("WEBP"),
]


def outcome(data: bytes) -> str:
    try:
        pixels = decode(data)
    except BadImage as refused:
        return refused.code
    # Whoever decoded a picture may take a block_means of it without a second fear.
    block_means(data)
    assert pixels.dtype == np.uint8
    assert pixels.ndim == 3
    assert pixels.shape[2] == 3
    return "pixels"


def damage(whole: bytes, rng: np.random.Generator) -> bytes:
    """Bytes changed (headers more often than the rest), a piece cut out, or another file's piece put in."""
    data = bytearray(whole)
    reach = len(data) if rng.random() < 0.5 else min(len(data), 64)
    for at in rng.integers(0, reach, rng.integers(1, 9)):
        data[at] = int(rng.choice([0, 1, 127, 128, 255, int(rng.integers(256))]))
    start, length = int(rng.integers(len(data))), int(rng.integers(1, 200))
    choice = rng.random()
    if choice < 0.2:
        del data[start : start + length]
    elif choice < 0.4:
        other = SEEDS[int(rng.integers(len(SEEDS)))]
        data[start:start] = other[: int(rng.integers(len(other)))]
    return bytes(data)


@pytest.mark.soak
@pytest.mark.timeout(FULL_SECONDS + 60)
def test_damaged_files_give_pixels_or_bad_image(soak: bool) -> None:
    """In full with other damage each time: whatever fails is printed whole."""
    rng = np.random.default_rng(None if soak else 4)
    seen: dict[str, int] = {}
    ends = time.perf_counter() + (FULL_SECONDS if soak else SHORT_SECONDS)
    with warnings.catch_warnings():
        # Pillow warns of odd metadata, and of sizes that are refused a moment later; the picture's fate is tested.
        warnings.simplefilter("ignore", UserWarning)
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        while time.perf_counter() < ends:
            began = time.thread_time()
            data = damage(SEEDS[int(rng.integers(len(SEEDS)))], rng)
            found = outcome(data)
            seen[found] = seen.get(found, 0) + 1
            assert time.thread_time() - began < SLOWEST, (found, data.hex())
    assert sum(seen.values()) > 100
    assert {"pixels", "truncated", "unreadable", "unsupported_format"} <= seen.keys()


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=300))
def test_random_bytes_give_pixels_or_bad_image(data: bytes) -> None:
    assert outcome(data) in {"empty", "truncated", "unreadable", "unsupported_format", "too_many_pixels"}


@settings(max_examples=200, deadline=None)
@given(
    st.sampled_from([b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF89a", b"II*\0", b"MM\0+"]),
    st.binary(max_size=80),
)
def test_random_headers_are_parsed_or_refused(magic: bytes, rest: bytes) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        try:
            header = probe(magic + rest)
        except BadImage as refused:
            found = refused.code
        else:
            found = "measured" if header.width >= 1 <= header.height else "nonsense"
    assert found in {"measured", "truncated", "unreadable"}
