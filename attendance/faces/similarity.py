"""How close a new face lies to each student, and when that speaks against its owner. No database in here.

Distances are L2 between unit templates of 128 numbers. The figures are of LFW, all from
`python -m benchmarks.enrolment`: a hundred people with several pictures, 300 with one; six rounds, 600 second
enrolments and 1,800 new pictures for each number.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from recognition.engine.types import Array

LOOKS_LIKE_ANOTHER = 0.31
"""Nearer than this to another student's mean, or to any one template, a picture is held back. Of people who come again
as another student the first picture finds 94 % where the first enrolment has three photographs (by means alone 93.5 %,
by the nearest alone 86), 86 % where it has two and a wrong one (71 and 80.5), 61 % where it has one; of three pictures
one finds 100, 99 and 88 %. Of new people's pictures 0.6 % are held back in a school of 100 with three photographs
each, so by that slope one in nine in a school of 2,000; of the hundred themselves, who have lookalikes among each
other, 7 % at one of three. At 0.30 the first picture finds 92, 81 and 53 % and 0.2 % are held back, at 0.32 it is 96,
90 and 68 %, and 1.1 %."""
OF_ANOTHER = 0.36
"""Within this (a look against one photograph: 1 % of strangers in a class of 30) it is also held back where all that
the student has, means and templates, lies farther away: then it is probably the other's picture."""
UNLIKE_OWN = 0.42
"""Farther than this from the nearest of the student's own photographs a picture is held back. That is 1.2 % of right
pictures beside one photograph, 0.2 % beside two or three; of wrong pictures 1.1, 1.6 and 2.1 % are not held back."""


@dataclass(frozen=True, slots=True, eq=False)
class Closeness:
    """A face and one student: L2 to the nearest of their templates, whose row that is, and L2 to their unit mean."""

    nearest: float
    row: int
    mean: float

    @property
    def least(self) -> float:
        """The mean is the better judge of a clean student, the nearest template sees through a spoiled mean."""
        return min(self.nearest, self.mean)


def means(vectors: Array, ids: Sequence[str]) -> tuple[Array, list[str]]:
    """One unit mean per id, from (N, 128) unit templates: ((M, 128), the M ids in the order of their first row)."""
    order = list(dict.fromkeys(ids))
    place = {key: row for row, key in enumerate(order)}
    sums = np.zeros((len(order), vectors.shape[1]), np.float32)
    np.add.at(sums, [place[key] for key in ids], vectors)
    lengths = np.linalg.norm(sums, axis=1, keepdims=True)
    return (sums / np.maximum(lengths, np.finfo(np.float32).tiny)).astype(np.float32), order


def of_each(template: Array, vectors: Array, ids: Sequence[str]) -> dict[str, Closeness]:
    """A unit template (128,) against each student's (N, 128), one id a row."""
    centres, order = means(vectors, ids)
    to_mean = np.linalg.norm(centres - template, axis=1).tolist()
    to_each = np.linalg.norm(vectors - template, axis=1)
    nearest: dict[str, int] = {}
    for row in np.argsort(to_each, kind="stable").tolist():
        nearest.setdefault(ids[row], row)
    return {
        key: Closeness(float(to_each[nearest[key]]), nearest[key], mean)
        for key, mean in zip(order, to_mean, strict=True)
    }


def is_anothers(theirs: Closeness, own: Closeness | None) -> bool:
    """Whether a face is probably that other student's; `own` is None for a student's first photograph."""
    nearer = own is not None and theirs.least < min(OF_ANOTHER, own.least)
    return nearer or theirs.least < LOOKS_LIKE_ANOTHER


def is_unlike(own: Closeness) -> bool:
    """Whether a face lies too far from all photographs that the student has."""
    return own.nearest > UNLIKE_OWN
