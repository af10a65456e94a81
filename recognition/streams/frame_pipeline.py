"""The frame pipeline: from a camera's encoded frame to a decision about each face in it.

A frame of an empty view without motion is skipped. Others are decoded, searched for faces and tracked; only the faces
that the tracker asks for are encoded; the mean template of each track is searched in the class's gallery, for all
frames of a batch at once; then a decision is made. No name is carried from one frame to the next: each track is
searched again in the gallery as it is now, so a student who was withdrawn is not named afterwards.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Final, Protocol

import numpy as np

from recognition.engine.errors import BadImage
from recognition.engine.gallery import Gallery
from recognition.engine.identification.decision import assign, decide, stranger, template_of, visitor
from recognition.engine.identification.rejection import rejected_students
from recognition.engine.images.image import LIVE, crop, decode, encode_jpeg, resize_longer
from recognition.engine.timing import StageTimes
from recognition.engine.tracking.tracker import TrackedDetection
from recognition.engine.types import Array, Decision, Detection, Face, Match, Pixels, Sample, State
from recognition.galleries import SCHOOL, Galleries, SourceUnavailable
from recognition.streams.frame_results import (
    CameraContext,
    FrameError,
    FrameFace,
    FrameResult,
    RecognisedTrack,
    UncertainTrack,
)
from recognition.streams.queue import Frame
from recognition.telemetry.monitor import Monitor

Decided = Sequence[tuple[TrackedDetection, Decision]]

# Subjects that a search returns: two to compare, and more for faces whose nearest students a person rejected.
RIVALS: Final = 4
# Pixels of the longer side of a stored face crop.
CROP_SIDE: Final = 320
# A frame that waited longer than this shows that frames queue up: it gets reduced detection, to be done before the
# next.
OVERLOAD_SECONDS: Final = 0.1
# While overloaded, one detection of so many is a full one, for faces far away. Counted and not timed: the longer the
# queue, the fewer frames of a camera are processed, and by time all of them would get full detection.
FULL_EVERY: Final = 6
# A face is far away if its width is below this part of the image's longer side; while one is in view, every detection
# is a full one. Measured once: full and reduced detection find the same part of the faces from an eighth up (0.94),
# nearly the same down to 0.075 (0.93 and 0.90), and differ below (0.90 and 0.79).
FAR: Final = 0.1


class FrameEngine(Protocol):
    """The part of `Engine` that the pipeline uses. Thread-safe."""

    timings: StageTimes

    @property
    def space(self) -> str: ...
    def detect(self, rgb: Pixels, *, reduced: bool) -> list[Detection]: ...
    def encode(self, rgb: Pixels, detections: Sequence[Detection], *, quick: bool) -> list[Face]: ...


@dataclass(slots=True, eq=False)
class _DecodedFrame:
    """A frame between the stages.

    `rgb` is the image that is searched, `scale` the sent image's width over its width, `ms` the milliseconds of the
    stages so far. `samples`, `templates` (128,) and `matches` are by track; `gallery` is the one that was searched.
    """

    camera: CameraContext
    rgb: Pixels
    scale: float
    ms: dict[str, float]
    tracks: Sequence[TrackedDetection] = ()
    samples: dict[int, tuple[Sample, ...]] = field(default_factory=dict)
    templates: dict[int, Array] = field(default_factory=dict)
    matches: dict[int, list[Match]] = field(default_factory=dict)
    gallery: Gallery | None = None


class FramePipeline:
    """All stages of a frame. `process` may be called from any number of threads, each with other cameras' frames."""

    def __init__(
        self,
        engine: FrameEngine,
        galleries: Galleries,
        *,
        monitor: Monitor,
        largest_side: int,
        quality: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Set up; `largest_side` is in pixels, `quality` the JPEG quality of crops from 1 to 100.

        `clock` is the one that frames are dated by, in seconds.
        """
        self._engine = engine
        self._galleries = galleries
        self._monitor = monitor
        self._largest_side = largest_side
        self._quality = quality
        self._clock = clock

    def process(self, frames: Sequence[Frame[CameraContext]]) -> list[FrameResult | FrameError]:
        """Return the result of each frame, in the same order."""
        started = self._clock()
        frames_or_results = [
            self._detect_and_track(frame, overloaded=started - frame.at > OVERLOAD_SECONDS)
            for frame in frames
        ]
        self._search([item for item in frames_or_results if isinstance(item, _DecodedFrame)])
        return [self._result(item) if isinstance(item, _DecodedFrame) else item for item in frames_or_results]

    def _detect_and_track(
        self, frame: Frame[CameraContext], *, overloaded: bool
    ) -> _DecodedFrame | FrameResult | FrameError:
        """Return the frame with its tracks, or the result of one that needs no search."""
        ms: dict[str, float] = {}
        try:
            with self._stage("decode", ms):
                if frame.state.motion.can_skip(frame.data, frame.at, overloaded=overloaded):
                    self._monitor.count("no_motion")
                    # The tracker still forgets the tracks that left.
                    frame.state.tracker.update((), frame.at)
                    return FrameResult((), (), (), self._engine.space, ms)
                full = decode(frame.data, limits=LIVE)
                rgb = resize_longer(full, self._largest_side)
        except BadImage as error:
            self._monitor.count("bad_frames")
            return FrameError(error.code, error.message)
        decoded = _DecodedFrame(frame.state, rgb, full.shape[1] / rgb.shape[1], ms)
        self._track(decoded, self._detect(decoded, frame, overloaded=overloaded), frame.at)
        return decoded

    def _detect(
        self, decoded: _DecodedFrame, frame: Frame[CameraContext], *, overloaded: bool
    ) -> Sequence[Detection]:
        """Return the faces by full or reduced detection, and update the camera's motion detector."""
        camera = decoded.camera
        reduced = overloaded and camera.reduced_left > 0 and not camera.motion.full_search_due
        with self._stage("detect", decoded.ms):
            detections = self._engine.detect(decoded.rgb, reduced=reduced)
        if detections:
            camera.motion.record_faces()
        else:
            camera.motion.record_empty(frame.data, frame.at, reduced=reduced)
        if reduced:
            self._monitor.count("reduced")
            camera.reduced_left -= 1
        else:
            smallest_near = FAR * max(decoded.rgb.shape[:2])
            all_near = all(detection.box[2] - detection.box[0] >= smallest_near for detection in detections)
            camera.reduced_left = FULL_EVERY - 1 if all_near else 0
        return detections

    def _track(self, decoded: _DecodedFrame, detections: Sequence[Detection], at: float) -> None:
        """Assign the detections to tracks, encode those that need it, and note each track's samples and template."""
        tracker = decoded.camera.tracker
        decoded.tracks = tracker.update(detections, at)
        to_encode = [tracked for tracked in decoded.tracks if tracked.encode]
        if to_encode:
            faces = self._encode(decoded, [tracked.detection for tracked in to_encode])
            moved = {
                tracked.track: tracker.add_sample(tracked.track, face, at)
                for tracked, face in zip(to_encode, faces, strict=True)
            }
            decoded.tracks = [
                replace(tracked, track=moved.get(tracked.track, tracked.track)) for tracked in decoded.tracks
            ]
        for tracked in decoded.tracks:
            if samples := tracker.samples(tracked.track):
                decoded.samples[tracked.track] = samples
                decoded.templates[tracked.track] = template_of(samples)

    def _encode(self, decoded: _DecodedFrame, detections: Sequence[Detection]) -> list[Face]:
        with self._engine.timings.collect() as stages:
            faces = self._engine.encode(decoded.rgb, detections, quick=True)
        for name in ("align", "encode"):
            decoded.ms[name] = stages[name]
            self._monitor.observe(name, stages[name])
        return faces

    def _search(self, frames: Sequence[_DecodedFrame]) -> None:
        """Search the templates of a batch, once for each class. Without the database, frames stay without a gallery."""
        rows: dict[str, list[tuple[_DecodedFrame, int]]] = {}
        for frame in frames:
            rows.setdefault(frame.camera.class_id, []).extend((frame, track) for track in frame.templates)
        probes = {
            class_id: np.stack([frame.templates[track] for frame, track in tracks])
            for class_id, tracks in rows.items()
            if tracks
        }
        if not probes:
            return
        started = time.perf_counter()
        try:
            results = self._galleries.search(probes, RIVALS)
        except SourceUnavailable:
            self._monitor.count("unavailable")
            return
        milliseconds = (time.perf_counter() - started) * 1000
        self._monitor.observe("match", milliseconds)
        for class_id, result in results.items():
            for (frame, track), matches in zip(rows[class_id], result.matches, strict=True):
                frame.matches[track], frame.gallery = matches, result.gallery
                frame.ms["match"] = milliseconds

    def _result(self, frame: _DecodedFrame) -> FrameResult:
        """Decide about each track and return what the frame shows."""
        decisions = assign([_decision(frame, tracked.track) for tracked in frame.tracks])
        decided = list(zip(frame.tracks, decisions, strict=True))
        _update_tracks(frame.camera, decided)
        visitors = self._visitors(frame, decided) if frame.camera.rules.visitors else {}
        return FrameResult(
            tuple(
                FrameFace(
                    _sent_box(tracked.detection, frame.scale),
                    tracked.track,
                    decision,
                    visitors.get(tracked.track),
                )
                for tracked, decision in decided
            ),
            tuple(self._recognised(frame, decided)),
            tuple(self._uncertain(frame, decided)),
            self._engine.space,
            frame.ms,
        )

    def _recognised(self, frame: _DecodedFrame, decided: Decided) -> Iterator[RecognisedTrack]:
        for tracked, decision in decided:
            if decision.id is None or frame.gallery is None:
                continue
            if frame.camera.handovers.take_mark(tracked.track, decision.id):
                yield RecognisedTrack(
                    tracked.track,
                    decision.id,
                    decision,
                    frame.gallery.photographs(decision.id),
                    frame.templates[tracked.track],
                    self._crop(frame, tracked),
                )

    def _uncertain(self, frame: _DecodedFrame, decided: Decided) -> Iterator[UncertainTrack]:
        for tracked, decision in decided:
            if decision.state is State.UNCERTAIN and frame.camera.handovers.take_question(tracked.track):
                template = frame.templates[tracked.track]
                yield UncertainTrack(tracked.track, decision, template, self._crop(frame, tracked))

    def _visitors(self, frame: _DecodedFrame, decided: Decided) -> dict[int, str]:
        """Return, by track, the student of another class that a stranger may be.

        Only tracks that were never handed on are searched. Where two faces match the same student, neither is returned.
        """
        camera = frame.camera
        handed_on = camera.handovers.tracks
        tracks = [
            tracked.track
            for tracked, decision in decided
            if stranger(decision)
            and tracked.track not in handed_on
            and not camera.tracker.in_doubt(tracked.track)
        ]
        if not tracks or frame.gallery is None:
            return {}
        try:
            result = self._galleries.search_ready(
                SCHOOL, np.stack([frame.templates[track] for track in tracks]), RIVALS
            )
        except SourceUnavailable:
            return {}
        if result is None:
            return {}
        members, students = frozenset(frame.gallery.ids), {}
        for track, matches in zip(tracks, result.matches, strict=True):
            excluded = members | rejected_students(frame.templates[track], camera.rules.rejected)
            gallery = result.gallery
            student = visitor(
                frame.samples[track], matches, gallery.photographs, gallery.size, excluded=excluded
            )
            if student is not None:
                students[track] = student
        faces_of = Counter(students.values())
        return {track: student for track, student in students.items() if faces_of[student] == 1}

    def _crop(self, frame: _DecodedFrame, tracked: TrackedDetection) -> bytes:
        face = resize_longer(crop(frame.rgb, tracked.detection.box), CROP_SIDE)
        return encode_jpeg(face, self._quality)

    @contextmanager
    def _stage(self, name: str, ms: dict[str, float]) -> Iterator[None]:
        """Measure the time inside, for this frame and for the monitor."""
        started = time.perf_counter()
        yield
        ms[name] = (time.perf_counter() - started) * 1000
        self._monitor.observe(name, ms[name])


def _decision(frame: _DecodedFrame, track: int) -> Decision:
    samples = frame.samples.get(track, ())
    if not samples:
        return Decision(State.CONFIRMING, None, None, None, None, 0, ())
    if frame.gallery is None:
        return Decision(State.UNAVAILABLE, None, None, None, None, len(samples), ())
    rules = frame.camera.rules
    decision = decide(
        samples,
        frame.matches[track],
        frame.gallery.photographs,
        frame.gallery.size,
        confusable=rules.confusable,
        rejected=rejected_students(frame.templates[track], rules.rejected),
    )
    if decision.state is State.RECOGNISED and frame.camera.tracker.in_doubt(track):
        # After a jump another person may stand where the owner of these samples stood.
        return replace(decision, state=State.CONFIRMING, id=None)
    return decision


def _update_tracks(camera: CameraContext, decided: Decided) -> None:
    """Tell the tracker which tracks have a name, and drop the handovers of tracks that it has forgotten."""
    for tracked, decision in decided:
        camera.tracker.set_named(tracked.track, named=decision.state is State.RECOGNISED)
    camera.handovers.keep_only(camera.tracker.ids)


def _sent_box(detection: Detection, scale: float) -> tuple[int, int, int, int]:
    """Return the box in pixels of the frame as it was sent."""
    left, top, right, bottom = (round(side * scale) for side in detection.box)
    return left, top, right, bottom
