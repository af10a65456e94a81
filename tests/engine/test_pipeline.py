"""The engine as callers meet it: any thread, any array, and an end that comes when asked for."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path

import numpy as np
import pytest

from recognition.engine import Engine, Face
from recognition.engine.errors import BadImage, RuntimeUnavailable, Stopped
from recognition.engine.types import Pixels

BLANK = np.zeros((120, 160, 3), np.uint8)
IMPORTED = (
    "import sys, recognition.engine; print([m for m in ('cv2','dlib','openvino','onnx') if m in sys.modules])"
)


def assert_same_faces(one: list[Face], other: list[Face]) -> bool:
    return [face.box for face in one] == [face.box for face in other] and all(
        np.abs(a.template - b.template).max() < 1e-5 for a, b in zip(one, other, strict=True)
    )


def test_import_of_the_package_loads_no_large_library() -> None:
    done = subprocess.run([sys.executable, "-c", IMPORTED], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_batch_gives_the_faces_of_single_images(engine: Engine, photographs: list[Pixels]) -> None:
    pictures = [*photographs[:5], BLANK]
    batch = engine.analyse_batch(pictures)
    assert [len(faces) for faces in batch][-1] == 0
    assert all(
        assert_same_faces(engine.analyse(rgb), faces) for rgb, faces in zip(pictures, batch, strict=True)
    )
    assert engine.analyse_batch([]) == []


def test_image_without_faces_gives_an_empty_list(engine: Engine) -> None:
    assert engine.analyse(BLANK) == []


@pytest.mark.parametrize("shape", [(1, 1), (1, 10_000), (10_000, 1), (7, 9)])
def test_unusual_image_shapes_are_analysed(load: Callable[..., Engine], shape: tuple[int, int]) -> None:
    for detector in ("centerface", "yunet", "ssd", "hog", "cnn"):
        assert load(detector=detector, precision="f32").analyse(np.zeros((*shape, 3), np.uint8)) == []


@pytest.mark.parametrize(
    ("array", "code"),
    [
        (np.zeros((50, 50, 3), np.float32), "wrong_type"),
        (np.zeros((50, 50, 3), np.int16), "wrong_type"),
        ([[[0, 0, 0]]], "wrong_type"),
        (None, "wrong_type"),
        (np.zeros((50, 50), np.uint8), "wrong_shape"),
        (np.zeros((50, 50, 4), np.uint8), "wrong_shape"),
        (np.zeros((2, 50, 50, 3), np.uint8), "wrong_shape"),
        (np.zeros((0, 50, 3), np.uint8), "wrong_shape"),
        (np.broadcast_to(np.uint8(0), (20_000, 20_000, 3)), "too_many_pixels"),
    ],
)
def test_wrong_arrays_raise_bad_image(engine: Engine, array: Pixels, code: str) -> None:
    with pytest.raises(BadImage) as caught:
        engine.analyse(array)
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("chips", "code"),
    [
        (np.zeros((2, 150, 150, 3), np.float32), "wrong_type"),
        (np.zeros((150, 150, 3), np.uint8), "wrong_shape"),
        (np.zeros((1, 149, 150, 3), np.uint8), "wrong_shape"),
    ],
)
def test_wrong_chips_raise_bad_image(engine: Engine, chips: Pixels, code: str) -> None:
    with pytest.raises(BadImage) as caught:
        engine.embed(chips)
    assert caught.value.code == code


def test_no_chips_give_no_embeddings(engine: Engine) -> None:
    assert engine.embed(np.empty((0, 150, 150, 3), np.uint8)).shape == (0, 128)


@pytest.mark.parametrize("detector", ["centerface", "hog", "yunet", "ssd"])
def test_views_and_read_only_arrays_give_the_same_faces(
    load: Callable[..., Engine], photographs: list[Pixels], detector: str
) -> None:
    engine, rgb = load(detector=detector, precision="f32"), photographs[-1].copy()
    expected = engine.analyse(rgb)
    assert expected
    before = rgb.copy()
    view = np.asfortranarray(rgb)
    rgb.setflags(write=False)
    view.setflags(write=False)
    wide = np.zeros((rgb.shape[0], rgb.shape[1] * 2, 3), np.uint8)
    wide[:, ::2] = rgb
    for array in (rgb, view, wide[:, ::2]):
        assert assert_same_faces(engine.analyse(array), expected)
    assert np.array_equal(rgb, before)


@pytest.mark.soak
def test_eight_threads_get_the_same_faces_as_one(
    engine: Engine, photographs: list[Pixels], soak: bool
) -> None:
    pictures = photographs[:6]
    expected = [engine.analyse(rgb) for rgb in pictures]
    until = time.monotonic() + (60 if soak else 5)
    rounds, wrong = [0] * 8, []

    def hammer(number: int) -> None:
        while time.monotonic() < until:
            at = (rounds[number] + number) % len(pictures)
            if not assert_same_faces(engine.analyse(pictures[at]), expected[at]):
                wrong.append((number, at))
            rounds[number] += 1

    threads = [threading.Thread(target=hammer, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(90)
    assert not any(thread.is_alive() for thread in threads)
    assert not wrong
    assert min(rounds) >= 1


@pytest.mark.clock
def test_close_ends_busy_workers_within_two_seconds(tmp_path: Path, photographs: list[Pixels]) -> None:
    before = set(threading.enumerate())
    engine = Engine.load(workers=2, cache_dir=tmp_path)
    engine.analyse(photographs[0])
    waiting: list[Future[list[Face]]] = [engine.submit(engine.analyse, photographs[0]) for _ in range(200)]
    workers = set(threading.enumerate()) - before
    assert workers
    assert not any(worker.daemon for worker in workers)
    start = time.monotonic()
    engine.close()
    assert time.monotonic() - start < 2
    assert not any(worker.is_alive() for worker in workers)
    assert all(future.done() for future in waiting)
    for call in (
        lambda: engine.analyse(BLANK),
        lambda: engine.submit(len, ""),
        lambda: engine.analyse_batch([BLANK]),
    ):
        with pytest.raises(Stopped):
            call()
    engine.close()


def test_batch_raises_the_error_of_one_image(engine: Engine) -> None:
    with pytest.raises(BadImage):
        engine.analyse_batch([BLANK, np.zeros((5, 5), np.uint8), BLANK])
    assert engine.analyse_batch([BLANK]) == [[]]


def test_cached_face_is_not_encoded_again(tmp_path: Path, lfw_pictures: list[Pixels]) -> None:
    rgb = lfw_pictures[0]
    with Engine.load(cache_dir=tmp_path, cache_size=1) as engine:
        first = engine.analyse(rgb)[0]
        assert engine.analyse(rgb)[0].template is first.template
        engine.analyse(lfw_pictures[1])
        assert engine.analyse(rgb)[0].template is not first.template
    with Engine.load(cache_dir=tmp_path, cache_size=0) as engine:
        assert engine.analyse(rgb)[0].template is not engine.analyse(rgb)[0].template


def test_stage_times_are_collected_in_total_and_for_one_caller(
    engine: Engine, photographs: list[Pixels]
) -> None:
    before = engine.timings.totals()["detect"]
    with engine.timings.collect() as mine:
        other = threading.Thread(target=engine.analyse, args=(photographs[0],))
        other.start()
        other.join()
        assert mine == {"detect": 0, "align": 0, "encode": 0}
        engine.analyse(photographs[0])
    after = engine.timings.totals()["detect"]
    assert all(milliseconds > 0 for milliseconds in mine.values())
    assert after.count == before.count + 2
    assert after.milliseconds - before.milliseconds > mine["detect"]


def test_worker_count_is_at_most_the_usable_cores(tmp_path: Path) -> None:
    cores = len(os.sched_getaffinity(0))
    with Engine.load(workers=999, cache_dir=tmp_path) as engine:
        assert engine.workers == cores


@pytest.mark.parametrize(
    "options",
    [
        {"detector": "eyes"},
        {"precision": "f64"},
        {"device": "abacus"},
        {"backend": "slow"},
        {"scale": 0.0},
        {"scale": 9.0},
        {"backend": "reference", "detector": "centerface"},
    ],
)
def test_unknown_options_are_refused(tmp_path: Path, options: dict[str, object]) -> None:
    with pytest.raises(RuntimeUnavailable):
        Engine.load(cache_dir=tmp_path, **options)  # type: ignore[arg-type]
