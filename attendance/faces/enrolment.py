"""From a photograph to a checked template: the one way in, for the admin, the API and whole folders.

No consent, no look at the face: the picture is not even decoded. Of several faces none is taken.
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

BYSTANDER = 1 / 3
"""Faces this much smaller than the largest are passers-by or posters: they cannot be mistaken for the one meant."""
LARGE = 1 / 8
"""Of the picture's longer side. A portrait's face is larger, and then one look at the whole picture, in a tenth of the
time that its tiles take, also shows every bystander that matters: at 480 pixels they have 20 or more."""
CROP_MARGIN = 0.4
"""Of the face's size on each side: hair and chin, so that a person can compare, and room to detect again."""


@dataclass(frozen=True, slots=True, eq=False)
class Verdict:
    """What became of a photograph. `crop` is the JPEG of the face that was looked at; `message` says what to do.

    `similar` are other students whose face it may be, `own` is the student's nearest photograph where even that is
    unlike it. `overridable`: it is kept when it comes again with a reason.
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
    """A face that passed the gates, with what will be stored."""

    face: Face
    space: str
    crop: bytes
    digest: str
    turned: bool = False


def digest_of(data: bytes) -> str:
    """The keyed digest of a photograph's bytes: tells the same picture again, and says nothing without the key."""
    return keyring().digest(data, "photograph")


def enrol(
    *, student_id: UUID, data: bytes, actor: User | None, now: dt.datetime, override_reason: str = ""
) -> Verdict:
    """Check a photograph and, if it serves, keep its crop and template, both encrypted, in one transaction.

    Raises `Refused` for no right and no such student; everything about the picture is a verdict.
    """
    policy.require(actor, Action.ENROL)
    if not Student.objects.filter(pk=student_id).exists():
        raise Refused("no_such_student", _("There is no such student."))
    digest = digest_of(data)
    early = _before_looking(student_id, digest, now)
    if early is not None:
        return early
    looked = _look(data, digest)
    if isinstance(looked, Verdict):
        return looked
    with transaction.atomic():
        gallery_versions.lock_school()
        gallery_versions.lock_student(student_id)
        early = _before_looking(student_id, digest, now)
        if early is not None:
            return early
        verdict = _compared_and_kept(student_id, looked, actor, override_reason.strip()[:300], now)
        # A picture that was held back comes again with a reason, or for the right student. The face of one that had
        # to be turned lies elsewhere in the picture as it comes again.
        if not looked.turned:
            photograph_cache.keep(student_id, digest, looked.space, looked.face)
        return verdict


def _before_looking(student_id: UUID, digest: str, now: dt.datetime) -> Verdict | None:
    """What can be said without a look at the face: consent, and whether the picture is here already."""
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


def _look(data: bytes, digest: str) -> Candidate | Verdict:
    """Decode, find the one face, encode it unless that was done today, and hold it against the gates."""
    try:
        rgb = decode(data)
    except BadImage as bad:
        return Verdict(False, bad.code, bad.message)
    space = engine().space
    known = photograph_cache.find(digest, space)
    if known is not None:
        # Only what had passed the gates was kept.
        return Candidate(known, space, _crop(rgb, known.box), digest)
    face, rgb, turned = _upright(rgb)
    if isinstance(face, Verdict):
        return face
    shown = _crop(rgb, face.box)
    fault = photo_checks.fault_of(face, rgb.shape[:2]) or photo_checks.hidden(engine().visible(rgb, face))
    if fault is not None:
        return Verdict(False, fault.code, fault.message, faces=1, crop=shown)
    return Candidate(face, space, shown, digest, turned)


def _upright(rgb: Pixels) -> tuple[Face | Verdict, Pixels, bool]:
    """Return the face, the picture in which it is upright, and whether it had to be turned.

    A picture whose face is doubtful may lie on its side, with nothing in the file that says so: the surest of the four
    ways is taken.
    """
    first = _encoded(rgb)
    if not _doubtful(first):
        return first, rgb, False
    ways = [(rgb, first)]
    for quarters in (1, 2, 3):
        picture = np.ascontiguousarray(np.rot90(rgb, quarters))
        ways.append((picture, _encoded(picture)))
    picture, face = max(ways, key=lambda way: way[1].quality.score if isinstance(way[1], Face) else -1.0)
    return face, picture, picture is not rgb


def _doubtful(looked: Face | Verdict) -> bool:
    if isinstance(looked, Face):
        return photo_checks.doubtful(looked)
    return looked.code == "no_face"


def _encoded(rgb: Pixels) -> Face | Verdict:
    main, others = find(rgb)
    if main is None:
        return Verdict(False, "no_face", _("No face found. Use a photo of the face from the front."))
    if others:
        message = _("%(count)d faces found. Crop the photo to one person.")
        shown = _crop(rgb, main.box)
        return Verdict(False, "several_faces", message % {"count": others + 1}, faces=others + 1, crop=shown)
    return engine().encode(rgb, [main])[0]


def find(rgb: Pixels) -> tuple[Detection | None, int]:
    """The one face that is meant, and how many others there are; in tiles only where the whole showed none large."""
    main, others = _main(engine().detect(rgb))
    if main is None or _size(main) < LARGE * max(rgb.shape[:2]):
        main, others = _main(engine().detect(rgb, tiled=True))
    return main, others


def _main(found: list[Detection]) -> tuple[Detection | None, int]:
    """The largest face, and how many others are too large to be passers-by."""
    if not found:
        return None, 0
    ranked = sorted(found, key=_size, reverse=True)
    limit = _size(ranked[0]) * BYSTANDER
    return ranked[0], sum(_size(other) > limit for other in ranked[1:])


def _size(detection: Detection) -> float:
    left, top, right, bottom = detection.box
    return max(right - left, bottom - top)


def _crop(rgb: Pixels, box: Box) -> bytes:
    part = resize_longer(crop(rgb, box, margin=CROP_MARGIN), settings.MAX_IMAGE_SIZE)
    return encode_jpeg(part, settings.IMAGE_QUALITY)


def _compared_and_kept(
    student_id: UUID, candidate: Candidate, actor: User | None, reason: str, now: dt.datetime
) -> Verdict:
    """Hold back what is in doubt; with a reason it is kept, and noted why."""
    doubt = doubts.doubt_about(student_id, candidate.face.template, now)
    if doubt is None:
        return _kept(student_id, candidate, actor)
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
    verdict = _kept(student_id, candidate, actor)
    if verdict.photograph is not None:
        doubts.override(doubt, verdict.photograph, actor=actor, reason=reason)
    return verdict


def _kept(student_id: UUID, candidate: Candidate, actor: User | None) -> Verdict:
    """Store crop and template, raise the galleries' versions, and look for confusable classmates."""
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
    """The space that is searched. The first enrolment of all makes its own the active one."""
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
