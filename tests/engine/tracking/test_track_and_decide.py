"""Tracker, gallery and rules together on a real film with cuts: who is named, and who must never be."""

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
class Shown:
    """What was shown in one frame of the film: names, and how many faces were encoded for it."""

    frame: int
    names: frozenset[str]
    faces: int
    encoded: int


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    made = Engine.load(precision="f32")
    yield made
    made.close()


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
        found, bgr = film.read()
        if not found:
            break
        if number % EVERY == 0:
            yield number, np.asarray(cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB), np.uint8)
        number += 1


def decided(tracker: Tracker, gallery: Gallery, track: int) -> Decision | None:
    samples = tracker.samples(track)
    if not samples:
        return None
    matches = gallery.search(template_of(samples)[None])[0]
    decision = decide(samples, matches, gallery.photographs, gallery.size)
    tracker.set_named(track, named=decision.state is State.RECOGNISED)
    return None if tracker.in_doubt(track) else decision


def sample(
    engine: Engine, tracker: Tracker, rgb: Pixels, tracked: list[TrackedDetection], at: float
) -> list[int]:
    wanted = [place for place, one in enumerate(tracked) if one.encode]
    tracks = [one.track for one in tracked]
    faces = engine.encode(rgb, [tracked[place].detection for place in wanted])
    for place, face in zip(wanted, faces, strict=True):
        tracks[place] = tracker.add_sample(tracks[place], face, at)
    return tracks


@pytest.fixture(scope="module")
def shown(engine: Engine, gallery: Gallery) -> list[Shown]:
    tracker, film = Tracker(), []
    for number, rgb in frames():
        at = number / FILM_RATE
        tracked = tracker.update(engine.detect(rgb), at)
        tracks = sample(engine, tracker, rgb, tracked, at)
        decisions = [found for track in tracks if (found := decided(tracker, gallery, track))]
        names = [decision.id for decision in assign(decisions) if decision.id]
        assert len(names) == len(set(names))
        film.append(Shown(number, frozenset(names), len(tracked), sum(bool(one.encode) for one in tracked)))
    return film


def test_who_sings_is_named_within_a_second_and_kept(shown: list[Shown]) -> None:
    alone = [one for one in shown if 85 <= one.frame <= 210]
    named = [one.frame for one in alone if "lin_manuel_miranda" in one.names]
    assert named[0] <= 85 + FILM_RATE
    assert len(named) >= 0.75 * len(alone)


def test_nobody_is_named_who_is_not_there(shown: list[Shown]) -> None:
    everybody = frozenset[str]().union(*(one.names for one in shown))
    assert everybody <= {"lin_manuel_miranda", "alex_lacamoire", "obama"}


def test_no_name_survives_a_cut(shown: list[Shown]) -> None:
    assert not [one.frame for one in shown if 24 <= one.frame < 80 and "lin_manuel_miranda" in one.names]
    assert not [one.frame for one in shown if one.frame >= 216 and "lin_manuel_miranda" in one.names]


def test_a_known_face_is_not_encoded_every_frame(shown: list[Shown]) -> None:
    assert sum(one.encoded for one in shown) < 0.65 * sum(one.faces for one in shown)
