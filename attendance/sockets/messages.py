"""The messages of the sockets, as the contract words them, and what a device may read of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from attendance.live.camera_marks import Visitor
from attendance.models import OnPremises
from recognition.engine.types import State
from recognition.streams.frame_results import FrameFace, FrameResult
from recognition.streams.pacing import Advice
from recognition.streams.queue import FrameAnswer

Message = dict[str, Any]

STAGES: Final = ("decode", "detect", "align", "encode", "match")
PROTOCOL: Final = 1
OF_A_MARK: Final = (
    "type",
    "student",
    "status",
    "on_premises",
    "code",
    "at",
    "mark",
    "version",
)


def advice_of(advice: Advice) -> Message:
    """Frames a second, longer side in pixels, JPEG quality."""
    return {"fps": advice.fps, "side": advice.side, "quality": advice.quality}


def result(
    answer: FrameAnswer[Any],
    seen: FrameResult,
    dropped: int,
    names: Mapping[str, str],
    visitors: Mapping[str, Visitor],
    *,
    full: bool,
) -> Message:
    """The `result` message. Devices (not `full`) get no distance, no confidence, and no visitor in any case."""
    ms = {
        "queue": answer.queue,
        **{stage: seen.ms.get(stage, 0.0) for stage in STAGES},
        "total": answer.total,
    }
    return {
        "type": "result",
        "seq": answer.seq,
        "faces": [_face(face, names, visitors if full else {}, full=full) for face in seen.faces],
        "dropped": dropped,
        "ms": {stage: round(value, 1) for stage, value in ms.items()},
    }


def _face(
    face: FrameFace, names: Mapping[str, str], visitors: Mapping[str, Visitor], *, full: bool
) -> Message:
    decision = face.decision
    named = decision.state is State.RECOGNISED and decision.id in names
    visitor = visitors.get(face.visitor) if face.visitor and decision.state is State.UNKNOWN else None
    shown = {
        "box": list(face.box),
        "track": face.track,
        "state": str(decision.state),
        "student": {"id": decision.id, "name": names[decision.id]} if named and decision.id else None,
        "distance": _rounded(decision.distance) if full else None,
        "confidence": _rounded(decision.confidence) if full else None,
        "looks": decision.samples,
    }
    return shown if visitor is None else {**shown, "state": "visitor", "visitor": visitor}


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)


def event_for_device(message: Mapping[str, Any]) -> Message:
    """Of an event what a device in the classroom may show; of anything else only that it happened."""
    if message["type"] == "session":
        return dict(message)
    if message["type"] not in {"mark", "unmark"}:
        return {"type": "version", "version": message["version"]}
    return {member: message[member] for member in OF_A_MARK}


def state_for_device(state: Mapping[str, Any]) -> Message:
    """The register without the roll: who has arrived, and how many are expected."""
    arrived = [
        {"id": student["id"], "name": student["name"], "mark": _mark_for_device(student["mark"])}
        for student in state["students"]
        if student["mark"] is not None and student["mark"]["on_premises"] == OnPremises.YES
    ]
    shown = {member: state[member] for member in ("type", "version", "session", "codes", "counts")}
    return {**shown, "students": arrived}


def _mark_for_device(mark: Mapping[str, Any]) -> Message:
    return {member: mark[member] for member in ("mark", "code", "status", "at")}
