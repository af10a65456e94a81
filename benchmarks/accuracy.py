"""Accuracy on LFW: `python -m benchmarks.accuracy`; a table on screen, JSON in var/bench/accuracy.json.

Random classes of 30 of the hundred people with several images, three of each enrolled (their unit mean), the others
as probes. Strangers in stills are the 300 of `strangers/`; separate rows have the seventy people outside the class,
some of whom resemble students in it. Strangers in tracks are only those seventy. A track is three stills of one
person, which differ more than frames of a film. The first rows take the threshold from the strangers of this run, as
ISO/IEC 19795 does; the rows of names use the product's functions and defaults. Intervals are 95 %: bootstrap over
people, because images of one person are not independent, or Wilson's.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from benchmarks.calibrate import mean_of
from benchmarks.lfw import CACHE, Pictures, load
from recognition.engine.gallery import Gallery
from recognition.engine.identification.decision import decide, propose
from recognition.engine.types import Decision, Match, Sample, State

CLASS, ENROLLED, TRACK = 30, 3, 3
SEED = 41
Rows = NDArray[np.int64]
Floats = NDArray[np.float64]
Interval = tuple[float, float]


@dataclass(slots=True, eq=False)
class Probes:
    """The results of one kind of probe.

    For each probe: the person, the distance of the nearest subject, whether that is the person (`right`; False for
    strangers), the image's quality, and the decision of the product's rules.
    """

    person: list[int] = field(default_factory=list)
    distance: list[float] = field(default_factory=list)
    right: list[bool] = field(default_factory=list)
    quality: list[float] = field(default_factory=list)
    decisions: list[Decision] = field(default_factory=list)

    def add(self, person: int, matches: list[Match], quality: float, decision: Decision) -> None:
        """Add a probe and the decision about it."""
        self.person.append(person)
        self.distance.append(matches[0].distance)
        self.right.append(matches[0].id == str(person))
        self.quality.append(quality)
        self.decisions.append(decision)


@dataclass(slots=True, eq=False)
class Result:
    """The probes of students and strangers, in single stills and in tracks."""

    stills: Probes = field(default_factory=Probes)
    still_strangers: Probes = field(default_factory=Probes)
    still_others: Probes = field(default_factory=Probes)
    tracks: Probes = field(default_factory=Probes)
    track_strangers: Probes = field(default_factory=Probes)


def random_tracks(rows: Rows, count: int, rng: np.random.Generator) -> Iterator[Rows]:
    """Yield `count` random tracks of TRACK rows; none where there are too few rows."""
    if len(rows) >= TRACK:
        for _ in range(count):
            yield rng.permutation(rows)[:TRACK]


class School:
    """Draws random classes and applies the product's rules to their probes."""

    def __init__(self, pictures: Pictures, rng: np.random.Generator) -> None:
        self.pictures, self.rng, self.result = pictures, rng, Result()
        rows = {person: pictures.of(person) for person in range(int(pictures.person.max()) + 1)}
        self.rows = {person: mine for person, mine in rows.items() if len(mine)}
        self.able = [person for person in range(pictures.people) if len(rows[person]) > ENROLLED + TRACK - 1]

    def measure_class(self) -> None:
        """Measure one random class with probes of all people, inside and outside."""
        members = self.rng.choice(self.able, CLASS, replace=False).tolist()
        order = {person: self.rng.permutation(self.rows[person]) for person in members}
        enrolled = np.concatenate([order[person][:ENROLLED] for person in members])
        ids = [str(person) for person in members for _ in range(ENROLLED)]
        gallery = Gallery.build_means(self.pictures.templates[enrolled], ids)
        for person, mine in self.rows.items():
            probes = order[person][ENROLLED:] if person in order else mine
            self._stills(gallery, person, probes, self._kind(person, student=person in order, track=False))
            tracks = list(random_tracks(probes, 2, self.rng))
            self._tracks(gallery, person, tracks, self._kind(person, student=person in order, track=True))

    def _kind(self, person: int, *, student: bool, track: bool) -> Probes:
        if track:
            return self.result.tracks if student else self.result.track_strangers
        is_single = person >= self.pictures.people
        others = self.result.still_strangers if is_single else self.result.still_others
        return self.result.stills if student else others

    def _stills(self, gallery: Gallery, person: int, probes: Rows, into: Probes) -> None:
        found = gallery.search(self.pictures.templates[probes])
        for row, matches in zip(probes, found, strict=True):
            decision = propose(matches, gallery.photographs, gallery.size)
            into.add(person, matches, float(self.pictures.quality[row]), decision)

    def _tracks(self, gallery: Gallery, person: int, tracks: list[Rows], into: Probes) -> None:
        for rows in tracks:
            samples = [
                Sample(self.pictures.templates[row], float(self.pictures.quality[row]), float(at))
                for at, row in enumerate(rows)
            ]
            matches = gallery.search(mean_of(self.pictures.templates[rows])[None])[0]
            into.add(person, matches, 0.0, decide(samples, matches, gallery.photographs, gallery.size))


def wilson(hits: int, of: int) -> Interval:
    """Return Wilson's score interval of a proportion."""
    z, p = 1.96, hits / of
    middle, half = p + z * z / (2 * of), z * float(np.sqrt(p * (1 - p) / of + z * z / (4 * of * of)))
    return (middle - half) / (1 + z * z / of), (middle + half) / (1 + z * z / of)


def over_people(person: Rows, hit: NDArray[np.bool_], rng: np.random.Generator) -> Interval:
    """Return the bootstrap interval of a rate, drawing people and not probes."""
    _, who = np.unique(person, return_inverse=True)
    hits, counts = np.bincount(who, hit), np.bincount(who)
    draws = rng.integers(0, len(counts), (2000, len(counts)))
    low, high = np.quantile(hits[draws].sum(axis=1) / counts[draws].sum(axis=1), [0.025, 0.975])
    return float(low), float(high)


def tpir(students: Probes, strangers: Probes, fpir: float, rng: np.random.Generator) -> dict[str, object]:
    """Return the part of students identified at the threshold where `fpir` of the strangers are identified too."""
    limit = float(np.quantile(np.array(strangers.distance), fpir))
    hit = np.array(students.right) & (np.array(students.distance) <= limit)
    low, high = over_people(np.array(students.person), hit, rng)
    return {"value": float(hit.mean()), "low": low, "high": high, "distance": limit, "probes": len(hit)}


def wrong_name_rate(probes: Probes, named: State, *, students: bool) -> dict[str, object]:
    """Return how often the product's rules give a name that is not this person's."""
    wrong = sum(
        decision.state is named and (not students or decision.candidates[0].id != str(person))
        for person, decision in zip(probes.person, probes.decisions, strict=True)
    )
    low, high = wilson(wrong, len(probes.decisions))
    return {
        "value": wrong / len(probes.decisions),
        "low": low,
        "high": high,
        "wrong": wrong,
        "probes": len(probes.decisions),
    }


def right_name_rate(probes: Probes, named: State, rng: np.random.Generator) -> dict[str, object]:
    """Return how often the product's rules give this person's name."""
    hit = np.array(
        [
            decision.state is named and decision.candidates[0].id == str(person)
            for person, decision in zip(probes.person, probes.decisions, strict=True)
        ]
    )
    low, high = over_people(np.array(probes.person), hit, rng)
    return {"value": float(hit.mean()), "low": low, "high": high, "probes": len(hit)}


def rejection(result: Result, fpir: float, rng: np.random.Generator) -> dict[str, object]:
    """Return how rejecting the tenth with the lowest `Quality.score` changes the miss rate of the others."""
    limit = float(np.quantile(np.array(result.still_strangers.distance), fpir))
    quality, person = np.array(result.stills.quality), np.array(result.stills.person)
    miss = ~(np.array(result.stills.right) & (np.array(result.stills.distance) <= limit))
    kept = quality > np.quantile(quality, 0.1)
    _, who = np.unique(person, return_inverse=True)
    draws = rng.integers(0, who.max() + 1, (2000, who.max() + 1))

    def rate(of: NDArray[np.bool_]) -> Floats:
        misses, counts = (
            np.bincount(who[of], miss[of], who.max() + 1),
            np.bincount(who[of], minlength=who.max() + 1),
        )
        return np.asarray(misses[draws].sum(axis=1) / np.maximum(counts[draws].sum(axis=1), 1))

    change = rate(kept) / np.maximum(rate(np.ones_like(kept)), 1e-9) - 1
    low, high = np.quantile(change, [0.025, 0.975])
    return {
        "value": float(miss[kept].mean() / miss.mean() - 1),
        "low": float(low),
        "high": float(high),
        "all": float(miss.mean()),
        "kept": float(miss[kept].mean()),
        "worst": float(miss[~kept].mean()),
    }


def calibration_error(result: Result) -> dict[str, object]:
    """Return the mean difference between confidence and the part that was right, half the faces being students."""
    gaps, weights = [], []
    for students, strangers in (
        (result.stills, result.still_strangers),
        (result.tracks, result.track_strangers),
    ):
        confidence = np.array(
            [decision.confidence or 0.0 for decision in students.decisions + strangers.decisions]
        )
        right = np.array(students.right + [False] * len(strangers.decisions))
        weight = np.repeat(
            [0.5 / len(students.decisions), 0.5 / len(strangers.decisions)],
            [len(students.decisions), len(strangers.decisions)],
        )
        for low in np.arange(0, 1, 0.1):
            among = (confidence >= low) & (confidence < low + 0.1 + (low > 0.85))
            if among.any():
                mass = weight[among].sum()
                gaps.append(
                    abs(
                        np.average(confidence[among], weights=weight[among])
                        - np.average(right[among], weights=weight[among])
                    )
                )
                weights.append(mass)
    return {"value": float(np.average(gaps, weights=weights))}


def identification_rates(result: Result, rng: np.random.Generator) -> dict[str, dict[str, object]]:
    """Return the rows at thresholds taken from this run's strangers."""
    rows: dict[str, dict[str, object]] = {}
    for name, fpir in (("1 %", 1e-2), ("0.1 %", 1e-3)):
        rows[f"one still, TPIR at FPIR {name}"] = tpir(result.stills, result.still_strangers, fpir, rng)
        rows[f"one still, TPIR at FPIR {name}, by the people outside"] = tpir(
            result.stills, result.still_others, fpir, rng
        )
    for name, fpir in (("1 %", 1e-2), ("0.1 %", 1e-3), ("0.01 %", 1e-4)):
        rows[f"three stills as a track, TPIR at FPIR {name}"] = tpir(
            result.tracks, result.track_strangers, fpir, rng
        )
    return rows


def name_rates(result: Result, rng: np.random.Generator) -> dict[str, dict[str, object]]:
    """Return the rows of the product's functions and defaults."""
    rows: dict[str, dict[str, object]] = {}
    rows["defaults, one still: right student proposed"] = right_name_rate(
        result.stills, State.CONFIRMING, rng
    )
    rows["defaults, one still: wrong student proposed"] = wrong_name_rate(
        result.stills, State.CONFIRMING, students=True
    )
    rows["defaults, one still: stranger proposed"] = wrong_name_rate(
        result.still_strangers, State.CONFIRMING, students=False
    )
    rows["defaults, track: right student named"] = right_name_rate(result.tracks, State.RECOGNISED, rng)
    rows["defaults, track: wrong student named"] = wrong_name_rate(
        result.tracks, State.RECOGNISED, students=True
    )
    rows["defaults, track: stranger named"] = wrong_name_rate(
        result.track_strangers, State.RECOGNISED, students=False
    )
    return rows


def measured(classes: int) -> dict[str, dict[str, object]]:
    """Return all rows by name."""
    rng = np.random.default_rng(SEED)
    pictures = load()
    school = School(pictures, rng)
    for _ in range(classes):
        school.measure_class()
    result = school.result
    found = int(pictures.found.sum())
    low, high = wilson(found, len(pictures.found))
    rows: dict[str, dict[str, object]] = {
        "faces found": {
            "value": found / len(pictures.found),
            "low": low,
            "high": high,
            "probes": len(pictures.found),
        }
    }
    rows |= identification_rates(result, rng) | name_rates(result, rng)
    rows["worst tenth by quality rejected: change of misses at FPIR 0.1 %"] = rejection(result, 1e-3, rng)
    rows["confidence: mean gap to what was right"] = calibration_error(result)
    return rows


def main() -> None:
    """Measure, print and write the rows."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--classes", type=int, default=150, help="random classes to draw")
    rows = measured(arguments.parse_args().classes)
    print(f"{'LFW, classes of 30, 3 templates, mean':68} {'value':>8}  95 % interval")
    for name, row in rows.items():
        interval = f"{row['low']:.5f} to {row['high']:.5f}" if "low" in row else ""
        more = ", ".join(
            f"{key} {value:.4g}" for key, value in row.items() if key not in {"value", "low", "high"}
        )
        print(f"{name:68} {row['value']:8.5f}  {interval}  {more}")
    path = CACHE.parent / "accuracy.json"
    path.write_text(json.dumps(rows, indent=2))


if __name__ == "__main__":
    main()
