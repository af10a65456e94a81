"""What the frame pipeline takes and returns: the context of a camera, and the result of a frame."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from recognition.engine.identification.rejection import RejectedTemplate
from recognition.engine.tracking.tracker import Tracker
from recognition.engine.types import Array, Decision
from recognition.streams.handovers import Handovers
from recognition.streams.motion import MotionDetector


@dataclass(frozen=True, slots=True, eq=False)
class MatchRules:
    """The rules for matches in a session; replaced as a whole when one changes.

    `confusable` are pairs of students who look alike, `rejected` the matches that a person rejected, `visitors` says
    whether unknown faces may be searched in the whole school.
    """

    confusable: frozenset[frozenset[str]] = frozenset()
    rejected: tuple[RejectedTemplate, ...] = ()
    visitors: bool = False


@dataclass(slots=True, eq=False)
class CameraContext:
    """The state of one camera. Used by one thread at a time; `rules` may be replaced from any thread.

    `reduced_left` is how many more frames may get reduced detection before a full one is due. It starts at 1, so under
    load a camera's first frame gets reduced detection and its second a full one.
    """

    class_id: str
    rules: MatchRules = field(default_factory=MatchRules)
    tracker: Tracker = field(default_factory=Tracker)
    handovers: Handovers = field(default_factory=Handovers)
    reduced_left: int = 1
    motion: MotionDetector = field(default_factory=MotionDetector)


@dataclass(frozen=True, slots=True, eq=False)
class FrameFace:
    """One face of a frame.

    `box` (left, top, right, bottom) is in pixels of the frame as it was sent. `visitor` is the student of another class
    whom an unknown face may be, for a person to confirm: it is neither a name nor a reason for a mark.
    """

    box: tuple[int, int, int, int]
    track: int
    decision: Decision
    visitor: str | None = None


@dataclass(frozen=True, slots=True, eq=False)
class RecognisedTrack:
    """A track that has just been recognised, with its match evidence: to be marked once.

    `photographs` is how many enrolment photographs the student has, `template` the track's (128,), `crop` a JPEG.
    """

    track: int
    student: str
    decision: Decision
    photographs: int
    template: Array
    crop: bytes


@dataclass(frozen=True, slots=True, eq=False)
class UncertainTrack:
    """A track that only a person can decide; the candidates are in `decision`, best first.

    `template` is the track's (128,), `crop` a JPEG.
    """

    track: int
    decision: Decision
    template: Array
    crop: bytes


@dataclass(frozen=True, slots=True, eq=False)
class FrameResult:
    """All faces of a frame, and the tracks that are handed on: `recognised` to be marked, `uncertain` to be reviewed.

    `Handovers` decides when a track is handed on. `space` is the space of the templates, `ms` the milliseconds that
    each stage took.
    """

    faces: tuple[FrameFace, ...]
    recognised: tuple[RecognisedTrack, ...]
    uncertain: tuple[UncertainTrack, ...]
    space: str
    ms: Mapping[str, float]


@dataclass(frozen=True, slots=True, eq=False)
class FrameError:
    """A frame that could not be decoded: the code and message of the engine's BadImage."""

    code: str
    message: str
