"""What the cameras of a session see now: the newest result of each, as whoever asks may see it."""

from __future__ import annotations

import datetime as dt
import time
from dataclasses import dataclass, replace
from typing import Any, Final
from uuid import UUID

from django.utils import timezone

from attendance.core import policy
from attendance.core.policy import Action, Person
from attendance.faces import templates
from attendance.models import Session
from recognition.engine.types import State
from recognition.process import PROCESS
from recognition.streams.frame_results import FrameFace, FrameResult

# Older than this a result no longer says what a camera sees.
FRESH: Final = dt.timedelta(seconds=10)


@dataclass(frozen=True, slots=True, eq=False)
class CameraResult:
    """The newest result of one camera, and when it was made (seconds since the epoch)."""

    camera: str
    at: float
    seen: FrameResult


class LatestResults:
    """The newest result of each camera, in this process's memory only; used on the event loop and by the API."""

    def __init__(self) -> None:
        self._sessions: dict[UUID, dict[str, CameraResult]] = {}

    def remember(self, session_id: UUID, camera: str, seen: FrameResult) -> None:
        """Keep the newest result of a camera, without the visitors that it may have shown."""
        faces = tuple(replace(face, visitor=None) for face in seen.faces)
        self._sessions.setdefault(session_id, {})[camera] = CameraResult(
            camera, time.time(), replace(seen, faces=faces, recognised=(), uncertain=())
        )

    def forget(self, session_id: UUID, camera: str) -> None:
        """Forget a camera that is gone."""
        cameras = self._sessions.get(session_id, {})
        cameras.pop(camera, None)
        if not cameras:
            self._sessions.pop(session_id, None)

    def of_session(self, session_id: UUID) -> tuple[CameraResult, ...]:
        """Return the newest result of each camera of a session that is connected to this process."""
        return tuple(self._sessions.get(session_id, {}).values())


LATEST_RESULTS: Final = PROCESS.part(LatestResults)


def latest_state(session: Session, *, user: Person, now: dt.datetime) -> dict[str, Any]:
    """Of each camera that is connected to this process, what it showed last; in two queries at most.

    A name is asked for again now, so whoever was withdrawn since the frame has none any more. Of faces without a name
    there is where they are and how they stand, nothing else. Distances are for those who may see faces.
    """
    exact = policy.may(user, Action.VIEW_FACES, session)
    fresh = [each for each in LATEST_RESULTS.get().of_session(session.pk) if now - _moment(each.at) <= FRESH]
    seen = {face.decision.id for each in fresh for face in each.seen.faces if _recognised(face)}
    names = _names(session, {key for key in seen if key is not None}, now)
    return {
        "session": str(session.pk),
        "cameras": [
            {
                "camera": each.camera,
                "at": _moment(each.at).isoformat(),
                "faces": [_face(face, names, exact=exact) for face in each.seen.faces],
                "ms": {stage: round(value, 1) for stage, value in each.seen.ms.items()},
            }
            for each in sorted(fresh, key=lambda each: each.camera)
        ],
    }


def _moment(seconds: float) -> dt.datetime:
    return dt.datetime.fromtimestamp(seconds, timezone.get_current_timezone())


def _recognised(face: FrameFace) -> bool:
    return face.decision.state is State.RECOGNISED


def _names(session: Session, keys: set[str], now: dt.datetime) -> dict[str, str]:
    """The names of those who may be recognised in this class at this moment."""
    if not keys:
        return {}
    standing = templates.members(str(session.school_class_id), now)
    return {str(student.pk): student.name for student in standing.filter(pk__in=[UUID(key) for key in keys])}


def _face(face: FrameFace, names: dict[str, str], *, exact: bool) -> dict[str, Any]:
    decision = face.decision
    name = names.get(decision.id or "") if _recognised(face) else None
    # The frame is a moment old: who was taken out of the gallery since then cannot be named.
    state = State.UNAVAILABLE if _recognised(face) and name is None else decision.state
    told = exact and name is not None
    return {
        "box": list(face.box),
        "track": face.track,
        "state": str(state),
        "student": None if name is None else {"id": decision.id, "name": name},
        "distance": round(decision.distance, 3) if told and decision.distance is not None else None,
        "confidence": round(decision.confidence, 3) if told and decision.confidence is not None else None,
        "looks": decision.samples,
    }
