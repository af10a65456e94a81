"""Group photographs: propose who is in them, and mark the students whom a person confirms.

The proposals travel as an encrypted token to the person and back, so no server keeps them meanwhile.
"""

import base64
import datetime as dt
import json
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final, TypedDict
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _
from uuid_utils.compat import uuid7

from attendance import register
from attendance.core import audit, policy
from attendance.core.errors import Refused
from attendance.core.json_types import Id, IdAndName
from attendance.core.policy import Action
from attendance.live import still_images
from attendance.live.still_images import FaceMatch, FaceState
from attendance.models import Session, Source, Student, User
from attendance.register import MatchEvidence, rejected_matches
from attendance.register.description import MarkResult
from recognition.crypto import CannotOpen, keyring
from recognition.engine.types import SPACE, State

TOKEN_LIFE: Final = dt.timedelta(minutes=30)
# Names the token's content for the keyring, and the camera in the evidence.
PURPOSE: Final = "group photograph"


class GroupFace(FaceState):
    picture: Annotated[int, "Which of the pictures, from 0."]


class GroupProposals(TypedDict):
    found: list[GroupFace]
    unknown: int
    missing: list[IdAndName]
    token: Annotated[str, "For `accept`; encrypted, good for half an hour."]


class AcceptedMark(MarkResult):
    student: Id


class AcceptedMarks(TypedDict):
    results: list[AcceptedMark]


def propose(session: Session, data: Sequence[bytes], *, actor: User, now: dt.datetime) -> GroupProposals:
    """Return who may be in the images and who of the class is in none; noted in the audit record.

    Raises what `still_images.analyse` raises.
    """
    matches, _images = still_images.analyse(
        data,
        class_id=session.school_class_id,
        on=session.date,
        rejected=rejected_matches.of_session(session),
    )
    audit.record(actor, "group_photograph", session, faces=len(matches))
    best, names = best_matches(matches), still_images.candidate_names(matches)
    members = Student.objects.in_class(session.school_class, session.date)
    known = [match for match in matches if match.decision.state is not State.UNKNOWN]
    return {
        "found": [_group_face(match, names) for match in known],
        "unknown": len(matches) - len(known),
        "missing": [
            {"id": str(student.pk), "name": student.name}
            for student in members
            if str(student.pk) not in best
        ],
        "token": seal(best, session_id=session.pk, actor=actor, now=now),
    }


def best_matches(matches: Sequence[FaceMatch]) -> dict[str, FaceMatch]:
    """Return the nearest face of each proposed student over all images, by student id."""
    best: dict[str, FaceMatch] = {}
    for match in sorted(matches, key=lambda match: match.decision.distance or 0.0):
        if match.proposed is not None:
            best.setdefault(match.proposed, match)
    return best


def _group_face(match: FaceMatch, names: Mapping[str, str]) -> GroupFace:
    face: GroupFace = {**still_images.face_state(match, names), "picture": match.image}
    if match.proposed:
        face["state"] = "recognised"
    return face


def seal(matches: Mapping[str, FaceMatch], *, session_id: UUID, actor: User, now: dt.datetime) -> str:
    """Return the evidence of the matches, encrypted into a token for this session and person."""
    evidence = {student_id: _packed(match) for student_id, match in matches.items()}
    content = {"id": str(uuid7()), "until": (now + TOKEN_LIFE).timestamp(), "found": evidence}
    sealed = keyring().seal(json.dumps(content).encode(), PURPOSE, str(session_id), str(actor.pk))
    return base64.urlsafe_b64encode(sealed).decode()


def accept(
    *, session_id: UUID, token: str, students: Sequence[UUID], actor: User, now: dt.datetime
) -> dict[str, register.Result]:
    """Mark the confirmed students, by id: those whom an image shows with that evidence, others without.

    Accepting twice changes nothing: the nonce of each mark comes from the token. Raises `Refused`.
    """
    content = _opened(token, session_id, actor, now)
    results: dict[str, register.Result] = {}
    with transaction.atomic():
        # Always in the same order, so that two people who accept at once cannot lock each other out.
        for student_id in sorted(set(students)):
            packed = content["found"].get(str(student_id))
            results[str(student_id)] = register.mark(
                register.MarkRequest(
                    session_id=session_id,
                    student_id=student_id,
                    code=register.ARRIVED,
                    source=Source.GROUP if packed else Source.TEACHER,
                    actor=actor,
                    now=now,
                    nonce=keyring().digest(f"{content['id']} {student_id}".encode(), "nonce"),
                    evidence=_unpacked(packed) if packed else None,
                )
            )
    return results


def _packed(match: FaceMatch) -> dict[str, Any]:
    decided = match.decision
    return {
        "distance": decided.distance or 0.0,
        "margin": decided.margin,
        "confidence": decided.confidence,
        "photographs": match.photographs,
        "crop": base64.b64encode(match.crop or b"").decode(),
    }


def _unpacked(packed: Mapping[str, Any]) -> MatchEvidence:
    return MatchEvidence(
        distance=packed["distance"],
        margin=packed["margin"],
        confidence=packed["confidence"],
        samples=1,
        photographs=packed["photographs"],
        space=SPACE,
        camera=PURPOSE,
        crop=base64.b64decode(packed["crop"]) or None,
    )


def _opened(token: str, session_id: UUID, actor: User, now: dt.datetime) -> dict[str, Any]:
    """Return the token's content. Raises `Refused` where it has expired or belongs to another person or session."""
    expired = Refused("token_expired", _("These results have expired. Send the photos again."))
    policy.require(actor, Action.MARK)
    try:
        sealed = base64.urlsafe_b64decode(token.encode("ascii"))
        plain = keyring().open(sealed, PURPOSE, str(session_id), str(actor.pk))
    except (ValueError, CannotOpen):
        raise expired from None
    content: dict[str, Any] = json.loads(plain)
    if content["until"] < now.timestamp():
        raise expired
    return content
