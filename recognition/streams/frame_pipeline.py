"""From a camera's frame to what may be said of each face in it.

Where nothing moved in an empty view there is nothing to do. Else decode, detect, follow; encode only the faces that the
tracker asks for; search the mean template of each track, all frames of a turn at once; decide. No name is kept from one
frame to the next: a track is searched again each time, in the gallery of that moment, so that a student who was
withdrawn is not named after that.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Final, Protocol

import numpy as np

from recognition.engine import Detection, Face
from recognition.engine.errors import BadImage
from recognition.engine.gallery import Gallery
from recognition.engine.identification.decision import assign, decide, stranger, template_of, visitor
from recognition.engine.identification.rejection import rejected_students
from recognition.engine.images.image import LIVE, crop, decode, encode_jpeg, resize_longer
from recognition.engine.timing import StageTimes
from recognition.engine.tracking.tracker import TrackedDetection
from recognition.engine.types import Array, Decision, Look, Match, Pixels, State
from recognition.galleries import SCHOOL, Galleries, SourceUnavailable
from recognition.streams.frame_results import Claim, Fault, Question, Seen, SeenFace, View
from recognition.streams.queue import Frame
from recognition.telemetry.monitor import Monitor

Pairs = Sequence[tuple[TrackedDetection, Decision]]

RIVALS: Final = 4
"""Subjects that a search returns: two to compare, and more where a person blocked the nearest."""
CROP_SIDE: Final = 320
HURRY_SECONDS: Final = 0.1
"""A frame that waited longer shows that a queue builds: it is looked at coarsely, to be through before the next."""
CLOSE_EVERY: Final = 6
"""One look of so many is a close one all the same, for faces far away. Not by the clock: the longer the queue, the
fewer looks a camera gets, and all of them would be close."""
FAR: Final = 0.1
"""Of the picture's longer side: while a smaller face is in view, every look is a close one (FACTS: recall of 0.94 in
both sizes from an eighth up, 0.93 and 0.90 down to 0.075, and 0.90 and 0.79 under that)."""


class Eyes(Protocol):
    """The part of the engine that is used here; from any thread."""

    timings: StageTimes

    @property
    def space(self) -> str: ...
    def detect(self, rgb: Pixels, *, coarse: bool) -> list[Detection]: ...
    def encode(self, rgb: Pixels, detections: Sequence[Detection], *, quick: bool) -> list[Face]: ...


@dataclass(slots=True, eq=False)
class _Work:
    """A frame on its way through the stages."""

    view: View
    rgb: Pixels
    scale: float
    ms: dict[str, float]
    tracks: Sequence[TrackedDetection] = ()
    looks: dict[int, tuple[Look, ...]] = field(default_factory=dict)
    templates: dict[int, Array] = field(default_factory=dict)
    matches: dict[int, list[Match]] = field(default_factory=dict)
    gallery: Gallery | None = None


class Recogniser:
    """The chain. `work` is called from any number of threads, each with frames of different cameras.

    `clock` is the one that frames are dated by, in seconds.
    """

    def __init__(
        self,
        eyes: Eyes,
        galleries: Galleries,
        *,
        monitor: Monitor,
        largest_side: int,
        quality: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._eyes = eyes
        self._galleries = galleries
        self._monitor = monitor
        self._largest_side = largest_side
        self._quality = quality
        self._clock = clock

    def work(self, frames: Sequence[Frame[View]]) -> list[Seen | Fault]:
        """One answer for each frame."""
        started = self._clock()
        looked = [self._looked_at(frame, hurried=started - frame.at > HURRY_SECONDS) for frame in frames]
        self._search([work for work in looked if isinstance(work, _Work)])
        return [self._seen(work) if isinstance(work, _Work) else work for work in looked]

    def _looked_at(self, frame: Frame[View], *, hurried: bool) -> _Work | Seen | Fault:
        ms: dict[str, float] = {}
        try:
            with self._stage("decode", ms):
                if frame.state.stillness.holds(frame.data, frame.at, hurried=hurried):
                    self._monitor.count("still")
                    # Whoever left is forgotten after the same time as ever.
                    frame.state.tracker.update((), frame.at)
                    return Seen((), (), (), self._eyes.space, ms)
                full = decode(frame.data, limits=LIVE)
                rgb = resize_longer(full, self._largest_side)
        except BadImage as fault:
            self._monitor.count("bad_frames")
            return Fault(fault.code, fault.message)
        work = _Work(frame.state, rgb, full.shape[1] / rgb.shape[1], ms)
        self._follow(work, self._detected(work, frame, hurried=hurried), frame.at)
        return work

    def _detected(self, work: _Work, frame: Frame[View], *, hurried: bool) -> Sequence[Detection]:
        view = work.view
        coarse = hurried and view.coarse_looks > 0 and not view.stillness.due
        with self._stage("detect", work.ms):
            detections = self._eyes.detect(work.rgb, coarse=coarse)
        if detections:
            view.stillness.found_somebody()
        else:
            view.stillness.found_empty(frame.data, frame.at, coarse=coarse)
        if coarse:
            self._monitor.count("coarse")
            view.coarse_looks -= 1
            return detections
        far = FAR * max(work.rgb.shape[:2])
        near = all(right - left >= far for left, _, right, _ in (each.box for each in detections))
        view.coarse_looks = CLOSE_EVERY - 1 if near else 0
        return detections

    def _follow(self, work: _Work, detections: Sequence[Detection], at: float) -> None:
        tracker = work.view.tracker
        work.tracks = tracker.update(detections, at)
        wanted = [each for each in work.tracks if each.embed]
        if wanted:
            with self._eyes.timings.collect() as stages:
                faces = self._eyes.encode(work.rgb, [each.detection for each in wanted], quick=True)
            for name in ("align", "encode"):
                work.ms[name] = stages[name]
                self._monitor.observe(name, stages[name])
            moved = {
                each.track: tracker.add_look(each.track, face, at)
                for each, face in zip(wanted, faces, strict=True)
            }
            work.tracks = [replace(each, track=moved.get(each.track, each.track)) for each in work.tracks]
        for each in work.tracks:
            if looks := tracker.looks(each.track):
                work.looks[each.track] = looks
                work.templates[each.track] = template_of(looks)

    def _search(self, works: Sequence[_Work]) -> None:
        """One search for each class of the turn. Where the database cannot be asked, works stay without a gallery."""
        rows: dict[str, list[tuple[_Work, int]]] = {}
        for work in works:
            rows.setdefault(work.view.class_id, []).extend((work, track) for track in work.templates)
        probes = {
            class_id: np.stack([work.templates[track] for work, track in asked])
            for class_id, asked in rows.items()
            if asked
        }
        if not probes:
            return
        started = time.perf_counter()
        try:
            found = self._galleries.search(probes, RIVALS)
        except SourceUnavailable:
            self._monitor.count("unavailable")
            return
        took = (time.perf_counter() - started) * 1000
        self._monitor.observe("match", took)
        for class_id, result in found.items():
            for (work, track), matches in zip(rows[class_id], result.matches, strict=True):
                work.matches[track], work.gallery, work.ms["match"] = matches, result.gallery, took

    def _seen(self, work: _Work) -> Seen:
        decisions = assign([_decided(work, each.track) for each in work.tracks])
        pairs = list(zip(work.tracks, decisions, strict=True))
        _settle(work.view, pairs)
        visitors = self._visitors(work, pairs) if work.view.rules.visitors else {}
        return Seen(
            tuple(
                SeenFace(_box(each.detection, work.scale), each.track, decision, visitors.get(each.track))
                for each, decision in pairs
            ),
            tuple(self._claims(work, pairs)),
            tuple(self._questions(work, pairs)),
            self._eyes.space,
            work.ms,
        )

    def _claims(self, work: _Work, pairs: Pairs) -> Iterator[Claim]:
        for each, decision in pairs:
            if decision.id is None or work.gallery is None:
                continue
            if work.view.handovers.take_mark(each.track, decision.id):
                photographs = work.gallery.photographs(decision.id)
                template = work.templates[each.track]
                yield Claim(each.track, decision.id, decision, photographs, template, self._crop(work, each))

    def _questions(self, work: _Work, pairs: Pairs) -> Iterator[Question]:
        for each, decision in pairs:
            if decision.state is State.UNCERTAIN and work.view.handovers.take_question(each.track):
                yield Question(each.track, decision, work.templates[each.track], self._crop(work, each))

    def _visitors(self, work: _Work, pairs: Pairs) -> dict[int, str]:
        """By track the student of another class whom it may be asked about: of those that were nobody all along.

        Two faces are never the same visitor: then neither is asked about.
        """
        view = work.view
        handed_on = view.handovers.tracks
        tracks = [
            each.track
            for each, decision in pairs
            if stranger(decision) and each.track not in handed_on and not view.tracker.in_doubt(each.track)
        ]
        if not tracks or work.gallery is None:
            return {}
        try:
            found = self._galleries.search_ready(
                SCHOOL, np.stack([work.templates[track] for track in tracks]), RIVALS
            )
        except SourceUnavailable:
            return {}
        if found is None:
            return {}
        here, asked = frozenset(work.gallery.ids), {}
        for track, matches in zip(tracks, found.matches, strict=True):
            never = here | rejected_students(work.templates[track], view.rules.rejected)
            gallery = found.gallery
            who = visitor(work.looks[track], matches, gallery.photographs, gallery.size, never=never)
            if who is not None:
                asked[track] = who
        often = Counter(asked.values())
        return {track: who for track, who in asked.items() if often[who] == 1}

    def _crop(self, work: _Work, each: TrackedDetection) -> bytes:
        picture = resize_longer(crop(work.rgb, each.detection.box), CROP_SIDE)
        return encode_jpeg(picture, self._quality)

    @contextmanager
    def _stage(self, name: str, ms: dict[str, float]) -> Iterator[None]:
        started = time.perf_counter()
        yield
        ms[name] = (time.perf_counter() - started) * 1000
        self._monitor.observe(name, ms[name])


def _decided(work: _Work, track: int) -> Decision:
    looks = work.looks.get(track, ())
    if not looks:
        return Decision(State.CONFIRMING, None, None, None, None, 0, ())
    if work.gallery is None:
        return Decision(State.UNAVAILABLE, None, None, None, None, len(looks), ())
    decision = decide(
        looks,
        work.matches[track],
        work.gallery.photographs,
        work.gallery.size,
        confusable=work.view.rules.confusable,
        blocked=rejected_students(work.templates[track], work.view.rules.rejected),
    )
    if decision.state is State.RECOGNISED and work.view.tracker.in_doubt(track):
        # After a cut somebody else may stand where the owner of these looks stood.
        return replace(decision, state=State.CONFIRMING, id=None)
    return decision


def _settle(view: View, pairs: Pairs) -> None:
    """Tell the tracker who has a name, and forget what was noted of tracks that it has forgotten."""
    for each, decision in pairs:
        view.tracker.settle(each.track, known=decision.state is State.RECOGNISED)
    view.handovers.keep_only(view.tracker.ids)


def _box(detection: Detection, scale: float) -> tuple[int, int, int, int]:
    """In pixels of the frame as it was sent, before it was made smaller here."""
    left, top, right, bottom = (round(side * scale) for side in detection.box)
    return left, top, right, bottom
