"""The version of a register, which grows with each change of it."""

from attendance.models import OutboxEvent, Session

# The kind of outbox events that say that a register changed.
REGISTER = "register"


def raise_version(session: Session) -> int:
    """Raise the register's version by one and note it in the outbox, in the caller's transaction under its lock."""
    session.version += 1
    session.save(update_fields=["version"])
    OutboxEvent.objects.create(kind=REGISTER, key=session.pk, version=session.version)
    return session.version
