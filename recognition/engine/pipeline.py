"""The engine: detection, alignment, encoding and quality as one object."""

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
from recognition.engine.embedding.visibility import Visible, visible
from recognition.engine.errors import BadImage, RuntimeUnavailable, Stopped
from recognition.engine.networks import conversion, runtime
from recognition.engine.networks.model_files import ENCODER_FILE, locate
from recognition.engine.reference import Reference
from recognition.engine.timing import StageTimes
from recognition.engine.types import SPACE, Array, Detection, Face, Pixels

# Pixels of the largest image that `Engine` accepts; the limits of decoding (`images.image`) are lower.
MAX_PIXELS = 80_000_000

P = ParamSpec("P")
S = TypeVar("S")
T = TypeVar("T")


@dataclass(frozen=True, slots=True, eq=False)
class Backend:
    """The parts that differ between the backends; `reasons` say why they were chosen."""

    detector: detectors.Detector
    network: Callable[[Pixels], Array]
    runtime: runtime.Runtime
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class _AlignedFace:
    """A detection with its chip, before encoding; `landmarks` (5, 2) are the detector's, else the alignment's."""

    image: Pixels
    detection: Detection
    aligned: Aligned
    landmarks: Array


class Engine:
    """Finds and encodes the faces of images. Thread-safe.

    `detect`, `encode`, `analyse` and `embed` run on the calling thread; `analyse_batch` and `submit` use the engine's
    own workers. Images are (height, width, 3) uint8 RGB and are not changed. Methods raise BadImage for other arrays
    and Stopped once the engine is closed.
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
        """Return an engine whose model files are checked and whose networks are converted and compiled.

        `detector` is auto, centerface, yunet, ssd, hog or cnn; `precision` auto, f32 or bf16; `device` auto, cpu, gpu
        or cuda; `backend` "fast", or "reference" for `face_recognition` itself. `scale` is the detector's longer side
        as a fraction of the image's (None: chosen by size and device). `workers` is limited to the usable cores (None:
        up to four). Model files are looked for in `models_dir`, then in the packages. `cache_dir` keeps the converted
        networks (None: $XDG_CACHE_HOME/rollcall). The last `cache_size` encodings are kept by the content of their
        chips. Raises ModelMissing, ModelDamaged and RuntimeUnavailable.
        """
        sizing.check_scale(scale)
        models = Path(models_dir) if models_dir is not None else None
        cache = Path(cache_dir) if cache_dir is not None else conversion.default_cache()
        if backend == "reference":
            chosen = _reference(detector, models)
        elif backend == "fast":
            chosen = _fast(detector, runtime.choose(device, precision), models, cache)
        else:
            msg = f'The backend is "fast" or "reference", not {backend!r}'
            raise RuntimeUnavailable(msg, extra={"backend": backend})
        encoder = Encoder(chosen.network, cache_size)
        return cls(chosen, Aligner(models), encoder, scale=scale, workers=worker_count(workers))

    def __init__(
        self, backend: Backend, aligner: Aligner, encoder: Encoder, *, scale: float | None, workers: int
    ) -> None:
        """Set up from its parts; use `load`."""
        self._detector, self._aligner, self._encoder = backend.detector, aligner, encoder
        self._scale, self._reasons = scale, backend.reasons
        self.runtime = backend.runtime
        self.workers = workers
        self.timings = StageTimes()
        self._stopped = threading.Event()
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="engine")

    @property
    def space(self) -> str:
        """Return the space of the templates: only templates of one space may be compared."""
        return SPACE

    def analyse(self, rgb: Pixels, *, tiled: bool = False) -> list[Face]:
        """Return the faces of an image, best first; `tiled` as for `detect`."""
        return self.encode(rgb, self.detect(rgb, tiled=tiled))

    def analyse_batch(self, images: Sequence[Pixels]) -> list[list[Face]]:
        """Return the faces of each image, on all workers; the faces of all images are encoded in common batches."""
        aligned_by_image = self._run_on_workers(self._detect_and_align, images)
        aligned = [face for faces in aligned_by_image for face in faces]
        size = max(1, min(8, -(-len(aligned) // self.workers)))
        batches = [aligned[start : start + size] for start in range(0, len(aligned), size)]
        encoded = iter([face for batch in self._run_on_workers(self._encode, batches) for face in batch])
        return [[next(encoded) for _ in faces] for faces in aligned_by_image]

    def detect(self, rgb: Pixels, *, tiled: bool = False, reduced: bool = False) -> list[Detection]:
        """Return the detections of an image, best first.

        `tiled`: search large images in tiles as well, to find small faces. `reduced`: use a smaller detector size, in
        about half the time, which misses faces far away; without effect with `tiled`, where `scale` was given, or
        where the detector has one size.
        """
        pixels = self._check(rgb)
        with self.timings.stage("detect"):
            if tiled:
                return tiles.detect(pixels, self._detect_untiled)
            return self._detect_untiled(pixels, reduced=reduced)

    def encode(self, rgb: Pixels, detections: Sequence[Detection], *, quick: bool = False) -> list[Face]:
        """Return the faces at `detections`, which this engine's `detect` found in `rgb` or an image of its size.

        A hard face (turned, hidden or blurred) gets a template averaged over two alignments, in twice the time;
        `quick` skips the second alignment: for live frames, where another sample helps more.
        """
        return self._encode(self._align(self._check(rgb), detections), quick=quick)

    def visible(self, rgb: Pixels, face: Face) -> Visible:
        """Return what can be seen of the parts of a face that this engine found in `rgb`.

        Takes as long as five encodings.
        """
        pixels = self._check(rgb)
        with self.timings.stage("align"):
            chip = self._aligner.align_by_landmarks(pixels, face.landmarks)
        return visible(chip, self.embed)

    def embed(self, chips: Pixels) -> Array:
        """Return the embeddings (N, 128) float32 of chips (N, 150, 150, 3) uint8 RGB, equal to `face_recognition`'s."""
        self._check_running()
        with self.timings.stage("encode"):
            return self._encoder.embed(chips)

    def submit(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Run `work` on one of the engine's workers."""
        self._check_running()
        try:
            return self._pool.submit(work, *args, **kwargs)
        except RuntimeError as error:
            raise _stopped() from error

    def info(self) -> dict[str, object]:
        """Return what runs where and why, as values for JSON."""
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
        """Refuse new work, drop waiting work, and end the workers once their present work is done."""
        self._stopped.set()
        self._pool.shutdown(wait=True, cancel_futures=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _run_on_workers(self, work: Callable[[S], T], items: Sequence[S]) -> list[T]:
        """Return `work(item)` for each item, run on the workers. Raises the first error and drops the waiting items."""
        futures = [self.submit(work, item) for item in items]
        try:
            return [future.result() for future in futures]
        except CancelledError as error:
            raise _stopped() from error
        finally:
            for future in futures:
                future.cancel()

    def _detect_and_align(self, rgb: Pixels) -> list[_AlignedFace]:
        pixels = self._check(rgb)
        with self.timings.stage("detect"):
            detections = self._detect_untiled(pixels)
        return self._align(pixels, detections)

    def _detect_untiled(self, pixels: Pixels, *, reduced: bool = False) -> list[Detection]:
        self._check_running()
        side = sizing.detection_side(max(pixels.shape[:2]), self._scale, self.runtime, reduced=reduced)
        return self._detector.detect(pixels, side)

    def _align(self, pixels: Pixels, detections: Sequence[Detection]) -> list[_AlignedFace]:
        with self.timings.stage("align"):
            return [self._align_face(pixels, detection) for detection in detections]

    def _align_face(self, pixels: Pixels, detection: Detection) -> _AlignedFace:
        aligned = self._aligner.align(pixels, self._detector.hog_box(detection))
        landmarks = detection.landmarks
        return _AlignedFace(
            pixels, detection, aligned, five_landmarks(aligned.points) if landmarks is None else landmarks
        )

    def _encode(self, aligned: Sequence[_AlignedFace], *, quick: bool = False) -> list[Face]:
        faces: list[Face] = []
        for start in range(0, len(aligned), BATCH // 2):
            self._check_running()
            batch = aligned[start : start + BATCH // 2]
            with self.timings.stage("encode"):
                encodings = self._encoder.encode(np.stack([face.aligned.chip for face in batch]))
            if not quick:
                self._align_hard_faces_again(batch, encodings)
            faces += [_face(face, encoding) for face, encoding in zip(batch, encodings, strict=True)]
        return faces

    def _align_hard_faces_again(self, faces: Sequence[_AlignedFace], encodings: list[Encoding]) -> None:
        """Replace the encodings of hard faces by those averaged over a second alignment."""
        hard = [index for index, encoding in enumerate(encodings) if encoding.hard]
        if not hard:
            return
        self._check_running()
        with self.timings.stage("align"):
            chips = np.stack(
                [
                    self._aligner.align_by_landmarks(faces[index].image, faces[index].landmarks)
                    for index in hard
                ]
            )
        with self.timings.stage("encode"):
            for index, second in zip(hard, self._encoder.encode(chips), strict=True):
                encodings[index] = encodings[index].with_second(second)

    def _check(self, rgb: Pixels) -> Pixels:
        """Return the image as a contiguous array. Raises BadImage, Stopped."""
        self._check_running()
        check_image(rgb)
        return np.ascontiguousarray(rgb)

    def _check_running(self) -> None:
        if self._stopped.is_set():
            raise _stopped()


def _fast(detector: str, chosen: runtime.Runtime, models: Path | None, cache: Path) -> Backend:
    reasons = chosen.reasons
    if detector == "auto":
        detector, reason = detectors.choose(models)
        reasons = (*reasons, reason)
    created = detectors.create(detector, chosen, models, cache)
    network = chosen.compile(conversion.load(conversion.ENCODER, locate(ENCODER_FILE, models), cache))(None)
    return Backend(created, lambda chips: network(chips)[0], chosen, reasons)


def _reference(detector: str, models: Path | None) -> Backend:
    """Return the reference backend, which needs no runtime and so also works where that is broken."""
    reference = Reference(detector, models)
    return Backend(reference, reference.embed, runtime.DLIB, ("face_recognition itself was asked for",))


def worker_count(wanted: int | None) -> int:
    """Return the number of workers: at least one, at most the usable cores; None means up to four."""
    return max(1, min(wanted if wanted is not None else 4, runtime.usable_cores()))


def check_image(rgb: Pixels) -> None:
    """Raise BadImage unless `rgb` is a (height, width, 3) uint8 array that is neither empty nor huge."""
    if not isinstance(rgb, np.ndarray) or rgb.dtype != np.uint8:
        msg = f"An image is a uint8 array, not {getattr(rgb, 'dtype', type(rgb).__name__)}: scale to 0..255 first"
        raise BadImage(msg, code="wrong_type")
    if rgb.ndim != 3 or rgb.shape[2] != 3 or rgb.size == 0:
        msg = f"An image is (height, width, 3), RGB, not {rgb.shape}"
        raise BadImage(msg, code="wrong_shape", extra={"shape": list(rgb.shape)})
    if rgb.shape[0] * rgb.shape[1] > MAX_PIXELS:
        msg = f"The image has {rgb.shape[0] * rgb.shape[1]} pixels, over {MAX_PIXELS}: make it smaller"
        raise BadImage(msg, code="too_many_pixels", extra={"limit": MAX_PIXELS})


def _face(face: _AlignedFace, encoding: Encoding) -> Face:
    detection, aligned = face.detection, face.aligned
    left, top, right, bottom = (round(side) for side in detection.box)
    return Face(
        box=(left, top, right, bottom),
        score=detection.score,
        landmarks=face.landmarks,
        embedding=encoding.embedding,
        template=encoding.template,
        quality=assess(aligned.chip, face.landmarks, detection.score, encoding.agreement),
    )


def _stopped() -> Stopped:
    return Stopped("The engine is closed; load another one.")
