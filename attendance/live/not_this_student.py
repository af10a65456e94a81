"""Reject a camera's mark as "not this student": by the teacher, or at the kiosk by the student who was greeted wrongly.

The face that must not be matched to this student again is read from the mark's own evidence.
"""

import datetime as dt
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from attendance import register
from attendance.calendar.sessions import lock_session
from attendance.core import audit, policy
from attendance.core.errors import Refused
from attendance.core.policy import Action
from attendance.live.review_queue import announce_waiting
from attendance.models import Device, Mark, Session, Source, User
from attendance.register import rejected_matches
from attendance.register.evidence import newest_crop
from recognition.engine.errors import EngineError
from recognition.engine.images.image import decode
from recognition.engine.types import Array
from recognition.shared_engine import engine

JUST_NOW = dt.timedelta(minutes=2)
FROM_A_CAMERA = (Source.CAMERA, Source.GROUP, Source.KIOSK)


def by_teacher(*, mark_id: UUID, actor: User, now: dt.datetime) -> bool:
    """Undo the mark and keep this face from this student until the session is signed.

    Return False where only the mark was undone: the evidence is gone or shows no face, or the session is signed.
    """
    mark = Mark.objects.select_related("session").filter(pk=mark_id).first()
    if mark is None:
        raise Refused("no_such_mark", _("There is no such mark."))
    policy.require(actor, Action.MARK, mark.session)
    if mark.code_id is None or mark.source not in FROM_A_CAMERA:
        raise Refused("not_from_a_camera", _("A person made this mark. Change it by hand."))
    return _reject(mark, actor, now)


def at_kiosk(*, device: Device, student_id: UUID, now: dt.datetime) -> None:
    """Do the same for a mark that this session's kiosk made just now; nothing older, and no other device's."""
    mark = (
        Mark.objects.select_related("session")
        .filter(session=device.session_id, student=student_id, source=Source.KIOSK)
        .filter(changed_at__gte=now - JUST_NOW)
        .exclude(code=None)
        .first()
    )
    if mark is None:
        raise Refused("too_late", _("This mark was not made just now. Please tell the teacher."))
    _reject(mark, None, now)


def _reject(mark: Mark, actor: User | None, now: dt.datetime) -> bool:
    template = _template_of(mark)
    with transaction.atomic():
        # Under the lock: a face that is stored after the session was signed would never be deleted.
        if lock_session(mark.session_id).state == Session.State.SIGNED:
            template = None
        audit.record(actor, "face_refused", mark, blocked=template is not None)
        reject(mark=mark, template=template, actor=actor, now=now)
    return template is not None


def _template_of(mark: Mark) -> Array | None:
    """Return the unit template of the evidence's crop; None where it has expired or shows no face."""
    crop = newest_crop(mark)
    if crop is None:
        return None
    try:
        faces = engine().analyse(decode(crop))
    except EngineError:
        return None
    if not faces:
        return None
    left, top, right, bottom = 0, 1, 2, 3
    largest = max(faces, key=lambda f: (f.box[right] - f.box[left]) * (f.box[bottom] - f.box[top]))
    return largest.template


def reject(*, mark: Mark, template: Array | None, actor: User | None, now: dt.datetime) -> None:
    """Undo the mark, and keep this face (unit template), if any, from the student.

    `mark` is the one that was shown: where another stands now, or the register does not take it, `Refused` is raised.
    """
    with transaction.atomic():
        result = register.mark(
            register.MarkRequest(
                session_id=mark.session_id,
                student_id=mark.student_id,
                code=None,
                source=Source.REVIEW,
                actor=actor,
                now=now,
                reason=_("not this student"),
                revision=mark.revision,
            )
        )
        if result.refused:
            raise result.refusal()
        if template is not None:
            session = lock_session(mark.session_id)
            rejected_matches.reject(
                session=session, student_id=mark.student_id, template=template, actor=actor, now=now
            )
            announce_waiting(session)
