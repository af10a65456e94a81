"""Each setting about faces changes the behaviour, not only a value; those of the database are in tests/config.

Beside these: DB_POOL_SIZE, DB_MAX_OVERFLOW, DB_STATEMENT_TIMEOUT, PUBLIC_URL and MAX_UPLOAD_SIZE in test_settings of
tests/config, TRUSTED_PROXIES in test_proxies, METRICS_TOKEN in test_health, LANGUAGE_CODE in tests/web/test_languages.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import numpy as np
import pytest
from django.conf import LazySettings
from django.core.cache import cache

from attendance.faces import enrolment, photograph_cache
from attendance.live import runtime
from recognition import galleries
from recognition.encoding_cache import name_of
from recognition.engine import SPACE, EngineError
from recognition.engine.images.image import decode, encode_jpeg
from recognition.engine.networks import runtime as networks_runtime
from recognition.engine.types import Pixels
from recognition.process import PROCESS
from recognition.shared_engine import ENGINE, engine
from recognition.streams.frame_results import CameraContext
from recognition.streams.queue import Frame
from recognition.telemetry.monitor import MONITOR
from tests.recognition.streams.test_frame_pipeline import CLASS, FakeEngine, FakeSource
from tests.recognition.test_encoding_cache import EncodingRecords, face


@pytest.fixture(autouse=True)
def new_process() -> Iterator[None]:
    """Make the parts of the process again in each test, with the test's settings."""
    PROCESS.stop()
    yield
    PROCESS.stop()


@pytest.fixture
def fake_engine(monkeypatch: pytest.MonkeyPatch) -> FakeEngine:
    """The live pipeline with a fake engine and a fake gallery source of ten people."""
    fake = FakeEngine()
    monkeypatch.setattr(runtime, "engine", lambda: fake)
    monkeypatch.setattr(runtime, "DatabaseSource", FakeSource)
    return fake


@pytest.fixture
def advance_clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Return a function that advances the clock of the galleries."""
    passed = [0.0]
    clock = time.monotonic
    monkeypatch.setattr(time, "monotonic", lambda: clock() + passed[0])

    def wait(seconds: float) -> None:
        passed[0] += seconds

    return wait


def info() -> Mapping[str, object]:
    return engine().info()


@pytest.mark.parametrize(("wanted", "cores", "threads"), [(1, 8, 1), (3, 8, 3), (3, 1, 1)])
def test_workers_are_as_set_and_at_most_the_cores(
    wanted: int,
    cores: int,
    threads: int,
    settings: LazySettings,
    fake_engine: FakeEngine,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settings.FACE_RECOGNITION_WORKERS = wanted
    monkeypatch.setattr(networks_runtime, "usable_cores", lambda: cores)
    before = recognition_threads()
    camera = runtime.live_pipeline().streams.open(CameraContext(CLASS), lambda _answer: None)
    assert recognition_threads() - before == threads
    camera.close()


def recognition_threads() -> int:
    """Return the number of recognition threads in this process."""
    return sum(thread.name.startswith("recognise") for thread in threading.enumerate())


def test_detector_and_precision_are_as_set(settings: LazySettings) -> None:
    assert info()["detector"] == "centerface"
    ENGINE.close()
    settings.FACE_DETECTION_MODEL, settings.FACE_PRECISION = "hog", "f32"
    engine_info = info()
    assert (engine_info["detector"], engine_info["precision"]) == ("hog", "f32")


def test_missing_device_is_refused_by_name(settings: LazySettings) -> None:
    if networks_runtime.choose("auto", "auto").device != "cpu":
        pytest.skip("this machine has another device than its processor")
    settings.FACE_DEVICE = "cuda"
    with pytest.raises(EngineError, match="CUDA"):
        engine()


def test_scale_sets_the_size_of_detection(settings: LazySettings) -> None:
    sides = []
    for scale in (0.5, 1.0):
        settings.FACE_DETECTION_SCALE = scale
        sides.append(info()["side_for_640"])
        ENGINE.close()
    assert sides == [320, 640]


def test_converted_networks_are_stored_in_the_folder(settings: LazySettings, tmp_path: Path) -> None:
    settings.FACE_MODELS_DIR = tmp_path / "models"
    engine()
    assert list(settings.FACE_MODELS_DIR.glob("*.onnx"))


@pytest.mark.parametrize(("size", "held"), [(0, 0), (2, 2), (1000, 3)])
def test_encoding_cache_keeps_at_most_its_size(
    size: int, held: int, settings: LazySettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.FACE_ENCODING_CACHE_SIZE = size
    monkeypatch.setattr(photograph_cache, "EncodingRecords", EncodingRecords)
    for content in "abc":
        photograph_cache.photograph_cache().put(name_of(content, SPACE), SPACE, face(1))
    assert MONITOR.figures().gauges["encodings"] == held


def test_search_is_remembered_for_its_time(
    settings: LazySettings, fake_engine: FakeEngine, advance_clock: Callable[[float], None]
) -> None:
    settings.REDIS_CACHE_TTL = 100
    hits = MONITOR.figures().counters["recognition_hits"]

    def search() -> int:
        runtime.galleries().search({CLASS: FakeSource().templates(CLASS)[0][:1]})
        return MONITOR.figures().counters["recognition_hits"] - hits

    assert search() == 0
    advance_clock(99)
    assert search() == 1
    advance_clock(2)
    assert search() == 1


def test_gallery_is_rebuilt_after_its_interval(
    settings: LazySettings, fake_engine: FakeEngine, advance_clock: Callable[[float], None]
) -> None:
    settings.FAISS_INDEX_REBUILD_INTERVAL = 600
    runtime.galleries().search({CLASS: FakeSource().templates(CLASS)[0][:1]})
    left = cache.ttl(galleries.key_of(CLASS, SPACE))  # type: ignore[attr-defined]
    assert 590 < left <= 600
    advance_clock(599)
    assert runtime.galleries().refresh() == 0
    advance_clock(2)
    assert runtime.galleries().refresh() == 1


@pytest.mark.parametrize("side", [400, 600])
def test_live_frames_and_crops_are_scaled_to_the_limit(
    side: int, settings: LazySettings, fake_engine: FakeEngine
) -> None:
    settings.MAX_IMAGE_SIZE = side
    picture = encode_jpeg(noise(480, 640))
    runtime.live_pipeline().pipeline.process([Frame(CameraContext(CLASS), 1, picture, time.monotonic())])
    assert fake_engine.size == (side, side * 3 // 4)
    assert max(decode(stored_crop()).shape) == side


def test_stored_crops_have_the_quality_that_is_set(settings: LazySettings) -> None:
    sizes = []
    for quality in (40, 85, 100):
        settings.IMAGE_QUALITY = quality
        sizes.append(len(stored_crop()))
    assert sizes == sorted(sizes)
    assert sizes[2] > 2 * sizes[0]


def noise(height: int, width: int) -> Pixels:
    return np.random.default_rng(1).integers(0, 255, (height, width, 3), np.uint8)


def stored_crop() -> bytes:
    """Return the crop of a face of 600 pixels, as enrolment stores it."""
    return enrolment._crop(noise(1000, 1000), (200.0, 200.0, 800.0, 800.0))
