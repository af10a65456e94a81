"""What changed in a register since it was last read, from PostgreSQL: for sockets, which trust no notification."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from attendance.models import Mark, Session
from attendance.register.description import Message
from attendance.register.state import mark_message, session_message


@dataclass(frozen=True, slots=True, eq=False)
class Snapshot:
    """A register as it was read: its version, the gallery version of its class, the session's state, and the revision
    of each student's mark."""

    version: int
    class_version: int
    state: str
    revisions: Mapping[str, int]

    def after(self, message: Message) -> Snapshot:
        """Return the snapshot with this event, which must be the next one."""
        if message["type"] == "session":
            return replace(self, version=message["version"], state=message["session"]["state"])
        if message["type"] == "reviews":
            return replace(self, version=message["version"])
        revisions = {**self.revisions, message["student"]["id"]: message["revision"]}
        return replace(self, version=message["version"], revisions=revisions)


@dataclass(frozen=True, slots=True, eq=False)
class Changes:
    """The events between two snapshots. `complete`: there is one for each version, in order.

    `class_changed`: students joined or left the class, or their consents or photographs changed. No event says so.
    """

    snapshot: Snapshot
    messages: tuple[Message, ...]
    complete: bool
    class_changed: bool


def snapshot(session_id: UUID) -> Snapshot:
    """Return the register now. The version is read first, so an event may come a second time, which does no harm."""
    session = Session.objects.select_related("school_class").get(pk=session_id)
    marks = Mark.objects.filter(session=session_id).values_list("student", "revision")
    revisions = {str(student): revision for student, revision in marks}
    return Snapshot(session.version, session.school_class.gallery_version, session.state, revisions)


def changes_since(session_id: UUID, before: Snapshot) -> Changes:
    """Return what happened after `before`, as the messages of both sockets.

    Where a mark changed twice in between, or something happened that changes no mark, there are fewer messages than
    versions. All then carry the present version, and a socket that shows the whole register must read it again.
    """
    session = Session.objects.select_related("school_class").get(pk=session_id)
    marks = [
        mark
        for mark in Mark.objects.filter(session=session_id)
        .select_related("student", "code", "marked_by")
        .order_by("changed_at", "pk")
        if mark.revision != before.revisions.get(str(mark.student_id))
    ]
    state_changed = session.state != before.state
    complete = len(marks) + state_changed == session.version - before.version
    complete = complete and not (marks and state_changed)
    first = session.version - len(marks) + 1
    messages: list[Message] = [
        mark_message(mark, first + place if complete else session.version) for place, mark in enumerate(marks)
    ]
    if state_changed:
        messages.append(session_message(session))
    revisions = {**before.revisions, **{str(mark.student_id): mark.revision for mark in marks}}
    class_version = session.school_class.gallery_version
    now = Snapshot(session.version, class_version, session.state, revisions)
    return Changes(now, tuple(messages), complete, class_version != before.class_version)


def versions(session_ids: Sequence[UUID]) -> dict[UUID, tuple[int, int]]:
    """Return the versions of several registers and of their classes' galleries, by session, in one query."""
    rows = Session.objects.filter(pk__in=session_ids)
    return {
        session_id: (version, class_version)
        for session_id, version, class_version in rows.values_list(
            "pk", "version", "school_class__gallery_version"
        )
    }
