"""The camera socket's own messages. Those of both sockets are in `attendance.register.description`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from attendance.core.json_types import IdAndName
from attendance.register.description import Visitor
from recognition.engine.types import Decision, State
from recognition.streams.frame_results import FrameFace, FrameResult
from recognition.streams.pacing import Advice
from recognition.streams.queue import FrameAnswer

STAGES: Final = ("decode", "detect", "align", "encode", "match")
PROTOCOL: Final = 1


def advice_state(advice: Advice) -> dict[str, float]:
    """Return frames per second, longer side in pixels and JPEG quality, as the client gets them."""
    return {"fps": advice.fps, "side": advice.side, "quality": advice.quality}


def result(
    answer: FrameAnswer[Any],
    frame: FrameResult,
    dropped: int,
    names: Mapping[str, str],
    visitors: Mapping[str, Visitor],
    *,
    full: bool,
) -> dict[str, Any]:
    """Return the `result` message. Devices (not `full`) get no distances, confidences and visitors."""
    ms = {
        "queue": answer.queue,
        **{stage: frame.ms.get(stage, 0.0) for stage in STAGES},
        "total": answer.total,
    }
    return {
        "type": "result",
        "seq": answer.seq,
        "faces": [_face(face, names, visitors if full else {}, full=full) for face in frame.faces],
        "dropped": dropped,
        "ms": {stage: round(value, 1) for stage, value in ms.items()},
    }


def _face(
    face: FrameFace, names: Mapping[str, str], visitors: Mapping[str, Visitor], *, full: bool
) -> dict[str, Any]:
    decision = face.decision
    visitor = visitors.get(face.visitor) if face.visitor and decision.state is State.UNKNOWN else None
    state = {
        "box": list(face.box),
        "track": face.track,
        "state": str(decision.state),
        "student": _student(decision, names),
        "distance": _rounded(decision.distance) if full else None,
        "confidence": _rounded(decision.confidence) if full else None,
        "looks": decision.samples,
    }
    return state if visitor is None else {**state, "state": "visitor", "visitor": visitor}


def _student(decision: Decision, names: Mapping[str, str]) -> IdAndName | None:
    if decision.state is not State.RECOGNISED or decision.id is None or decision.id not in names:
        return None
    return {"id": decision.id, "name": names[decision.id]}


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)
