"""Matches that a person rejected: "this face is not that student"."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from recognition.engine.types import Array

# L2 between unit templates up to which a face is taken for the rejected one.
SAME_FACE: Final = 0.35


@dataclass(frozen=True, slots=True, eq=False)
class RejectedTemplate:
    """A face, as unit template (128,) float32, and the student that it is not."""

    student: str
    template: Array


def same_face(first: Array, second: Array) -> bool:
    """Return whether two unit templates (128,) are so near that they are taken for one face."""
    return float(np.linalg.norm(first - second)) <= SAME_FACE


def rejected_students(template: Array, rejected: Sequence[RejectedTemplate]) -> frozenset[str]:
    """Return the students that a person rejected for this face (unit template, (128,))."""
    return frozenset(match.student for match in rejected if same_face(match.template, template))
