"""Faces of which a person said "not this student": kept sealed for the sitting, and asked before a camera's mark.

A camera learns of a new one a moment later; what it recognised in that moment must not be marked all the same.
"""

from __future__ import annotations

import datetime as dt
from typing import Any
from uuid import UUID

import numpy as np

from attendance.models import Block, Session, User
from recognition.crypto import keyring
from recognition.engine import SPACE
from recognition.engine.types import Array
from recognition.recogniser import blocked_for
from recognition.sights import Blocked


def keep(
    *, session: Session, student_id: UUID, template: Array, actor: User | None, now: dt.datetime
) -> Block:
    """Keep this face (unit template) from the student until the session closes, in the caller's transaction."""
    block = Block(session=session, student_id=student_id, said_by=actor, said_at=now)
    block.sealed_template = seal(template, "block", block.pk, session.pk)
    block.save(force_insert=True)
    return block


def of(session: Session, *student_ids: UUID) -> tuple[Blocked, ...]:
    """The blocks of a session; of these students only, where any are given."""
    rows = Block.objects.filter(session=session)
    if student_ids:
        rows = rows.filter(student__in=student_ids)
    return tuple(Blocked(str(row.student_id), template_of(row)) for row in rows)


def hold(session: Session, student_id: UUID, template: Array) -> bool:
    """Whether a person said of this face that it is not this student."""
    return str(student_id) in blocked_for(template, of(session, student_id))


def template_of(block: Block) -> Array:
    """The face that a block is about."""
    return unseal(block.sealed_template, "block", block.pk, block.session_id)


def seal(template: Array, table: str, row: UUID, session: UUID) -> bytes:
    """A face that is kept for one sitting, encrypted for its row."""
    return keyring().seal(template.astype("<f4").tobytes(), table, str(row), str(session), SPACE)


def unseal(data: Any, table: str, row: UUID, session: UUID) -> Array:
    """The face of a row. Raises `recognition.crypto.CannotOpen`."""
    plain = keyring().open(data, table, str(row), str(session), SPACE)
    return np.frombuffer(plain, "<f4").astype(np.float32)
