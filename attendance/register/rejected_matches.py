"""Rejected matches: faces that a person rejected for a student, kept encrypted until the register is signed.

They are read under the session's lock before a camera's mark is written: a camera learns of a new one a moment later,
and what it recognised in that moment must not be marked.
"""

from __future__ import annotations

import datetime as dt
from typing import Any
from uuid import UUID

import numpy as np

from attendance.models import RejectedMatch, Session, User
from recognition.crypto import keyring
from recognition.engine.identification.rejection import RejectedTemplate, rejected_students
from recognition.engine.types import SPACE, Array


def reject(
    *, session: Session, student_id: UUID, template: Array, actor: User | None, now: dt.datetime
) -> RejectedMatch:
    """Store that this face (unit template (128,)) is not the student, in the caller's transaction."""
    row = RejectedMatch(session=session, student_id=student_id, rejected_by=actor, rejected_at=now)
    row.sealed_template = seal(template, "block", row.pk, session.pk)
    row.save(force_insert=True)
    return row


def of_session(session: Session, *student_ids: UUID) -> tuple[RejectedTemplate, ...]:
    """Return the rejected matches of a session; of these students only, where any are given."""
    rows = RejectedMatch.objects.filter(session=session)
    if student_ids:
        rows = rows.filter(student__in=student_ids)
    return tuple(RejectedTemplate(str(row.student_id), template_of(row)) for row in rows)


def is_rejected(session: Session, student_id: UUID, template: Array) -> bool:
    """Return whether a person rejected this face for this student."""
    return str(student_id) in rejected_students(template, of_session(session, student_id))


def template_of(row: RejectedMatch) -> Array:
    """Return the unit template of a rejected match."""
    return unseal(row.sealed_template, "block", row.pk, row.session_id)


def seal(template: Array, table: str, row: UUID, session: UUID) -> bytes:
    """Return a template encrypted for this row and session only."""
    return keyring().seal(template.astype("<f4").tobytes(), table, str(row), str(session), SPACE)


def unseal(data: Any, table: str, row: UUID, session: UUID) -> Array:
    """Return the template (128,) float32 of a row. Raises what the keyring raises where it cannot be decrypted."""
    plain = keyring().open(data, table, str(row), str(session), SPACE)
    return np.frombuffer(plain, "<f4").astype(np.float32)
