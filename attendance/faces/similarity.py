"""How close a new face is to each student, and when it is probably another student's. Without database.

Distances are L2 between unit templates of 128 numbers. The figures are of LFW, all from
`python -m benchmarks.enrolment`: a hundred people with several pictures, 300 with one; six rounds, 600 second
enrolments and 1,800 new pictures for each number.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from recognition.engine.types import Array

# A photograph nearer than this to another student's mean or to one of their templates is held back. Of people who are
# enrolled again as another student, the first photograph finds 94 % where the first enrolment has three photographs (by
# means alone 93.5 %, by the nearest alone 86), 86 % where it has two and a wrong one (71 and 80.5), 61 % where it has
# one; one of three photographs finds 100, 99 and 88 %. Of photographs of new people 0.6 % are held back in a school of
# 100 with three photographs each, which extrapolates to one in nine in a school of 2,000; of the hundred themselves,
# some of whom look alike, one of three photographs of 7 %. At 0.30 the first photograph finds 92, 81 and 53 %, and
# 0.2 % are held back; at 0.32 it is 96, 90 and 68 %, and 1.1 %.
LOOKS_LIKE_ANOTHER = 0.31
# A photograph within this distance of another student is also held back where the student's own mean and templates are
# farther away: then it is probably the other student's. (Compared with one photograph each, 1 % of strangers are this
# near to somebody in a class of 30.)
OF_ANOTHER = 0.36
# A photograph farther than this from all of the student's own is held back. This holds for 1.2 % of right photographs
# beside one, and 0.2 % beside two or three; of wrong photographs 1.1, 1.6 and 2.1 % are not held back.
UNLIKE_OWN = 0.42


@dataclass(frozen=True, slots=True, eq=False)
class Closeness:
    """A face compared with one student: L2 to the nearest template, the row of that, and L2 to the unit mean."""

    nearest: float
    row: int
    mean: float

    @property
    def least(self) -> float:
        """Return the smaller distance. The mean is more reliable, unless a wrong photograph is part of it."""
        return min(self.nearest, self.mean)


def means(vectors: Array, ids: Sequence[str]) -> tuple[Array, list[str]]:
    """Return the unit mean of each id, (M, 128), and the ids in the order of their first row.

    `vectors` are (N, 128) unit templates, `ids` the student of each.
    """
    order = list(dict.fromkeys(ids))
    row_of = {key: row for row, key in enumerate(order)}
    sums = np.zeros((len(order), vectors.shape[1]), np.float32)
    np.add.at(sums, [row_of[key] for key in ids], vectors)
    lengths = np.linalg.norm(sums, axis=1, keepdims=True)
    return (sums / np.maximum(lengths, np.finfo(np.float32).tiny)).astype(np.float32), order


def closeness_by_student(template: Array, vectors: Array, ids: Sequence[str]) -> dict[str, Closeness]:
    """Compare a unit template (128,) with the unit templates (N, 128) of the students `ids`, one for each row."""
    centres, order = means(vectors, ids)
    mean_distances = np.linalg.norm(centres - template, axis=1).tolist()
    distances = np.linalg.norm(vectors - template, axis=1)
    nearest_row: dict[str, int] = {}
    for row in np.argsort(distances, kind="stable").tolist():
        nearest_row.setdefault(ids[row], row)
    return {
        key: Closeness(float(distances[nearest_row[key]]), nearest_row[key], mean)
        for key, mean in zip(order, mean_distances, strict=True)
    }


def is_probably_another(other: Closeness, own: Closeness | None) -> bool:
    """Return whether a face is probably the other student's; `own` is None for a student's first photograph."""
    nearer = own is not None and other.least < min(OF_ANOTHER, own.least)
    return nearer or other.least < LOOKS_LIKE_ANOTHER


def is_unlike(own: Closeness) -> bool:
    """Return whether a face is too far from all photographs of the student."""
    return own.nearest > UNLIKE_OWN
