"""The checks of enrolment on LFW: `python -m benchmarks.enrolment` prints a table, after half a minute of one core.

A school of the hundred people with several images. A person who is enrolled is enrolled again as another student, with
three photographs one after the other; a person who is not is enrolled for the first time; a photograph of another
person is added to a student's own. Rules and limits are those of `attendance.faces.similarity`; further rows show what
each half of the first rule would find. "Spoiled": a photograph of another person is among those that are enrolled.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from attendance.faces.similarity import (
    LOOKS_LIKE_ANOTHER,
    OF_ANOTHER,
    UNLIKE_OWN,
    Closeness,
    closeness_by_student,
    is_probably_another,
    is_unlike,
)
from benchmarks.lfw import Pictures, load
from recognition.engine.types import Array

ROUNDS, COMING, MOST = 6, 3, 3
SEED = 11
Rows = NDArray[np.int64]
Results = defaultdict[str, list[bool]]
RULES: dict[str, Callable[[Closeness], Closeness]] = {
    "": lambda closeness: closeness,
    ", by nearest alone": lambda closeness: Closeness(closeness.nearest, closeness.row, closeness.nearest),
    ", by means alone": lambda closeness: Closeness(closeness.mean, closeness.row, closeness.mean),
}


class School:
    """A random choice, for each person, of the images that are enrolled and those that are added later."""

    def __init__(self, pictures: Pictures, rng: np.random.Generator) -> None:
        self.templates = pictures.templates
        self.order = [rng.permutation(pictures.of(person)) for person in range(pictures.people)]
        self.strangers = np.nonzero((pictures.person >= pictures.people) & pictures.found)[0]

    def enrolled(self, person: int, photographs: int, *, spoiled: bool = False) -> Rows:
        """Return the enrolled rows of a person; `spoiled` adds the first of the next person."""
        rows = self.order[person][:photographs]
        wrong = self.order[(person + 1) % len(self.order)][:1]
        return np.concatenate([rows, wrong]) if spoiled else rows

    def later_rows(self, person: int) -> Rows:
        """Return the rows that are added later; never one of those enrolled."""
        return self.order[person][MOST:][:COMING]

    def all_templates(self, photographs: int, *, without: int = -1) -> tuple[Array, list[str]]:
        """Return templates and owners of the whole school, optionally without one person."""
        rows = {
            person: self.enrolled(person, photographs)
            for person in range(len(self.order))
            if person != without
        }
        ids = [str(person) for person, of_person in rows.items() for _ in of_person]
        return self.templates[np.concatenate(list(rows.values()))], ids

    def templates_of(self, rows: Rows) -> tuple[Array, list[str]]:
        """Return templates and owners of one student."""
        return self.templates[rows], [""] * len(rows)

    def closeness_to_own(self, row: int, rows: Rows) -> Closeness | None:
        """Return how near an image is to a student's own, if there are any."""
        return closeness_by_student(self.templates[row], *self.templates_of(rows)).get("")

    def is_held_back(self, row: int, others: tuple[Array, list[str]], own: Rows, rule: str = "") -> bool:
        """Return whether a photograph is held back because it may be one of `others`."""
        read = RULES[rule]
        own_closeness = self.closeness_to_own(row, own)
        closeness_to_others = closeness_by_student(self.templates[row], *others).values()
        return any(
            is_probably_another(read(closeness), read(own_closeness) if own_closeness else None)
            for closeness in closeness_to_others
        )


def second_enrolments(school: School, photographs: int, results: Results) -> None:
    """Enrol each person again as a new student: is it found at the first photograph, and by the third?"""
    for person in range(len(school.order)):
        for spoiled in (False, True):
            others = school.templates_of(school.enrolled(person, photographs, spoiled=spoiled))
            name = f"enrolled twice, first has {photographs}{' and a wrong one' if spoiled else ''}"
            later_rows = school.later_rows(person)
            for rule in RULES:
                found = [
                    school.is_held_back(row, others, later_rows[:at], rule)
                    for at, row in enumerate(later_rows)
                ]
                results[f"{name}: found at the first{rule}"].append(found[0])
                if not rule:
                    results[f"{name}: found by the third"].append(any(found))


def false_warnings(school: School, photographs: int, results: Results) -> None:
    """Enrol new persons: the strangers with their one image, and each of the hundred among the others."""
    others = school.all_templates(photographs)
    nobody, strangers = school.strangers[:0], [int(row) for row in school.strangers]
    for rule in RULES:
        name = f"new in a school of 100, each has {photographs}: warned{rule}"
        results[name] += [school.is_held_back(row, others, nobody, rule) for row in strangers]
    for person in range(len(school.order)):
        others, later_rows = school.all_templates(photographs, without=person), school.later_rows(person)
        found = [school.is_held_back(row, others, later_rows[:at]) for at, row in enumerate(later_rows)]
        results[f"one of the hundred, new among the others with {photographs}: warned by the third"].append(
            any(found)
        )


def wrong_pictures(school: School, photographs: int, results: Results) -> None:
    """Add an image of the student, and one of each other person, to a student who has photographs."""
    all_templates = school.all_templates(photographs)
    for person in range(len(school.order)):
        row = school.later_rows(person)[0]
        for key, closeness in closeness_by_student(school.templates[row], *all_templates).items():
            right = key == str(person)
            name = "a right picture is held as unlike" if right else "a wrong picture is not held as unlike"
            results[f"{name}, beside {photographs}"].append(is_unlike(closeness) == right)


def measured() -> Results:
    """Return the outcomes of all cases, by name."""
    rng = np.random.default_rng(SEED)
    pictures, results = load(), Results(list)
    for _ in range(ROUNDS):
        school = School(pictures, rng)
        for photographs in range(1, MOST + 1):
            second_enrolments(school, photographs, results)
            wrong_pictures(school, photographs, results)
            false_warnings(school, photographs, results)
    return results


def main() -> None:
    """Measure and print the rows."""
    print(f"limits: {LOOKS_LIKE_ANOTHER} another's, {OF_ANOTHER} nearer another, {UNLIKE_OWN} unlike own")
    for name, outcomes in sorted(measured().items()):
        print(f"{name:88} {np.mean(outcomes):8.4f}  of {len(outcomes)}")


if __name__ == "__main__":
    main()
