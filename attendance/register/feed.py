"""What changed in a register since it was last read: for sockets, and for whoever else must not trust a message."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from attendance.models import Mark, OutboxEvent, Session
from attendance.register.state import mark_message, session_message

Message = Mapping[str, Any]
# The kind of outbox events that say that a register changed.
REGISTER = "register"


@dataclass(frozen=True, slots=True, eq=False)
class Snapshot:
    """A register as it was read: its version, the gallery version of its class, the session's state, and each
    student's revision."""

    version: int
    class_version: int
    state: str
    revisions: Mapping[str, int]

    def after(self, message: Message) -> Snapshot:
        """The snapshot once the next event is in."""
        if message["type"] == "session":
            return replace(self, version=message["version"], state=message["session"]["state"])
        if message["type"] not in {"mark", "unmark"}:
            return replace(self, version=message["version"])
        revisions = {**self.revisions, message["student"]["id"]: message["revision"]}
        return replace(self, version=message["version"], revisions=revisions)


@dataclass(frozen=True, slots=True, eq=False)
class News:
    """The events between two snapshots; `complete` where there is one for each version, in order.

    `class_changed`: students joined or left the class, or their consents or photographs changed. No event says so.
    """

    snapshot: Snapshot
    messages: tuple[Message, ...]
    complete: bool
    class_changed: bool


def snapshot(session_id: UUID) -> Snapshot:
    """The register now. The version is read first: what is newer then comes again, to no harm."""
    session = Session.objects.select_related("school_class").get(pk=session_id)
    marks = Mark.objects.filter(session=session_id).values_list("student", "revision")
    revisions = {str(student): revision for student, revision in marks}
    return Snapshot(session.version, session.school_class.gallery_version, session.state, revisions)


def since(session_id: UUID, before: Snapshot) -> News:
    """What happened after `before`, as the messages of both sockets.

    Where a student changed twice in between, or something happened that leaves no mark, there are fewer
    messages than versions: all carry the present one, and whoever shows the whole register reads it again.
    """
    session = Session.objects.select_related("school_class").get(pk=session_id)
    marks = [
        mark
        for mark in Mark.objects.filter(session=session_id)
        .select_related("student", "code", "marked_by")
        .order_by("changed_at", "pk")
        if mark.revision != before.revisions.get(str(mark.student_id))
    ]
    turned = session.state != before.state
    complete = len(marks) + turned == session.version - before.version and not (marks and turned)
    first = session.version - len(marks) + 1
    messages: list[Message] = [
        mark_message(mark, first + place if complete else session.version) for place, mark in enumerate(marks)
    ]
    if turned:
        messages.append(session_message(session))
    revisions = {**before.revisions, **{str(mark.student_id): mark.revision for mark in marks}}
    class_version = session.school_class.gallery_version
    now = Snapshot(session.version, class_version, session.state, revisions)
    return News(now, tuple(messages), complete, class_version != before.class_version)


def versions(session_ids: Sequence[UUID]) -> dict[UUID, tuple[int, int]]:
    """Return the versions of several registers and of their classes' galleries, in one query."""
    rows = Session.objects.filter(pk__in=session_ids)
    return {
        key: (version, of_class)
        for key, version, of_class in rows.values_list("pk", "version", "school_class__gallery_version")
    }


def raise_version(session: Session) -> int:
    """Raise the register's version by one and note it in the outbox, in the caller's transaction under its lock."""
    session.version += 1
    session.save(update_fields=["version"])
    OutboxEvent.objects.create(kind=REGISTER, key=session.pk, version=session.version)
    return session.version
