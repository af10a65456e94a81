"""Templates of Labeled Faces in the Wild, computed once by the engine and stored under var/."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from recognition.engine import Engine
from recognition.engine.images.image import decode
from recognition.engine.types import Array, Face

ROOT = Path(__file__).resolve().parent.parent
CACHE = ROOT / "var" / "bench" / "cache"
# The modules on which the stored numbers depend: after a change in one of them they are computed again.
_SOURCES = (
    "embedding/align",
    "geometry",
    "embedding/encoder",
    "embedding/quality",
    "pipeline",
    "networks/conversion",
    "detectors/sizing",
    "detectors/base",
    "detectors/centerface",
)
_CHUNK = 64


@dataclass(frozen=True, slots=True, eq=False)
class Pictures:
    """One row for each image: the person (strangers follow the people), and the face if one was found.

    `person` (N,) counts from 0; the first `people` persons have several images, the others one.
    `templates` (N, 128) and `quality` (N,) are zero where `found` (N,) is False.
    """

    person: NDArray[np.int64]
    found: NDArray[np.bool_]
    templates: Array
    quality: Array
    people: int

    def of(self, person: int) -> NDArray[np.int64]:
        """Return the rows of one person in which a face was found."""
        return np.nonzero((self.person == person) & self.found)[0]


def folder() -> Path:
    """Return the folder of LFW: in ROLLCALL_SHARED, else in `shared` beside the checkout."""
    return Path(os.environ.get("ROLLCALL_SHARED") or ROOT.parent / "shared") / "lfw"


def load() -> Pictures:
    """Return all images of the folder, from the cache where the same engine has processed the same files."""
    people = [
        sorted(person.iterdir()) for person in sorted((folder() / "people").iterdir()) if person.is_dir()
    ]
    strangers = [[path] for path in sorted((folder() / "strangers").iterdir())]
    paths = [path for group in people + strangers for path in group]
    person = np.repeat(np.arange(len(people) + len(strangers)), [len(group) for group in people + strangers])
    path = CACHE / f"lfw-{_digest(paths)}.npz"
    if not path.exists():
        templates, quality, found = _analysed(paths)
        CACHE.mkdir(parents=True, exist_ok=True)
        np.savez(path, templates=templates, quality=quality, found=found)
    with np.load(path) as stored:
        return Pictures(person, stored["found"], stored["templates"], stored["quality"], len(people))


def _digest(paths: Sequence[Path]) -> str:
    digest = hashlib.sha256()
    for path in paths:
        digest.update(f"{path.parent.name}/{path.name}:{path.stat().st_size}\n".encode())
    for name in _SOURCES:
        digest.update((ROOT / "recognition" / "engine" / f"{name}.py").read_bytes())
    return digest.hexdigest()[:16]


def _analysed(paths: Sequence[Path]) -> tuple[Array, Array, NDArray[np.bool_]]:
    templates = np.zeros((len(paths), 128), np.float32)
    quality = np.zeros(len(paths), np.float32)
    found = np.zeros(len(paths), np.bool_)
    engine = Engine.load(precision="f32")
    try:
        for start in range(0, len(paths), _CHUNK):
            pictures = [decode(path.read_bytes()) for path in paths[start : start + _CHUNK]]
            for at, (picture, faces) in enumerate(
                zip(pictures, engine.analyse_batch(pictures), strict=True), start
            ):
                face = _central_face(faces, picture.shape[1] / 2, picture.shape[0] / 2)
                if face is not None:
                    found[at], templates[at], quality[at] = True, face.template, face.quality.score
    finally:
        engine.close()
    return templates, quality, found


def _central_face(faces: Sequence[Face], x: float, y: float) -> Face | None:
    """Return the face nearest to the centre (x, y), where LFW has the named person; None if all are far away."""

    def distance(face: Face) -> float:
        left, top, right, bottom = face.box
        return float(np.hypot((left + right) / 2 - x, (top + bottom) / 2 - y))

    near = [face for face in faces if distance(face) <= (x + y) / 4]
    return min(near, key=distance, default=None)
