"""Whether a track is a student, may be one, or is unknown: open-set rules as pure functions.

A name belongs to a track: the mean template of its good and different samples is searched once, and the threshold
depends on how many samples and how many enrolment photographs stand behind that distance. In measurements this was far
better than counting the answers of single samples. A single sample never gives a name. Nothing here keeps state or
reads a clock, so everything is thread-safe.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence, Set
from dataclasses import replace
from typing import Final

import numpy as np

from recognition.engine.identification.calibration import Calibration
from recognition.engine.identification.defaults import DEFAULT
from recognition.engine.types import Array, Decision, Match, Sample, State

# A name needs two samples. From five on the mean hardly improves, so nothing is gained by waiting longer.
FEWEST_SAMPLES: Final = 2
MANY_SAMPLES: Final = 5
# Of a long track the best samples are used; beyond a dozen the mean no longer moves.
MOST_SAMPLES: Final = 12
# Samples are different if they are this many seconds or this distance apart: frames of one moment show the same.
_APART_SECONDS: Final = 0.2
_APART_DISTANCE: Final = 0.12
# A sample with less than this part of the best one's quality makes the mean worse.
_WORTH: Final = 0.5
# How much farther away the second subject must be. Measured once with two samples: 2 of 9,000 names were wrong
# without a margin, none with 0.08. A track that joined two people was 0.025 from the wrong one.
_MARGIN_FEW: Final = 0.08
_MARGIN: Final = 0.05
_MARGIN_CONFUSABLE: Final = 0.12
# Two faces of a frame whose distances to one student differ by less than this: a person is asked.
_TIE: Final = 0.02
# A face is possibly a student of the class, and a person is asked, up to the distance with this FPIR.
_POSSIBLE: Final = 0.25

Pairs = Set[frozenset[str]]
NONE: Final[frozenset[str]] = frozenset()
NO_PAIRS: Final[frozenset[frozenset[str]]] = frozenset()


def select(samples: Sequence[Sample]) -> tuple[Sample, ...]:
    """Return the good and different samples, best first, at most MOST_SAMPLES. Selecting twice changes nothing."""
    ranked = sorted(samples, key=lambda sample: (-sample.quality, sample.at))
    chosen: list[Sample] = []
    for sample in ranked:
        if len(chosen) == MOST_SAMPLES or sample.quality < _WORTH * ranked[0].quality:
            break
        if all(_different(sample, other) for other in chosen):
            chosen.append(sample)
    return tuple(chosen)


def template_of(samples: Sequence[Sample]) -> Array:
    """Return the unit template (128,) of a track: the mean of its selected samples, weighted by quality.

    Raises ValueError without any sample.
    """
    chosen = select(samples)
    if not chosen:
        raise ValueError("a track without samples has no template")
    weights = np.array([max(sample.quality, 0.05) for sample in chosen])
    mean = np.average(np.stack([sample.template for sample in chosen]), axis=0, weights=weights)
    return np.asarray(mean / np.linalg.norm(mean), np.float32)


def threshold(samples: int, photographs: int, gallery_size: int, calibration: Calibration = DEFAULT) -> float:
    """Return the distance up to which a name may be given: stricter while there are few samples."""
    fpir = calibration.fpir_few if samples < MANY_SAMPLES else calibration.fpir_many
    return calibration.threshold(samples, photographs, gallery_size, fpir)


def margin(samples: int, *, confusable: bool = False) -> float:
    """Return how much farther away than the first subject the second must be."""
    if confusable:
        return _MARGIN_CONFUSABLE
    return _MARGIN_FEW if samples <= FEWEST_SAMPLES else _MARGIN


def decide(
    samples: Sequence[Sample],
    matches: Sequence[Match],
    photographs: Callable[[str], int],
    gallery_size: int,
    calibration: Calibration = DEFAULT,
    *,
    confusable: Pairs = NO_PAIRS,
    rejected: Set[str] = NONE,
) -> Decision:
    """Return the decision about a track, given its samples and the nearest subjects of their `template_of`.

    `matches` are two or more, best first. `photographs` returns a subject's number of enrolment photographs
    (`Gallery.photographs`). `confusable` are pairs of ids that need a larger margin. `rejected` are ids that a person
    said this face is not: they are never named, and others must still be nearer than them by the margin.
    """
    count = len(select(samples))
    decision = _judge(
        count,
        matches,
        photographs=photographs,
        gallery_size=gallery_size,
        calibration=calibration,
        confusable=confusable,
        rejected=rejected,
        wait=count < MANY_SAMPLES,
    )
    if decision.candidates and count < FEWEST_SAMPLES:
        return replace(decision, state=State.CONFIRMING, id=None)
    return decision


def propose(
    matches: Sequence[Match],
    photographs: Callable[[str], int],
    gallery_size: int,
    calibration: Calibration = DEFAULT,
    *,
    confusable: Pairs = NO_PAIRS,
    rejected: Set[str] = NONE,
) -> Decision:
    """Return the decision about a face in a still image: a proposal that a person confirms, never a name.

    The state is CONFIRMING where the nearest subject is under the strict threshold for one sample and has its margin,
    else UNCERTAIN or UNKNOWN. Arguments are those of `decide`.
    """
    decision = _judge(
        1,
        matches,
        photographs=photographs,
        gallery_size=gallery_size,
        calibration=calibration,
        confusable=confusable,
        rejected=rejected,
        wait=False,
    )
    if decision.state is State.RECOGNISED:
        return replace(decision, state=State.CONFIRMING, id=None)
    return decision


def stranger(decision: Decision) -> bool:
    """Return whether a track is nobody of its class although it has all the samples that it needs."""
    return decision.state is State.UNKNOWN and decision.samples >= MANY_SAMPLES


def visitor(
    samples: Sequence[Sample],
    matches: Sequence[Match],
    photographs: Callable[[str], int],
    gallery_size: int,
    calibration: Calibration = DEFAULT,
    *,
    excluded: Set[str] = NONE,
) -> str | None:
    """Return the student of the whole school that a `stranger` may be, for a person to confirm; never a name.

    Nobody of the school is expected here. So the strict FPIR applies although there are many samples, in a gallery of
    the school's size, and everybody needs the margin of confusable pairs. `excluded` are the class itself and the
    students whom a person ruled out: where the nearest is one of these, nobody else is returned in their place.
    """
    count = len(select(samples))
    if count < MANY_SAMPLES or not matches or matches[0].id in excluded:
        return None
    best = matches[0]
    second = min((match.distance for match in matches if match.id != best.id), default=math.inf)
    limit = calibration.threshold(count, photographs(best.id), gallery_size, calibration.fpir_few)
    near = best.distance <= limit and second - best.distance >= margin(count, confusable=True)
    return best.id if near else None


def assign(decisions: Sequence[Decision], *, state: State = State.RECOGNISED) -> list[Decision]:
    """Return the decisions with one student per face and one face per student within a frame.

    A face competes only for its best student (a second best is never a name), so faces compete only with those of the
    same best student. The assignment with most names and least total distance therefore gives each student the nearest
    face, without a search. The other faces, and both of a tie, become UNCERTAIN. `state` is the state of the faces that
    compete: CONFIRMING for the proposals of a still image.
    """
    faces_of: dict[str, list[tuple[float, int]]] = {}
    for index, decision in enumerate(decisions):
        if decision.state is state and decision.distance is not None:
            faces_of.setdefault(decision.candidates[0].id, []).append((decision.distance, index))
    result = list(decisions)
    for faces in faces_of.values():
        faces.sort()
        tied = len(faces) > 1 and faces[1][0] - faces[0][0] < _TIE
        for _, index in faces if tied else faces[1:]:
            result[index] = replace(result[index], state=State.UNCERTAIN, id=None)
    return result


def _judge(
    count: int,
    matches: Sequence[Match],
    *,
    photographs: Callable[[str], int],
    gallery_size: int,
    calibration: Calibration,
    confusable: Pairs,
    rejected: Set[str],
    wait: bool,
) -> Decision:
    """Apply threshold and margin to `count` samples; `wait` says whether to wait for more before asking a person."""
    # Rejected ids stay among the rivals: nobody is named because they resemble a student who was rejected.
    best = next((match for match in matches if match.id not in rejected), None)
    if best is None:
        return Decision(State.UNKNOWN, None, None, None, None, count, ())
    second = min((match for match in matches if match.id != best.id), key=_distance, default=None)
    shots = photographs(best.id)
    gap = None if second is None else second.distance - best.distance
    twins = second is not None and frozenset((best.id, second.id)) in confusable
    near = best.distance <= threshold(count, shots, gallery_size, calibration)
    clear = gap is None or gap >= margin(count, confusable=twins)
    possible = best.distance <= calibration.threshold(count, shots, gallery_size, _POSSIBLE)
    wait = wait and not (near and twins) and (possible or count <= FEWEST_SAMPLES)
    state = _state(named=near and clear, wait=wait, possible=possible)
    return Decision(
        state=state,
        id=best.id if state is State.RECOGNISED else None,
        distance=best.distance,
        margin=gap,
        confidence=calibration.confidence(best.distance, count, shots, gallery_size),
        samples=count,
        candidates=(best,) if second is None else (best, second),
    )


def _state(*, named: bool, wait: bool, possible: bool) -> State:
    if named:
        return State.RECOGNISED
    if wait:
        return State.CONFIRMING
    return State.UNCERTAIN if possible else State.UNKNOWN


def _different(first: Sample, second: Sample) -> bool:
    if abs(first.at - second.at) >= _APART_SECONDS:
        return True
    return float(np.linalg.norm(first.template - second.template)) >= _APART_DISTANCE


def _distance(match: Match) -> float:
    return match.distance
