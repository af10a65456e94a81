"""Templates read from the database and sealed for it."""

import datetime as dt
import logging
from uuid import UUID

import numpy as np
from django.db.models import QuerySet
from django.utils import timezone

from attendance.models import Space, Student, Template
from recognition.crypto import CannotOpen, keyring
from recognition.engine.types import SPACE, Array
from recognition.galleries import SCHOOL

logger = logging.getLogger(__name__)

DIMENSIONS = 128
ENTRY = np.dtype("<f4")


def searched_space() -> QuerySet[Space]:
    """Return the space that is searched: the active one, and none while the engine makes templates of another."""
    return Space.objects.filter(active=True, name=SPACE)


def members(class_id: str, at: dt.datetime) -> QuerySet[Student]:
    """Return the students who may be recognised in a class, or in the whole school, at that moment."""
    students = Student.objects.recognisable(at)
    return students if class_id == SCHOOL else students.expected(timezone.localdate(at), UUID(class_id))


def templates_of(students: QuerySet[Student]) -> tuple[Array, list[str]]:
    """Return the templates of these students in the searched space and whose they are, one row per photograph.

    Templates are (N, 128) float32 of length 1.
    """
    vectors, owners, _ = entries_of(students)
    return vectors, owners


def entries_of(students: QuerySet[Student]) -> tuple[Array, list[str], list[UUID]]:
    """Return `templates_of`, and for each row the photograph that it was made of."""
    rows = (
        Template.objects.filter(space__in=searched_space(), student__in=students)
        .order_by("student", "photograph")
        .values_list("photograph", "student", "space__name", "sealed")
    )
    vectors, owners, photographs = [], [], []
    for photograph, student, space, data in rows:
        try:
            vectors.append(unseal(data, photograph, student, space))
        except CannotOpen as error:
            # One damaged row must not leave a whole class unrecognised.
            logger.error("the template of photograph %s is left out: %s", photograph, error)
            continue
        owners.append(str(student))
        photographs.append(photograph)
    return np.array(vectors, np.float32).reshape(-1, DIMENSIONS), owners, photographs


def seal(vector: Array, photograph: UUID, student: UUID, space: str) -> bytes:
    """Return a template encrypted for its row."""
    return keyring().seal(vector.astype(ENTRY).tobytes(), *_context(photograph, student, space))


def unseal(data: bytes | memoryview, photograph: UUID, student: UUID, space: str) -> Array:
    """Return the template of a row. Raises `recognition.crypto.CannotOpen`."""
    plain = keyring().open(data, *_context(photograph, student, space))
    return np.frombuffer(plain, ENTRY).astype(np.float32)


def _context(photograph: UUID, student: UUID, space: str) -> tuple[str, ...]:
    return ("template", str(photograph), str(student), space)
