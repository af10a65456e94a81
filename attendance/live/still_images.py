"""Match the faces of still images to the students of a class.

The rules are those of camera frames, but each face has only one sample: no match is certain, a person confirms.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Final, TypedDict
from uuid import UUID

import numpy as np
from django.conf import settings
from django.utils.translation import gettext as _

from attendance.core.errors import Refused
from attendance.core.json_types import IdAndName, ImageBox
from attendance.live.camera_marks import confusable_pairs, names_of
from attendance.live.runtime import galleries
from recognition.engine.gallery import Gallery
from recognition.engine.identification import decision
from recognition.engine.identification.rejection import RejectedTemplate, rejected_students
from recognition.engine.images.image import crop, decode, encode_jpeg, resize_longer
from recognition.engine.types import Array, Decision, Face, Pixels, State
from recognition.galleries import SearchResult, SourceUnavailable
from recognition.shared_engine import engine
from recognition.streams.frame_pipeline import RIVALS

# Pixels of the longer side of a proposed face's crop.
CROP_SIDE: Final = 200


class Candidate(TypedDict):
    student: IdAndName
    distance: float


class FaceState(TypedDict):
    box: ImageBox
    score: Annotated[float, "The detector's."]
    quality: float
    eye_distance: Annotated[float, "Distance between the eyes, in pixels of the image."]
    sharpness: Annotated[float, "Variance of the Laplacian of the grey face."]
    light: Annotated[float, "Mean grey of the face, from 0 to 1."]
    state: Annotated[str, State]
    student: IdAndName | None
    distance: float | None
    confidence: float | None
    candidates: list[Candidate]


class IdentifiedImage(TypedDict):
    width: int
    height: int
    faces: list[FaceState]


@dataclass(frozen=True, slots=True, eq=False)
class FaceMatch:
    """A face of a still image and its decision.

    `image` is the number of the image, from 0. `photographs` is the number of the best candidate's photographs in the
    gallery. `crop` is a JPEG of a proposed face, None for others.
    """

    image: int
    face: Face
    decision: Decision
    photographs: int
    crop: bytes | None

    @property
    def proposed(self) -> str | None:
        """The id of the student to propose: within the threshold for one sample, and with a margin."""
        return self.decision.candidates[0].id if self.decision.state is State.CONFIRMING else None


def identify(data: bytes, *, class_id: UUID, on: dt.date) -> IdentifiedImage:
    """Return the faces of one image. Raises what `analyse` raises."""
    matches, (image,) = analyse([data], class_id=class_id, on=on)
    names = candidate_names(matches)
    height, width = image.shape[:2]
    return {"width": width, "height": height, "faces": [face_state(match, names) for match in matches]}


def analyse(
    data: Sequence[bytes], *, class_id: UUID, on: dt.date, rejected: Sequence[RejectedTemplate] = ()
) -> tuple[list[FaceMatch], list[Pixels]]:
    """Return all faces of the images with their decisions, and the decoded images. Nothing is stored.

    A face that a person rejected for a student (`rejected`) is not proposed for that student again. Raises `Refused`
    where PostgreSQL does not answer, `EngineError` where an image cannot be read or recognition fails.
    """
    images = [decode(encoded) for encoded in data]
    faces = [engine().analyse(rgb, tiled=True) for rgb in images]
    result = _search(class_id, [face.template for image_faces in faces for face in image_faces])
    nearest, pairs = iter(result.matches), confusable_pairs(class_id, on)
    matches: list[FaceMatch] = []
    for number, (rgb, image_faces) in enumerate(zip(images, faces, strict=True)):
        proposals = [
            decision.propose(
                next(nearest),
                result.gallery.photographs,
                result.gallery.size,
                confusable=pairs,
                rejected=rejected_students(face.template, rejected),
            )
            for face in image_faces
        ]
        decisions = decision.assign(proposals, state=State.CONFIRMING)
        matches += [
            _face_match(number, rgb, face, decided, result.gallery)
            for face, decided in zip(image_faces, decisions, strict=True)
        ]
    return matches, images


def _search(class_id: UUID, templates: Sequence[Array]) -> SearchResult:
    """Return the nearest students of each template (128,). Raises `Refused` where PostgreSQL does not answer."""
    key = str(class_id)
    probes = np.stack(templates) if templates else np.empty((0, 128), np.float32)
    try:
        return galleries().search({key: probes}, RIVALS)[key]
    except SourceUnavailable:
        raise Refused(
            "unavailable", _("The database does not respond. Try again in a moment."), {"wait": 5}
        ) from None


def _face_match(number: int, rgb: Pixels, face: Face, decided: Decision, gallery: Gallery) -> FaceMatch:
    photographs = gallery.photographs(decided.candidates[0].id) if decided.candidates else 0
    jpeg = _crop(rgb, face) if decided.state is State.CONFIRMING else None
    return FaceMatch(number, face, decided, photographs, jpeg)


def _crop(rgb: Pixels, face: Face) -> bytes:
    return encode_jpeg(resize_longer(crop(rgb, face.box), CROP_SIDE), settings.IMAGE_QUALITY)


def candidate_names(matches: Sequence[FaceMatch]) -> dict[str, str]:
    """Return the names of all candidates of the faces, by id."""
    return names_of({candidate.id for match in matches for candidate in match.decision.candidates})


def face_state(match: FaceMatch, names: Mapping[str, str]) -> FaceState:
    """Return a face as the API answers it; `names` are those of `candidate_names`."""
    decided, quality = match.decision, match.face.quality
    return {
        "box": list(match.face.box),
        "score": round(float(match.face.score), 4),
        "quality": round(float(quality.score), 4),
        "eye_distance": round(quality.eye_distance, 1),
        "sharpness": round(quality.sharpness, 1),
        "light": round(quality.light, 3),
        "state": decided.state.value,
        "student": None if match.proposed is None else _named(match.proposed, names),
        "distance": decided.distance,
        "confidence": decided.confidence,
        "candidates": [
            {"student": _named(candidate.id, names), "distance": candidate.distance}
            for candidate in decided.candidates
        ],
    }


def _named(student_id: str, names: Mapping[str, str]) -> IdAndName:
    return {"id": student_id, "name": names.get(student_id, "")}
