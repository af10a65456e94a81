"""Who is it, who may be asked about, and who is nobody we know: open-set rules as pure functions.

A name belongs to a track: the mean template of its good and different looks is searched once, and the
threshold depends on how many looks and how many enrolment photographs stand behind that distance (FACTS.md:
far better than votes). No name ever comes from a single look. Nothing here keeps state or reads a clock.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence, Set
from dataclasses import replace
from typing import Final

import numpy as np

from recognition.engine.identification.calibration import Calibration
from recognition.engine.identification.defaults import DEFAULT
from recognition.engine.types import Array, Decision, Look, Match, State

# A name needs two looks; with five there is no hurry left and no more to gain from waiting (FACTS.md).
FEWEST_LOOKS: Final = 2
PATIENCE: Final = 5
# Of a long track the best looks; beyond a dozen the mean no longer moves.
MOST_LOOKS: Final = 12
# Looks differ if so many seconds or so much distance lie between them: frames of one moment say the same.
_APART_SECONDS: Final = 0.2
_APART_DISTANCE: Final = 0.12
# A look of less than this part of the best one's quality only spoils the mean.
_WORTH: Final = 0.5
# To the second subject: two stills named 2 of 9,000 wrongly without a margin and none with 0.08 (FACTS.md);
# a track that joined two people lay 0.025 from the wrong one.
_MARGIN_FEW: Final = 0.08
_MARGIN: Final = 0.05
_MARGIN_CONFUSABLE: Final = 0.12
# Two faces of one frame that claim one student by less than this: ask, do not guess.
_TIE: Final = 0.02
# Up to where a face may still be somebody of the class, and the teacher is asked: the FPIR of that distance.
_POSSIBLE: Final = 0.25

Pairs = Set[frozenset[str]]
NONE: Final[frozenset[str]] = frozenset()
NO_PAIRS: Final[frozenset[frozenset[str]]] = frozenset()


def select(looks: Sequence[Look]) -> tuple[Look, ...]:
    """The good and different looks, best first, at most MOST_LOOKS. Selecting twice changes nothing."""
    ranked = sorted(looks, key=lambda look: (-look.quality, look.at))
    chosen: list[Look] = []
    for look in ranked:
        if len(chosen) == MOST_LOOKS or look.quality < _WORTH * ranked[0].quality:
            break
        if all(_different(look, other) for other in chosen):
            chosen.append(look)
    return tuple(chosen)


def template_of(looks: Sequence[Look]) -> Array:
    """The unit template (128,) of a track: mean of its selected looks, weighted by quality.

    Raises ValueError without any look.
    """
    chosen = select(looks)
    if not chosen:
        raise ValueError("a track without looks has no template")
    weights = np.array([max(look.quality, 0.05) for look in chosen])
    mean = np.average(np.stack([look.template for look in chosen]), axis=0, weights=weights)
    return np.asarray(mean / np.linalg.norm(mean), np.float32)


def threshold(looks: int, photographs: int, gallery_size: int, calibration: Calibration = DEFAULT) -> float:
    """The distance up to which a name may be given: strict while looks are few, patient later."""
    fpir = calibration.early if looks < PATIENCE else calibration.patient
    return calibration.threshold(looks, photographs, gallery_size, fpir)


def margin(looks: int, *, confusable: bool = False) -> float:
    """How much further the second subject must lie than the first."""
    if confusable:
        return _MARGIN_CONFUSABLE
    return _MARGIN_FEW if looks <= FEWEST_LOOKS else _MARGIN


def decide(
    looks: Sequence[Look],
    matches: Sequence[Match],
    photographs: Callable[[str], int],
    gallery_size: int,
    calibration: Calibration = DEFAULT,
    *,
    confusable: Pairs = NO_PAIRS,
    blocked: Set[str] = NONE,
) -> Decision:
    """What a track's looks amount to, given the nearest subjects of their `template_of` (two or more, best first).

    `photographs` tells a subject's number of enrolment photographs (`Gallery.photographs`); `confusable`
    holds pairs of ids that need a larger margin; `blocked` holds ids that a person said this face is not:
    never named, and still in the way of a lookalike.
    """
    count = len(select(looks))
    found = _judged(
        count,
        matches,
        photographs=photographs,
        gallery_size=gallery_size,
        calibration=calibration,
        confusable=confusable,
        blocked=blocked,
        wait=count < PATIENCE,
    )
    if found.candidates and count < FEWEST_LOOKS:
        return replace(found, state=State.CONFIRMING, id=None)
    return found


def propose(
    matches: Sequence[Match],
    photographs: Callable[[str], int],
    gallery_size: int,
    calibration: Calibration = DEFAULT,
    *,
    confusable: Pairs = NO_PAIRS,
    blocked: Set[str] = NONE,
) -> Decision:
    """What one still (a group photograph) amounts to: a proposal that a person confirms, never a name.

    CONFIRMING where a name lies under the strict one-look threshold with its margin, else UNCERTAIN or UNKNOWN.
    """
    found = _judged(
        1,
        matches,
        photographs=photographs,
        gallery_size=gallery_size,
        calibration=calibration,
        confusable=confusable,
        blocked=blocked,
        wait=False,
    )
    return replace(found, state=State.CONFIRMING, id=None) if found.state is State.RECOGNISED else found


def stranger(decision: Decision) -> bool:
    """Whether a track has had all the looks that it needs, and is nobody of its class all the same."""
    return decision.state is State.UNKNOWN and decision.looks >= PATIENCE


def visitor(
    looks: Sequence[Look],
    matches: Sequence[Match],
    photographs: Callable[[str], int],
    gallery_size: int,
    calibration: Calibration = DEFAULT,
    *,
    never: Set[str] = NONE,
) -> str | None:
    """Whom of the whole school a `stranger` may be asked about; never a name, so there is no Decision.

    Nobody is expected here, so the strict rate holds although looks are many, in a gallery of the school's size, and
    everybody needs the lead that confusable pairs do. Where the nearest is in `never` (the class itself, or whom a
    person ruled out) nobody else is proposed in their place.
    """
    count = len(select(looks))
    if count < PATIENCE or not matches or matches[0].id in never:
        return None
    best = matches[0]
    second = min((match.distance for match in matches if match.id != best.id), default=math.inf)
    limit = calibration.threshold(count, photographs(best.id), gallery_size, calibration.early)
    near = best.distance <= limit and second - best.distance >= margin(count, confusable=True)
    return best.id if near else None


def assign(decisions: Sequence[Decision], *, claiming: State = State.RECOGNISED) -> list[Decision]:
    """One student per face and one face per student within a frame.

    A face claims only its best student (a second best is never a name), so the claims of a frame form stars
    around students, and the best assignment - most faces named, least total distance - is each star's
    shortest ray: no search is needed for the optimum. The losers, and both of a tie, become UNCERTAIN.
    `claiming` is CONFIRMING for the proposals of a still.
    """
    claims: dict[str, list[tuple[float, int]]] = {}
    for at, decision in enumerate(decisions):
        if decision.state is claiming and decision.distance is not None:
            claims.setdefault(decision.candidates[0].id, []).append((decision.distance, at))
    result = list(decisions)
    for rays in claims.values():
        rays.sort()
        tied = len(rays) > 1 and rays[1][0] - rays[0][0] < _TIE
        for _, at in rays if tied else rays[1:]:
            result[at] = replace(result[at], state=State.UNCERTAIN, id=None)
    return result


def _judged(
    count: int,
    matches: Sequence[Match],
    *,
    photographs: Callable[[str], int],
    gallery_size: int,
    calibration: Calibration,
    confusable: Pairs,
    blocked: Set[str],
    wait: bool,
) -> Decision:
    # Blocked ids stay among the rivals: whoever resembles somebody blocked is not named in their place.
    best = next((match for match in matches if match.id not in blocked), None)
    if best is None:
        return Decision(State.UNKNOWN, None, None, None, None, count, ())
    second = min((match for match in matches if match.id != best.id), key=_distance, default=None)
    behind = photographs(best.id)
    gap = None if second is None else second.distance - best.distance
    twins = second is not None and frozenset((best.id, second.id)) in confusable
    near = best.distance <= threshold(count, behind, gallery_size, calibration)
    clear = gap is None or gap >= margin(count, confusable=twins)
    possible = best.distance <= calibration.threshold(count, behind, gallery_size, _POSSIBLE)
    wait = wait and not (near and twins) and (possible or count <= FEWEST_LOOKS)
    state = _state(named=near and clear, wait=wait, possible=possible)
    return Decision(
        state=state,
        id=best.id if state is State.RECOGNISED else None,
        distance=best.distance,
        margin=gap,
        confidence=calibration.confidence(best.distance, count, behind, gallery_size),
        looks=count,
        candidates=(best,) if second is None else (best, second),
    )


def _state(*, named: bool, wait: bool, possible: bool) -> State:
    if named:
        return State.RECOGNISED
    if wait:
        return State.CONFIRMING
    return State.UNCERTAIN if possible else State.UNKNOWN


def _different(one: Look, other: Look) -> bool:
    if abs(one.at - other.at) >= _APART_SECONDS:
        return True
    return float(np.linalg.norm(one.template - other.template)) >= _APART_DISTANCE


def _distance(match: Match) -> float:
    return match.distance
