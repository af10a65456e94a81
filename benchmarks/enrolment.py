"""What enrolment's comparisons find on LFW: `python -m benchmarks.enrolment`; half a minute of one core once the
templates are made, a table on screen.

A school of the hundred people with several pictures. Somebody who is enrolled comes again as another student, with
three pictures in turn; somebody who is not comes for the first time; a wrong picture comes among a student's own.
Rules and limits are those of `attendance.faces.similarity`, beside them what one half of the first rule alone would
find.
"Spoiled": one picture of somebody else is among the photographs.
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
    is_anothers,
    is_unlike,
    of_each,
)
from benchmarks.lfw import Pictures, load
from recognition.engine.types import Array

ROUNDS, COMING, MOST = 6, 3, 3
SEED = 11
Rows = NDArray[np.int64]
Results = defaultdict[str, list[bool]]
RULES: dict[str, Callable[[Closeness], Closeness]] = {
    "": lambda one: one,
    ", by nearest alone": lambda one: Closeness(one.nearest, one.row, one.nearest),
    ", by means alone": lambda one: Closeness(one.mean, one.row, one.mean),
}


class School:
    """One random choice of whose pictures are enrolled and whose come, in an order of its own for each person."""

    def __init__(self, pictures: Pictures, rng: np.random.Generator) -> None:
        self.templates = pictures.templates
        self.order = [rng.permutation(pictures.of(person)) for person in range(pictures.people)]
        self.strangers = np.nonzero((pictures.person >= pictures.people) & pictures.found)[0]

    def enrolled(self, person: int, photographs: int, *, spoiled: bool = False) -> Rows:
        """The rows enrolled of a person; spoiled, the first of the next person's is one more of them."""
        mine = self.order[person][:photographs]
        wrong = self.order[(person + 1) % len(self.order)][:1]
        return np.concatenate([mine, wrong]) if spoiled else mine

    def coming(self, person: int) -> Rows:
        """The rows that come later; never one of those enrolled."""
        return self.order[person][MOST:][:COMING]

    def everybody(self, photographs: int, *, but: int = -1) -> tuple[Array, list[str]]:
        """Templates and owners of the whole school."""
        rows = {
            person: self.enrolled(person, photographs) for person in range(len(self.order)) if person != but
        }
        ids = [str(person) for person, mine in rows.items() for _ in mine]
        return self.templates[np.concatenate(list(rows.values()))], ids

    def one(self, rows: Rows) -> tuple[Array, list[str]]:
        """Templates and owners of one student."""
        return self.templates[rows], [""] * len(rows)

    def own(self, row: int, rows: Rows) -> Closeness | None:
        """A picture against a student's own, if there are any."""
        return of_each(self.templates[row], *self.one(rows)).get("")

    def warned(self, row: int, others: tuple[Array, list[str]], own: Rows, rule: str = "") -> bool:
        """Whether a picture is held back because it may be one of `others`."""
        read = RULES[rule]
        mine = self.own(row, own)
        theirs = of_each(self.templates[row], *others).values()
        return any(is_anothers(read(one), read(mine) if mine else None) for one in theirs)


def second_enrolments(school: School, photographs: int, results: Results) -> None:
    """Everybody once more, as a student without photographs: found at the first picture, and by the third."""
    for person in range(len(school.order)):
        for spoiled in (False, True):
            others = school.one(school.enrolled(person, photographs, spoiled=spoiled))
            name = f"enrolled twice, first has {photographs}{' and a wrong one' if spoiled else ''}"
            coming = school.coming(person)
            for rule in RULES:
                found = [school.warned(row, others, coming[:at], rule) for at, row in enumerate(coming)]
                results[f"{name}: found at the first{rule}"].append(found[0])
                if not rule:
                    results[f"{name}: found by the third"].append(any(found))


def false_warnings(school: School, photographs: int, results: Results) -> None:
    """Whoever is new: the strangers with their one picture, and each of the hundred against the others."""
    others = school.everybody(photographs)
    nobody, strangers = school.strangers[:0], [int(row) for row in school.strangers]
    for rule in RULES:
        name = f"new in a school of 100, each has {photographs}: warned{rule}"
        results[name] += [school.warned(row, others, nobody, rule) for row in strangers]
    for person in range(len(school.order)):
        others, coming = school.everybody(photographs, but=person), school.coming(person)
        found = [school.warned(row, others, coming[:at]) for at, row in enumerate(coming)]
        results[f"one of the hundred, new among the others with {photographs}: warned by the third"].append(
            any(found)
        )


def wrong_pictures(school: School, photographs: int, results: Results) -> None:
    """A picture of oneself, and one of each other person, come to a student who has photographs."""
    everybody = school.everybody(photographs)
    for person in range(len(school.order)):
        row = school.coming(person)[0]
        for key, one in of_each(school.templates[row], *everybody).items():
            right = key == str(person)
            name = "a right picture is held as unlike" if right else "a wrong picture is not held as unlike"
            results[f"{name}, beside {photographs}"].append(is_unlike(one) == right)


def measured() -> Results:
    """All rows: what happened each time."""
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
    """Measure and print."""
    print(f"limits: {LOOKS_LIKE_ANOTHER} another's, {OF_ANOTHER} nearer another, {UNLIKE_OWN} unlike own")
    for name, happened in sorted(measured().items()):
        print(f"{name:88} {np.mean(happened):8.4f}  of {len(happened)}")


if __name__ == "__main__":
    main()
