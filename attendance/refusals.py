""" "Not this person": said of a mark, by a teacher or at the kiosk by the student who was greeted wrongly.

The face that must not be taken for this student again is read from the mark's own evidence.
"""

import datetime as dt
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from attendance import audit, blobs, policy, register, reviews
from attendance.errors import Refused
from attendance.models import Device, Evidence, Mark, Session, Source, User
from attendance.policy import Action
from recognition.engine.errors import EngineError
from recognition.engine.image import decode
from recognition.engine.types import Array
from recognition.engines import engine

JUST_NOW = dt.timedelta(minutes=2)
FROM_A_CAMERA = (Source.CAMERA, Source.GROUP, Source.KIOSK)


def by_teacher(*, mark_id: UUID, actor: User, now: dt.datetime) -> bool:
    """Take the mark back and keep this face from this student until the session closes.

    False where only the mark was taken back: the evidence is gone or shows no face, or the session is closed.
    """
    mark = Mark.objects.select_related("session").filter(pk=mark_id).first()
    if mark is None:
        raise Refused("no_such_mark", _("There is no such mark."))
    policy.require(actor, Action.MARK, mark.session)
    if mark.code_id is None or mark.source not in FROM_A_CAMERA:
        raise Refused("not_from_a_camera", _("A person made this mark. Correct it by hand."))
    return _take_back(mark, actor, now)


def at_kiosk(*, device: Device, student_id: UUID, now: dt.datetime) -> None:
    """The same, for a name that this session's kiosk gave out just now; nothing older, and nobody else's."""
    mark = (
        Mark.objects.select_related("session")
        .filter(session=device.session_id, student=student_id, source=Source.KIOSK)
        .filter(changed_at__gte=now - JUST_NOW)
        .exclude(code=None)
        .first()
    )
    if mark is None:
        raise Refused("too_late", _("This mark is not from just now. Please tell the teacher."))
    _take_back(mark, None, now)


def _take_back(mark: Mark, actor: User | None, now: dt.datetime) -> bool:
    face = _face_of(mark)
    with transaction.atomic():
        # Under the lock: a face that is kept after the session closed would never be forgotten.
        if register.locked(mark.session_id).state == Session.State.CLOSED:
            face = None
        audit.record(actor, "face_refused", mark, blocked=face is not None)
        reviews.refuse(mark=mark, template=face, actor=actor, now=now)
    return face is not None


def _face_of(mark: Mark) -> Array | None:
    """The template of the evidence's crop; None where it has expired or shows no face to the detector."""
    evidence = (
        Evidence.objects.select_related("crop", "event")
        .filter(event__mark=mark)
        .exclude(crop=None)
        .order_by("-event__revision")
        .first()
    )
    if evidence is None or evidence.crop is None:
        return None
    try:
        faces = engine().analyse(decode(blobs.read(evidence.crop, owner=mark.student_id)))
    except EngineError:
        return None
    if not faces:
        return None
    left, top, right, bottom = 0, 1, 2, 3
    largest = max(faces, key=lambda f: (f.box[right] - f.box[left]) * (f.box[bottom] - f.box[top]))
    return largest.template
