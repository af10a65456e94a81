"""Faces in still pictures: the same rules as before the camera, but one look each, so a person must confirm."""

import base64
import datetime as dt
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import numpy as np
from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _
from uuid_utils.compat import uuid7

from attendance import register
from attendance.core import policy
from attendance.core.errors import Refused
from attendance.core.policy import Action
from attendance.live.runtime import galleries
from attendance.models import ConfusablePair, Source, Student, User
from attendance.register.evidence import MatchEvidence
from recognition.crypto import CannotOpen, keyring
from recognition.engine.identification import decision
from recognition.engine.identification.rejection import RejectedTemplate, rejected_students
from recognition.engine.images.image import crop, decode, encode_jpeg, resize_longer
from recognition.engine.types import SPACE, Decision, Face, Pixels, State
from recognition.galleries import SourceUnavailable
from recognition.shared_engine import engine
from recognition.streams.frame_pipeline import RIVALS

TOKEN_LIFE = dt.timedelta(minutes=30)
CROP_SIDE = 200
PURPOSE = "group photograph"


@dataclass(frozen=True, slots=True, eq=False)
class Sight:
    """A face of a still and what it amounts to. `picture` counts from 0; `crop` is a JPEG of a proposed face."""

    picture: int
    face: Face
    decision: Decision
    photographs: int
    crop: bytes | None

    @property
    def proposed(self) -> str | None:
        """The student whom the face is proposed for, under the one-look threshold and with its margin."""
        return self.decision.candidates[0].id if self.decision.state is State.CONFIRMING else None


def look(
    pictures: Sequence[bytes], *, class_id: UUID, on: dt.date, blocked: Sequence[RejectedTemplate] = ()
) -> tuple[list[Sight], list[Pixels]]:
    """Every face of the pictures, sought in one class. Nothing is stored. Raises `Refused`, `EngineError`.

    `blocked` are the faces of the session that a person said are not a student: they are not proposed for that one.
    """
    decoded = [decode(data) for data in pictures]
    faces = [engine().analyse(rgb, tiled=True) for rgb in decoded]
    probes = [face.template for found in faces for face in found]
    key = str(class_id)
    try:
        stacked = np.stack(probes) if probes else np.empty((0, 128), np.float32)
        found = galleries().search({key: stacked}, RIVALS)[key]
    except SourceUnavailable:
        raise Refused(
            "unavailable", _("The database does not respond. Try again in a moment."), {"wait": 5}
        ) from None
    pairs, matches = _confusable(class_id, on), iter(found.matches)
    gallery, sights = found.gallery, []
    for place, (rgb, seen) in enumerate(zip(decoded, faces, strict=True)):
        judged = [
            decision.propose(
                next(matches),
                gallery.photographs,
                gallery.size,
                confusable=pairs,
                rejected=rejected_students(face.template, blocked),
            )
            for face in seen
        ]
        for face, said in zip(seen, decision.assign(judged, state=State.CONFIRMING), strict=True):
            behind = gallery.photographs(said.candidates[0].id) if said.candidates else 0
            part = _crop(rgb, face) if said.state is State.CONFIRMING else None
            sights.append(Sight(place, face, said, behind, part))
    return sights, decoded


def best_of_each(sights: Sequence[Sight]) -> dict[str, Sight]:
    """The nearest sight of each proposed student over all pictures."""
    best: dict[str, Sight] = {}
    for sight in sorted(sights, key=lambda s: s.decision.distance or 0.0):
        if sight.proposed is not None:
            best.setdefault(sight.proposed, sight)
    return best


def seal(sights: dict[str, Sight], *, session_id: UUID, actor: User, now: dt.datetime) -> str:
    """What was found, encrypted into a token for this session and person: no server keeps it meanwhile."""
    found = {student: _packed(sight) for student, sight in sights.items()}
    content = {"id": str(uuid7()), "until": (now + TOKEN_LIFE).timestamp(), "found": found}
    sealed = keyring().seal(json.dumps(content).encode(), PURPOSE, str(session_id), str(actor.pk))
    return base64.urlsafe_b64encode(sealed).decode()


def accept(
    *, session_id: UUID, token: str, students: Sequence[UUID], actor: User, now: dt.datetime
) -> dict[str, register.Result]:
    """Mark whom the person confirmed: with the evidence where the picture showed them, else by the person's word.

    Accepting twice changes nothing: each mark's nonce comes from the token.
    """
    content = _opened(token, session_id, actor, now)
    done: dict[str, register.Result] = {}
    with transaction.atomic():
        # In one order for all: two who accept at once never wait for each other in a circle.
        for student in sorted(set(students)):
            packed = content["found"].get(str(student))
            done[str(student)] = register.mark(
                register.MarkRequest(
                    session_id=session_id,
                    student_id=student,
                    code=register.ARRIVED,
                    source=Source.GROUP if packed else Source.TEACHER,
                    actor=actor,
                    now=now,
                    nonce=keyring().digest(f"{content['id']} {student}".encode(), "nonce"),
                    evidence=_unpacked(packed) if packed else None,
                )
            )
    return done


def _packed(sight: Sight) -> dict[str, Any]:
    said = sight.decision
    picture = base64.b64encode(sight.crop or b"").decode()
    return {
        "distance": said.distance or 0.0,
        "margin": said.margin,
        "confidence": said.confidence,
        "photographs": sight.photographs,
        "crop": picture,
    }


def _unpacked(packed: dict[str, Any]) -> MatchEvidence:
    picture = base64.b64decode(packed["crop"]) or None
    return MatchEvidence(
        packed["distance"],
        packed["margin"],
        packed["confidence"],
        1,
        packed["photographs"],
        SPACE,
        PURPOSE,
        picture,
    )


def _opened(token: str, session_id: UUID, actor: User, now: dt.datetime) -> dict[str, Any]:
    stale = Refused("token_expired", _("These results have expired. Send the photos again."))
    policy.require(actor, Action.MARK)
    try:
        sealed = base64.urlsafe_b64decode(token.encode("ascii"))
        plain = keyring().open(sealed, PURPOSE, str(session_id), str(actor.pk))
    except (ValueError, CannotOpen):
        raise stale from None
    content: dict[str, Any] = json.loads(plain)
    if content["until"] < now.timestamp():
        raise stale
    return content


def _crop(rgb: Pixels, face: Face) -> bytes:
    return encode_jpeg(resize_longer(crop(rgb, face.box), CROP_SIDE), settings.IMAGE_QUALITY)


def _confusable(class_id: UUID, on: dt.date) -> frozenset[frozenset[str]]:
    members = Student.objects.expected(on, class_id).values("pk")
    pairs = ConfusablePair.objects.filter(first__in=members, second__in=members)
    return frozenset(frozenset(map(str, pair)) for pair in pairs.values_list("first", "second"))
