"""Why the camera said so: kept beside the mark's event, and gone by itself after the school's own number of days."""

import datetime as dt
from dataclasses import dataclass

from django.db import transaction
from django.utils.translation import gettext as _

from attendance.core import audit, blob_store, policy
from attendance.core.errors import Refused
from attendance.core.policy import Action
from attendance.models import Blob, Evidence, Mark, MarkEvent, SchoolSettings, User
from recognition.engine.types import Array


@dataclass(frozen=True, slots=True, eq=False)
class MatchEvidence:
    """What stood behind a recognition: L2 distances of unit templates, looks, photographs, a JPEG crop.

    `template` is the unit template (128,) itself, held against what people said of faces; it is not kept.
    """

    distance: float
    margin: float | None
    confidence: float | None
    samples: int
    photographs: int
    space: str
    camera: str = ""
    crop: bytes | None = None
    template: Array | None = None


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
    """The JPEG behind a mark, for somebody who may see that session's faces; noted in the audit record."""
    policy.require(actor, Action.VIEW_FACES, evidence.event.session)
    crop = _open(evidence)
    if crop is None:
        raise Refused("no_such_picture", _("The image has expired or was deleted."))
    audit.record_view(actor, "evidence_viewed", evidence)
    return crop


def newest_crop(mark: Mark) -> bytes | None:
    """Return the newest JPEG crop behind a mark for the engine; None where it is gone. It is shown to nobody."""
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
    """Remove evidence whose time has come, rows and pictures; the mark and its history stay."""
    with transaction.atomic():
        old = Evidence.objects.filter(expires_at__lte=now)
        pictures = list(old.exclude(crop=None).values_list("crop", flat=True))
        count = old.delete()[0]
        Blob.objects.filter(pk__in=pictures).delete()
    return count
