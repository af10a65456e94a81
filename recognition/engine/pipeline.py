"""The stages composed: pictures in, faces with their numbers out."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import ParamSpec, Self, TypeVar

import numpy as np

from recognition.engine import detectors
from recognition.engine.detectors import sizing, tiles
from recognition.engine.embedding.align import Aligned, Aligner, five_landmarks
from recognition.engine.embedding.encoder import BATCH, Encoder, Encoding
from recognition.engine.embedding.quality import assess
from recognition.engine.errors import BadImage, RuntimeUnavailable, Stopped
from recognition.engine.networks import conversion, runtime
from recognition.engine.networks.model_files import ENCODER_FILE, locate
from recognition.engine.reference import Reference
from recognition.engine.timing import StageTimes
from recognition.engine.types import SPACE, Array, Detection, Face, Pixels

# What `Engine` accepts; image.py's limits for uploads stay below.
MAX_PIXELS = 80_000_000

P = ParamSpec("P")
S = TypeVar("S")
T = TypeVar("T")


@dataclass(frozen=True, slots=True, eq=False)
class Parts:
    """What differs between the backends, and why these were chosen."""

    detector: detectors.Detector
    network: Callable[[Pixels], Array]
    runtime: runtime.Runtime
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class _Found:
    """A detection with its chip, waiting for its encoding; `landmarks` are the alignment's where it has none."""

    picture: Pixels
    detection: Detection
    aligned: Aligned
    landmarks: Array


class Engine:
    """Faces of pictures, as numbers. Every method may be called from any number of threads at once.

    `detect`, `encode`, `analyse` and `embed` run on the calling thread; `analyse_batch` and `submit` use the
    engine's own workers. Pictures are (height, width, 3) uint8 RGB and are never written to.
    """

    @classmethod
    def load(
        cls,
        *,
        detector: str = "auto",
        precision: str = "auto",
        device: str = "auto",
        workers: int | None = None,
        backend: str = "fast",
        scale: float | None = None,
        models_dir: Path | str | None = None,
        cache_dir: Path | str | None = None,
        cache_size: int = 1000,
    ) -> Self:
        """An engine that is ready to work: the files checked, the networks converted once and compiled.

        `detector` is auto, centerface, yunet, ssd, hog or cnn; `precision` auto, f32 or bf16; `device` auto,
        cpu, gpu or cuda; `backend` "fast", or "reference" for `face_recognition` itself. `scale` is the
        detector's longer side as a fraction of the picture's (None: chosen by size and device). `workers` are
        at most the usable cores (None: up to four). `models_dir` is looked into before the packages;
        `cache_dir` keeps the converted networks (None: $XDG_CACHE_HOME/rollcall). `cache_size` encodings are
        kept by content. Raises ModelMissing, ModelDamaged and RuntimeUnavailable.
        """
        sizing.check_scale(scale)
        models = Path(models_dir) if models_dir is not None else None
        cache = Path(cache_dir) if cache_dir is not None else conversion.default_cache()
        if backend == "reference":
            parts = _reference(detector, models)
        elif backend == "fast":
            parts = _fast(detector, runtime.choose(device, precision), models, cache)
        else:
            msg = f'The backend is "fast" or "reference", not {backend!r}'
            raise RuntimeUnavailable(msg, extra={"backend": backend})
        encoder = Encoder(parts.network, cache_size)
        return cls(parts, Aligner(models), encoder, scale=scale, workers=worker_count(workers))

    def __init__(
        self, parts: Parts, aligner: Aligner, encoder: Encoder, *, scale: float | None, workers: int
    ) -> None:
        """Put together by `load`."""
        self._detector, self._aligner, self._encoder = parts.detector, aligner, encoder
        self._scale, self._reasons = scale, parts.reasons
        self.runtime = parts.runtime
        self.workers = workers
        self.timings = StageTimes()
        self._stopped = threading.Event()
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="engine")

    @property
    def space(self) -> str:
        """The space of the templates: only templates of one space may be compared."""
        return SPACE

    def analyse(self, rgb: Pixels, *, tiled: bool = False) -> list[Face]:
        """The faces of a picture, best first; an empty list where there is none. Raises BadImage, Stopped."""
        return self.encode(rgb, self.detect(rgb, tiled=tiled))

    def analyse_batch(self, pictures: Sequence[Pixels]) -> list[list[Face]]:
        """`analyse` for each picture, on all workers, the faces of all of them encoded together."""
        looks = self._map(self._find, pictures)
        found = [face for look in looks for face in look]
        size = max(1, min(8, -(-len(found) // self.workers)))
        parts = [found[at : at + size] for at in range(0, len(found), size)]
        faces = iter([face for part in self._map(self._finish, parts) for face in part])
        return [[next(faces) for _ in look] for look in looks]

    def detect(self, rgb: Pixels, *, tiled: bool = False, reduced: bool = False) -> list[Detection]:
        """Where the faces are, best first. `tiled` looks at big pictures in pieces too, for the back rows.

        `coarse`, for whom a queue waits, takes less than half the time and overlooks faces far away; where the
        scale was given, or the detector has one size, it changes nothing.
        """
        pixels = self._checked(rgb)
        with self.timings.stage("detect"):
            if tiled:
                return tiles.detect(pixels, self._detect_one)
            return self._detect_one(pixels, reduced=reduced)

    def encode(self, rgb: Pixels, detections: Sequence[Detection], *, quick: bool = False) -> list[Face]:
        """The faces at `detections`, which this engine's `detect` found in `rgb` (or in one of its size).

        A face that is hard to see gets a template averaged over two alignments, for twice the time; `quick` is for whom
        follows faces over frames, where another look is worth more.
        """
        return self._finish(self._align(self._checked(rgb), detections), quick=quick)

    def embed(self, chips: Pixels) -> Array:
        """(N, 150, 150, 3) uint8 RGB chips to (N, 128) float32, `face_recognition`'s numbers."""
        self._check_running()
        with self.timings.stage("encode"):
            return self._encoder.embed(chips)

    def submit(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Run `work` on one of the engine's workers. Raises Stopped once the engine is closed."""
        self._check_running()
        try:
            return self._pool.submit(work, *args, **kwargs)
        except RuntimeError as error:
            raise _stopped() from error

    def info(self) -> dict[str, object]:
        """What runs where and why: plain values for JSON."""
        side = sizing.detection_side(640, self._scale, self.runtime) if self._detector.scales else None
        return {
            "detector": self._detector.name,
            "library": self.runtime.library,
            "device": self.runtime.device,
            "precision": self.runtime.precision,
            "workers": self.workers,
            "scale": self._scale,
            "side_for_640": side,
            "space": self.space,
            "reasons": list(self._reasons),
        }

    def close(self) -> None:
        """Refuse new work, drop what waits, and end the workers: at once, or after the piece in hand."""
        self._stopped.set()
        self._pool.shutdown(wait=True, cancel_futures=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _map(self, work: Callable[[S], T], items: Sequence[S]) -> list[T]:
        """`work` for each item on the workers; the first error ends it, and what still waits is dropped."""
        futures = [self.submit(work, item) for item in items]
        try:
            return [future.result() for future in futures]
        except CancelledError as error:
            raise _stopped() from error
        finally:
            for future in futures:
                future.cancel()

    def _find(self, rgb: Pixels) -> list[_Found]:
        pixels = self._checked(rgb)
        with self.timings.stage("detect"):
            detections = self._detect_one(pixels)
        return self._align(pixels, detections)

    def _detect_one(self, pixels: Pixels, *, reduced: bool = False) -> list[Detection]:
        self._check_running()
        side = sizing.detection_side(max(pixels.shape[:2]), self._scale, self.runtime, reduced=reduced)
        return self._detector.detect(pixels, side)

    def _align(self, pixels: Pixels, detections: Sequence[Detection]) -> list[_Found]:
        with self.timings.stage("align"):
            return [self._aligned(pixels, detection) for detection in detections]

    def _aligned(self, pixels: Pixels, detection: Detection) -> _Found:
        aligned = self._aligner.align(pixels, self._detector.hog_box(detection))
        landmarks = detection.landmarks
        return _Found(
            pixels, detection, aligned, five_landmarks(aligned.points) if landmarks is None else landmarks
        )

    def _finish(self, found: Sequence[_Found], *, quick: bool = False) -> list[Face]:
        faces: list[Face] = []
        for at in range(0, len(found), BATCH // 2):
            self._check_running()
            some = found[at : at + BATCH // 2]
            with self.timings.stage("encode"):
                encodings = self._encoder.encode(np.stack([face.aligned.chip for face in some]))
            if not quick:
                self._see_again(some, encodings)
            faces += [_face(face, encoding) for face, encoding in zip(some, encodings, strict=True)]
        return faces

    def _see_again(self, found: Sequence[_Found], encodings: list[Encoding]) -> None:
        """Give the encodings of hard faces a second alignment."""
        hard = [at for at, encoding in enumerate(encodings) if encoding.hard]
        if not hard:
            return
        self._check_running()
        with self.timings.stage("align"):
            chips = np.stack([self._aligner.again(found[at].picture, found[at].landmarks) for at in hard])
        with self.timings.stage("encode"):
            for at, second in zip(hard, self._encoder.encode(chips), strict=True):
                encodings[at] = encodings[at].with_second(second)

    def _checked(self, rgb: Pixels) -> Pixels:
        self._check_running()
        check_picture(rgb)
        return np.ascontiguousarray(rgb)

    def _check_running(self) -> None:
        if self._stopped.is_set():
            raise _stopped()


def _fast(detector: str, chosen: runtime.Runtime, models: Path | None, cache: Path) -> Parts:
    reasons = chosen.reasons
    if detector == "auto":
        detector, reason = detectors.choose(models)
        reasons = (*reasons, reason)
    found = detectors.create(detector, chosen, models, cache)
    network = chosen.compile(conversion.load(conversion.ENCODER, locate(ENCODER_FILE, models), cache))(None)
    return Parts(found, lambda chips: network(chips)[0], chosen, reasons)


def _reference(detector: str, models: Path | None) -> Parts:
    """Needs no runtime, so it is a way back from a broken one."""
    reference = Reference(detector, models)
    return Parts(reference, reference.embed, runtime.DLIB, ("face_recognition itself was asked for",))


def worker_count(wanted: int | None) -> int:
    """At least one, at most the cores this process may use; None means up to four."""
    return max(1, min(wanted if wanted is not None else 4, runtime.usable_cores()))


def check_picture(rgb: Pixels) -> None:
    """Raise BadImage unless `rgb` is a (height, width, 3) uint8 array that is neither empty nor huge."""
    if not isinstance(rgb, np.ndarray) or rgb.dtype != np.uint8:
        msg = f"A picture is a uint8 array, not {getattr(rgb, 'dtype', type(rgb).__name__)}: scale to 0..255 first"
        raise BadImage(msg, code="wrong_type")
    if rgb.ndim != 3 or rgb.shape[2] != 3 or rgb.size == 0:
        msg = f"A picture is (height, width, 3), RGB, not {rgb.shape}"
        raise BadImage(msg, code="wrong_shape", extra={"shape": list(rgb.shape)})
    if rgb.shape[0] * rgb.shape[1] > MAX_PIXELS:
        msg = f"The picture has {rgb.shape[0] * rgb.shape[1]} pixels, over {MAX_PIXELS}: make it smaller"
        raise BadImage(msg, code="too_many_pixels", extra={"limit": MAX_PIXELS})


def _face(found: _Found, encoding: Encoding) -> Face:
    detection, aligned = found.detection, found.aligned
    left, top, right, bottom = (round(side) for side in detection.box)
    return Face(
        box=(left, top, right, bottom),
        score=detection.score,
        landmarks=found.landmarks,
        embedding=encoding.embedding,
        template=encoding.template,
        quality=assess(aligned.chip, found.landmarks, detection.score, encoding.agreement),
    )


def _stopped() -> Stopped:
    return Stopped("The engine has been closed: load another one")
