"""What passes between the cameras' sockets and the recogniser: a camera's view, and what a frame showed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from recognition.engine.identification.rejection import RejectedTemplate
from recognition.engine.tracking.tracker import Tracker
from recognition.engine.types import Array, Decision
from recognition.streams.handovers import Handovers
from recognition.streams.motion import Stillness


@dataclass(frozen=True, slots=True, eq=False)
class Rules:
    """What people and enrolment said about this session: replaced as a whole when it changes.

    `visitors`: whether strangers may be sought in the whole school for whoever looks at this camera.
    """

    confusable: frozenset[frozenset[str]] = frozenset()
    rejected: tuple[RejectedTemplate, ...] = ()
    visitors: bool = False


@dataclass(slots=True, eq=False)
class View:
    """The state of one camera. Worked on by one thread at a time; `rules` may be replaced from any.

    For `coarse_looks` more frames the last full detection is good for the faces far away. The first detection of a
    camera that comes while others queue is a reduced one.
    """

    class_id: str
    rules: Rules = field(default_factory=Rules)
    tracker: Tracker = field(default_factory=Tracker)
    handovers: Handovers = field(default_factory=Handovers)
    coarse_looks: int = 1
    stillness: Stillness = field(default_factory=Stillness)


@dataclass(frozen=True, slots=True, eq=False)
class SeenFace:
    """One face of a frame: box (left, top, right, bottom) in pixels of the frame as it was sent.

    `visitor` is a student of the whole school whom an unknown face may be asked about: no name, and no claim.
    """

    box: tuple[int, int, int, int]
    track: int
    decision: Decision
    visitor: str | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Claim:
    """A track that has just been recognised, with its template and evidence: to be marked, once."""

    track: int
    student: str
    decision: Decision
    photographs: int
    template: Array
    crop: bytes


@dataclass(frozen=True, slots=True, eq=False)
class Question:
    """A track that only a person can decide: its template and the candidates, best first."""

    track: int
    decision: Decision
    template: Array
    crop: bytes


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """What a frame showed; `ms` are the milliseconds of its stages."""

    faces: tuple[SeenFace, ...]
    claims: tuple[Claim, ...]
    questions: tuple[Question, ...]
    space: str
    ms: Mapping[str, float]


@dataclass(frozen=True, slots=True, eq=False)
class Fault:
    """A frame that is no picture: a code and a message of the engine."""

    code: str
    message: str
