"""Enrolment: from a photograph to a checked, stored template. The admin, the API and folders all use `enrol`.

Without consent the photograph is not even decoded. Where it shows several faces none is taken.
"""

import datetime as dt
from dataclasses import dataclass
from uuid import UUID

import numpy as np
from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from attendance.core import audit, blob_store, policy
from attendance.core.errors import Refused
from attendance.core.policy import Action
from attendance.faces import (
    confusable_pairs,
    doubts,
    gallery_versions,
    photo_checks,
    photograph_cache,
    templates,
)
from attendance.faces.confusable_pairs import Similar
from attendance.models import Blob, Consent, Photograph, Space, Student, Template, User
from recognition.crypto import keyring
from recognition.engine.errors import BadImage
from recognition.engine.images.image import crop, decode, encode_jpeg, resize_longer
from recognition.engine.types import Box, Detection, Face, Pixels
from recognition.shared_engine import engine

__all__ = ["Similar", "Verdict", "digest_of", "enrol"]

# Faces smaller than this share of the largest one are ignored: they are passers-by or posters in the background.
BYSTANDER_SIZE = 1 / 3
# A face of at least this share of the image's longer side is large. Then detection on the whole image, in a tenth of
# the time that its tiles take, also finds all bystanders that matter: scaled to 480 pixels they have 20 or more.
LARGE_FACE = 1 / 8
# Margin on each side of a crop, as a share of the face's size: hair and chin help people to compare, and the face can
# be detected again.
CROP_MARGIN = 0.4


@dataclass(frozen=True, slots=True, eq=False)
class Verdict:
    """The result of an enrolment: whether the photograph is accepted, a code for programs, and what to do.

    `faces` is how many faces were found, `crop` the JPEG of the face. `similar` are other students whom it may show,
    `own` is the student's nearest photograph if even that is unlike it. `overridable`: with a reason it is accepted.
    """

    accepted: bool
    code: str
    message: str
    photograph: Photograph | None = None
    faces: int = 0
    crop: bytes | None = None
    similar: tuple[Similar, ...] = ()
    own: Photograph | None = None
    overridable: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Candidate:
    """A face that passed the checks, and what will be stored. `rotated`: the image had to be turned upright."""

    face: Face
    space: str
    crop: bytes
    digest: str
    rotated: bool = False


def digest_of(data: bytes) -> str:
    """Return the keyed digest of a file, in hex. It recognises the same file again, and only with the key."""
    return keyring().digest(data, "photograph")


def enrol(
    *, student_id: UUID, data: bytes, actor: User | None, now: dt.datetime, override_reason: str = ""
) -> Verdict:
    """Check a photograph; if it is accepted, store crop and template, both encrypted, in one transaction.

    Raises `Refused`: not_allowed, no_such_student, other_space. What is wrong with the photograph is in the verdict.
    """
    policy.require(actor, Action.ENROL)
    if not Student.objects.filter(pk=student_id).exists():
        raise Refused("no_such_student", _("There is no such student."))
    digest = digest_of(data)
    refusal = _check_before_decoding(student_id, digest, now)
    if refusal is not None:
        return refusal
    candidate = _analyse(data, digest)
    if isinstance(candidate, Verdict):
        return candidate
    with transaction.atomic():
        gallery_versions.lock_school()
        gallery_versions.lock_student(student_id)
        refusal = _check_before_decoding(student_id, digest, now)
        if refusal is not None:
            return refusal
        verdict = _compare_and_store(student_id, candidate, actor, override_reason.strip()[:300], now)
        # A photograph that was held back is sent again with a reason, or for the right student. Of a rotated one the
        # box does not fit the file, so it is not cached.
        if not candidate.rotated:
            photograph_cache.keep(student_id, digest, candidate.space, candidate.face)
        return verdict


def _check_before_decoding(student_id: UUID, digest: str, now: dt.datetime) -> Verdict | None:
    """Return a verdict if there is no valid consent or the same file is enrolled already, else None."""
    students = Student.objects.filter(pk=student_id)
    if not Consent.objects.valid(now).filter(student=student_id).exists():
        return Verdict(False, "no_consent", _("There is no valid consent for this student. Record it first."))
    student = students.get()
    if not students.active().exists():
        message = _("The face data of this student were deleted. Record a new consent first.")
        if student.erased_at is None:
            message = _("This student left on %(day)s. Empty “left on” first, if the student comes back.")
        return Verdict(False, "no_consent", message % {"day": student.left_on})
    same = Photograph.objects.select_related("student").filter(content_hmac=digest).first()
    if same is None:
        return None
    if same.student_id == student_id:
        return Verdict(
            False, "duplicate_photograph", _("This photo is already enrolled. Choose another one.")
        )
    return Verdict(
        False,
        "duplicate_photograph",
        _("This photo is already enrolled for %(name)s. Choose the right student or another photo.")
        % {"name": same.student.name},
        similar=(Similar(same.student, 0.0, same),),
    )


def _analyse(data: bytes, digest: str) -> Candidate | Verdict:
    """Decode a photograph, find its one face, encode it unless that is cached, and check it."""
    try:
        rgb = decode(data)
    except BadImage as error:
        return Verdict(False, error.code, error.message)
    space = engine().space
    cached = photograph_cache.find(digest, space)
    if cached is not None:
        # Only faces that passed the checks are cached.
        return Candidate(cached, space, _crop(rgb, cached.box), digest)
    face, rgb, rotated = _find_upright_face(rgb)
    if isinstance(face, Verdict):
        return face
    face_crop = _crop(rgb, face.box)
    fault = photo_checks.find_fault(face, rgb.shape[:2])
    fault = fault or photo_checks.find_covered_part(engine().visible(rgb, face))
    if fault is not None:
        return Verdict(False, fault.code, fault.message, faces=1, crop=face_crop)
    return Candidate(face, space, face_crop, digest, rotated)


def _find_upright_face(rgb: Pixels) -> tuple[Face | Verdict, Pixels, bool]:
    """Return the face, the image in which it is upright, and whether the image had to be rotated.

    An image with a doubtful face may lie on its side without a note in the file. Then the rotation with the highest
    score is taken.
    """
    first = _encode_single_face(rgb)
    if not _doubtful(first):
        return first, rgb, False
    results = [(rgb, first)]
    for quarters in (1, 2, 3):
        rotated = np.ascontiguousarray(np.rot90(rgb, quarters))
        results.append((rotated, _encode_single_face(rotated)))
    image, face = max(results, key=lambda result: _score(result[1]))
    return face, image, image is not rgb


def _score(result: Face | Verdict) -> float:
    return result.quality.score if isinstance(result, Face) else -1.0


def _doubtful(result: Face | Verdict) -> bool:
    if isinstance(result, Face):
        return photo_checks.doubtful(result)
    return result.code == "no_face"


def _encode_single_face(rgb: Pixels) -> Face | Verdict:
    main, others = find_main_face(rgb)
    if main is None:
        return Verdict(False, "no_face", _("No face found. Use a photo of the face from the front."))
    if others:
        message = _("%(count)d faces found. Crop the photo to one person.")
        face_crop = _crop(rgb, main.box)
        return Verdict(
            False, "several_faces", message % {"count": others + 1}, faces=others + 1, crop=face_crop
        )
    return engine().encode(rgb, [main])[0]


def find_main_face(rgb: Pixels) -> tuple[Detection | None, int]:
    """Return the largest face, and how many others are no bystanders. Tiles are used only if no face is large."""
    main, others = _select_largest(engine().detect(rgb))
    if main is None or _size(main) < LARGE_FACE * max(rgb.shape[:2]):
        main, others = _select_largest(engine().detect(rgb, tiled=True))
    return main, others


def _select_largest(detections: list[Detection]) -> tuple[Detection | None, int]:
    """Return the largest face, and how many others are too large to be bystanders."""
    if not detections:
        return None, 0
    ranked = sorted(detections, key=_size, reverse=True)
    limit = _size(ranked[0]) * BYSTANDER_SIZE
    return ranked[0], sum(_size(other) > limit for other in ranked[1:])


def _size(detection: Detection) -> float:
    left, top, right, bottom = detection.box
    return max(right - left, bottom - top)


def _crop(rgb: Pixels, box: Box) -> bytes:
    part = resize_longer(crop(rgb, box, margin=CROP_MARGIN), settings.MAX_IMAGE_SIZE)
    return encode_jpeg(part, settings.IMAGE_QUALITY)


def _compare_and_store(
    student_id: UUID, candidate: Candidate, actor: User | None, reason: str, now: dt.datetime
) -> Verdict:
    """Store the photograph unless it is in doubt; a doubtful one only with a reason, which is recorded."""
    doubt = doubts.doubt_about(student_id, candidate.face.template, now)
    if doubt is None:
        return _store(student_id, candidate, actor)
    if not reason:
        return Verdict(
            False,
            doubt.codes[0],
            doubt.message,
            faces=1,
            crop=candidate.crop,
            similar=doubt.similar,
            own=doubt.own,
            overridable=True,
        )
    verdict = _store(student_id, candidate, actor)
    if verdict.photograph is not None:
        doubts.override(doubt, verdict.photograph, actor=actor, reason=reason)
    return verdict


def _store(student_id: UUID, candidate: Candidate, actor: User | None) -> Verdict:
    """Store crop and template, raise the versions of galleries, and update confusable pairs."""
    space = _active_space(candidate.space)
    photograph = Photograph.objects.create(
        student_id=student_id,
        crop=blob_store.store(Blob.Kind.ENROLMENT, candidate.crop, owner=student_id),
        content_hmac=candidate.digest,
        quality=photo_checks.as_numbers(candidate.face.quality),
        created_by=actor,
    )
    Template.objects.create(
        student_id=student_id,
        photograph=photograph,
        space=space,
        sealed=templates.seal(candidate.face.template, photograph.pk, student_id, space.name),
    )
    gallery_versions.raise_versions([student_id])
    confusable_pairs.update_pairs(student_id)
    audit.record(actor, "photograph_added", photograph, student=str(student_id))
    message = _("The photo was accepted.")
    return Verdict(True, "accepted", message, photograph, faces=1, crop=candidate.crop)


def _active_space(name: str) -> Space:
    """Return the active space, which is `name` after the first enrolment. Raises `Refused`: other_space."""
    active = Space.objects.filter(active=True).first()
    if active is None:
        return Space.objects.update_or_create(name=name, defaults={"active": True})[0]
    if active.name != name:
        raise Refused(
            "other_space",
            _("The school's face templates are from another model. Rebuild the face templates first."),
            {"active": active.name, "engine": name},
        )
    return active
