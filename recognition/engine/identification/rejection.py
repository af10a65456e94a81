"""Matches that a person rejected: "this face is not that student"."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from recognition.engine.types import Array

# L2 between unit templates: a face this near to a rejected one is the same face.
SAME_FACE: Final = 0.35


@dataclass(frozen=True, slots=True, eq=False)
class RejectedTemplate:
    """A face (unit template, (128,) float32) that may not be taken for this student."""

    student: str
    template: Array


def same_face(first: Array, second: Array) -> bool:
    """Return whether two unit templates are of one face."""
    return float(np.linalg.norm(first - second)) <= SAME_FACE


def rejected_students(template: Array, rejected: Sequence[RejectedTemplate]) -> frozenset[str]:
    """Return the students whom a person said this face is not."""
    return frozenset(match.student for match in rejected if same_face(match.template, template))
