"""Read templates from the database, and encrypt them for it."""

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
# The numbers as they are encrypted: float32, little-endian.
STORED_TYPE = np.dtype("<f4")


def searched_space() -> QuerySet[Space]:
    """Return the active space, or no row if the engine makes templates of another space."""
    return Space.objects.filter(active=True, name=SPACE)


def members(class_id: str, at: dt.datetime) -> QuerySet[Student]:
    """Return the students who may be recognised at that time in a class, or in the school (`SCHOOL`)."""
    students = Student.objects.recognisable(at)
    return students if class_id == SCHOOL else students.expected(timezone.localdate(at), UUID(class_id))


def templates_of(students: QuerySet[Student]) -> tuple[Array, list[str]]:
    """Return the students' templates in the searched space, (N, 128) float32 of length 1, and each row's student.

    There is one row for each photograph.
    """
    vectors, owners, _ = entries_of(students)
    return vectors, owners


def entries_of(students: QuerySet[Student]) -> tuple[Array, list[str], list[UUID]]:
    """Return `templates_of`, and the key of each row's photograph."""
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
            # One damaged row must not keep a whole class from being recognised.
            logger.error("the template of photograph %s is left out: %s", photograph, error)
            continue
        owners.append(str(student))
        photographs.append(photograph)
    return np.array(vectors, np.float32).reshape(-1, DIMENSIONS), owners, photographs


def seal(vector: Array, photograph: UUID, student: UUID, space: str) -> bytes:
    """Return a template (128,), encrypted for its row: it cannot be decrypted for another one."""
    return keyring().seal(vector.astype(STORED_TYPE).tobytes(), *_context(photograph, student, space))


def unseal(data: bytes | memoryview, photograph: UUID, student: UUID, space: str) -> Array:
    """Return the decrypted template of a row, (128,) float32. Raises `recognition.crypto.CannotOpen`."""
    plain = keyring().open(data, *_context(photograph, student, space))
    return np.frombuffer(plain, STORED_TYPE).astype(np.float32)


def _context(photograph: UUID, student: UUID, space: str) -> tuple[str, ...]:
    return ("template", str(photograph), str(student), space)
