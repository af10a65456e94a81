"""Tracker, gallery and rules together on a film with cuts: who is named, and who must not be."""

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
import pytest

from recognition.engine import Engine
from recognition.engine.gallery import Gallery
from recognition.engine.identification.decision import assign, decide, template_of
from recognition.engine.images.image import decode
from recognition.engine.tracking.tracker import TrackedDetection, Tracker
from recognition.engine.types import Array, Decision, Pixels, State
from tests import material

FILM_RATE, EVERY = 30, 6


@dataclass(frozen=True, slots=True, eq=False)
class FrameOutcome:
    """The names in one frame of the film, its faces, and how many of them were encoded."""

    frame: int
    names: frozenset[str]
    faces: int
    encoded: int


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    loaded = Engine.load(precision="f32")
    yield loaded
    loaded.close()


@pytest.fixture(scope="module")
def gallery(engine: Engine) -> Gallery:
    templates: list[Array] = []
    ids: list[str] = []
    for name, paths in material.everybody().items():
        for path in paths:
            faces = engine.analyse(decode(path.read_bytes()))
            if len(faces) == 1 and not path.name.startswith("partial"):
                templates.append(faces[0].template)
                ids.append(name)
    return Gallery.build_means(np.stack(templates), ids)


def frames() -> Iterator[tuple[int, Pixels]]:
    film, number = cv2.VideoCapture(str(material.clip())), 0
    while True:
        read, bgr = film.read()
        if not read:
            break
        if number % EVERY == 0:
            yield number, np.asarray(cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB), np.uint8)
        number += 1


def decision_of(tracker: Tracker, gallery: Gallery, track: int) -> Decision | None:
    samples = tracker.samples(track)
    if not samples:
        return None
    matches = gallery.search(template_of(samples)[None])[0]
    decision = decide(samples, matches, gallery.photographs, gallery.size)
    tracker.set_named(track, named=decision.state is State.RECOGNISED)
    return None if tracker.in_doubt(track) else decision


def add_samples(
    engine: Engine, tracker: Tracker, rgb: Pixels, tracked: list[TrackedDetection], at: float
) -> list[int]:
    wanted = [place for place, detected in enumerate(tracked) if detected.encode]
    tracks = [detected.track for detected in tracked]
    faces = engine.encode(rgb, [tracked[place].detection for place in wanted])
    for place, face in zip(wanted, faces, strict=True):
        tracks[place] = tracker.add_sample(tracks[place], face, at)
    return tracks


@pytest.fixture(scope="module")
def outcomes(engine: Engine, gallery: Gallery) -> list[FrameOutcome]:
    tracker, film = Tracker(), []
    for number, rgb in frames():
        at = number / FILM_RATE
        tracked = tracker.update(engine.detect(rgb), at)
        tracks = add_samples(engine, tracker, rgb, tracked, at)
        decisions = [read for track in tracks if (read := decision_of(tracker, gallery, track))]
        names = [decision.id for decision in assign(decisions) if decision.id]
        assert len(names) == len(set(names))
        film.append(
            FrameOutcome(
                number, frozenset(names), len(tracked), sum(bool(detected.encode) for detected in tracked)
            )
        )
    return film


def test_singer_is_named_within_a_second_and_stays_named(outcomes: list[FrameOutcome]) -> None:
    alone = [outcome for outcome in outcomes if 85 <= outcome.frame <= 210]
    named = [outcome.frame for outcome in alone if "lin_manuel_miranda" in outcome.names]
    assert named[0] <= 85 + FILM_RATE
    assert len(named) >= 0.75 * len(alone)


def test_only_people_of_the_film_are_named(outcomes: list[FrameOutcome]) -> None:
    everybody = frozenset[str]().union(*(outcome.names for outcome in outcomes))
    assert everybody <= {"lin_manuel_miranda", "alex_lacamoire", "obama"}


def test_name_ends_at_a_cut(outcomes: list[FrameOutcome]) -> None:
    assert not [
        outcome.frame
        for outcome in outcomes
        if 24 <= outcome.frame < 80 and "lin_manuel_miranda" in outcome.names
    ]
    assert not [
        outcome.frame
        for outcome in outcomes
        if outcome.frame >= 216 and "lin_manuel_miranda" in outcome.names
    ]


def test_named_face_is_not_encoded_in_every_frame(outcomes: list[FrameOutcome]) -> None:
    assert sum(outcome.encoded for outcome in outcomes) < 0.65 * sum(outcome.faces for outcome in outcomes)
