"""Match evidence: why a camera recognised a student. Kept with the mark's event for the school's number of days."""

import datetime as dt

from django.db import transaction
from django.utils.translation import gettext as _

from attendance.core import audit, blob_store, policy
from attendance.core.errors import Refused
from attendance.core.policy import Action
from attendance.models import Blob, Evidence, Mark, MarkEvent, SchoolSettings, User
from attendance.register.requests import MatchEvidence


def keep_evidence(*, event: MarkEvent, evidence: MatchEvidence, now: dt.datetime) -> Evidence:
    """Store the evidence of an event, in the caller's transaction."""
    crop = (
        None
        if evidence.crop is None
        else blob_store.store(Blob.Kind.EVIDENCE, evidence.crop, owner=event.student_id)
    )
    return Evidence.objects.create(
        event=event,
        crop=crop,
        distance=evidence.distance,
        margin=evidence.margin,
        confidence=evidence.confidence,
        samples=evidence.samples,
        photographs=evidence.photographs,
        camera=evidence.camera,
        space=evidence.space,
        expires_at=now + dt.timedelta(days=SchoolSettings.load().evidence_days),
    )


def read(evidence: Evidence, actor: User) -> bytes:
    """Return the JPEG crop behind a mark, and note it in the audit record.

    Raises `Refused` where the person may not see the session's faces, or the crop has expired or was erased.
    """
    policy.require(actor, Action.VIEW_FACES, evidence.event.session)
    crop = _open(evidence)
    if crop is None:
        raise Refused("no_such_evidence", _("The image has expired or was deleted."))
    audit.record_view(actor, "evidence_viewed", evidence)
    return crop


def newest_crop(mark: Mark) -> bytes | None:
    """Return the newest JPEG crop behind a mark for the engine, None where none is left. No person sees it."""
    evidence = (
        Evidence.objects.select_related("crop", "event")
        .filter(event__mark=mark)
        .exclude(crop=None)
        .order_by("-event__revision")
        .first()
    )
    return None if evidence is None else _open(evidence)


def _open(evidence: Evidence) -> bytes | None:
    if evidence.crop is None:
        return None
    return blob_store.read(evidence.crop, owner=evidence.event.student_id)


def expire(*, now: dt.datetime) -> int:
    """Delete expired evidence with its crops, and return how many rows; marks and their history stay."""
    with transaction.atomic():
        old = Evidence.objects.filter(expires_at__lte=now)
        crops = list(old.exclude(crop=None).values_list("crop", flat=True))
        count = old.delete()[0]
        Blob.objects.filter(pk__in=crops).delete()
    return count
