"""The newest frame result of each camera of a session, as the person who asks may see it."""

from __future__ import annotations

import datetime as dt
import time
from dataclasses import dataclass, replace
from typing import Annotated, Final, TypedDict
from uuid import UUID

from django.utils import timezone

from attendance.core import policy
from attendance.core.json_types import FrameBox, Id, IdAndName, Moment
from attendance.core.policy import Action, Person
from attendance.faces import templates
from attendance.models import Session
from recognition.engine.types import State
from recognition.process import PROCESS
from recognition.streams.frame_results import FrameFace, FrameResult

# A frame result that is older no longer says what a camera sees.
LATEST_AGE: Final = dt.timedelta(seconds=10)


class CameraFace(TypedDict):
    """A face of a frame. Distance and confidence are for those who may see faces."""

    box: FrameBox
    track: Annotated[int, "The same number from frame to frame of this camera."]
    state: Annotated[str, State]
    student: Annotated[IdAndName | None, "Null unless recognised."]
    distance: Annotated[float | None, "For those who may see faces."]
    confidence: Annotated[float | None, "For those who may see faces."]
    looks: int


class CameraState(TypedDict):
    camera: str
    at: Moment
    faces: list[CameraFace]
    ms: Annotated[dict[str, float], "Milliseconds of the stages."]


class LatestState(TypedDict):
    session: Id
    cameras: list[CameraState]


@dataclass(frozen=True, slots=True, eq=False)
class CameraResult:
    """The newest frame result of one camera, and when it was made (seconds since the epoch)."""

    camera: str
    at: float
    frame: FrameResult

    @property
    def moment(self) -> dt.datetime:
        return dt.datetime.fromtimestamp(self.at, timezone.get_current_timezone())


class LatestResults:
    """Keeps the newest frame result of each camera, in this process's memory only.

    Written on the event loop and read by the API's threads.
    """

    def __init__(self) -> None:
        self._sessions: dict[UUID, dict[str, CameraResult]] = {}

    def remember(self, session_id: UUID, camera: str, frame: FrameResult) -> None:
        """Keep the newest result of a camera, without the visitors that it may have shown."""
        faces = tuple(replace(face, visitor=None) for face in frame.faces)
        self._sessions.setdefault(session_id, {})[camera] = CameraResult(
            camera, time.time(), replace(frame, faces=faces, recognised=(), uncertain=())
        )

    def forget(self, session_id: UUID, camera: str) -> None:
        """Forget a camera that has disconnected."""
        cameras = self._sessions.get(session_id, {})
        cameras.pop(camera, None)
        if not cameras:
            self._sessions.pop(session_id, None)

    def of_session(self, session_id: UUID) -> tuple[CameraResult, ...]:
        """Return the newest result of each camera of a session that is connected to this process."""
        return tuple(self._sessions.get(session_id, {}).values())


LATEST_RESULTS: Final = PROCESS.part(LatestResults)


def latest_state(session: Session, *, user: Person, now: dt.datetime) -> LatestState:
    """Return the newest result of each camera that is connected to this process, in at most two queries.

    Names are read again now, so a student whose consent was withdrawn after the frame has none. A face without a name
    has only its box, track and state. Distances are for those who may see faces.
    """
    may_see_faces = policy.may(user, Action.VIEW_FACES, session)
    results = [
        result for result in LATEST_RESULTS.get().of_session(session.pk) if now - result.moment <= LATEST_AGE
    ]
    recognised = {face.decision.id for result in results for face in result.frame.faces if _recognised(face)}
    names = _names(session, {student_id for student_id in recognised if student_id is not None}, now)
    return {
        "session": str(session.pk),
        "cameras": [
            _camera(result, names, may_see_faces=may_see_faces)
            for result in sorted(results, key=lambda result: result.camera)
        ],
    }


def _recognised(face: FrameFace) -> bool:
    return face.decision.state is State.RECOGNISED


def _names(session: Session, student_ids: set[str], now: dt.datetime) -> dict[str, str]:
    """Return the names of those students who may be recognised in this class now, by id."""
    if not student_ids:
        return {}
    members = templates.members(str(session.school_class_id), now)
    return {str(student.pk): student.name for student in members.filter(pk__in=map(UUID, student_ids))}


def _camera(result: CameraResult, names: dict[str, str], *, may_see_faces: bool) -> CameraState:
    return {
        "camera": result.camera,
        "at": result.moment.isoformat(),
        "faces": [_face(face, names, may_see_faces=may_see_faces) for face in result.frame.faces],
        "ms": {stage: round(value, 1) for stage, value in result.frame.ms.items()},
    }


def _face(face: FrameFace, names: dict[str, str], *, may_see_faces: bool) -> CameraFace:
    decision = face.decision
    name = names.get(decision.id or "") if _recognised(face) else None
    # The frame is a moment old: a student who has left the gallery since then cannot be named.
    state = State.UNAVAILABLE if _recognised(face) and name is None else decision.state
    exact = may_see_faces and name is not None
    return {
        "box": list(face.box),
        "track": face.track,
        "state": str(state),
        "student": None if name is None or decision.id is None else {"id": decision.id, "name": name},
        "distance": _rounded(decision.distance) if exact else None,
        "confidence": _rounded(decision.confidence) if exact else None,
        "looks": decision.samples,
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)
