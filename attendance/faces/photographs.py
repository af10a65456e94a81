"""Enrolment photographs after they were accepted: shown to those who may see them, and taken away."""

import datetime as dt
from collections.abc import Iterable
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from attendance.core import audit, blob_store, policy
from attendance.core.errors import Refused
from attendance.core.policy import Action
from attendance.faces import confusable_pairs, gallery_versions, photograph_cache
from attendance.models import Blob, Photograph, User


def read(photograph: Photograph, actor: User) -> bytes:
    """The JPEG of the crop, for somebody who may see this student's face; noted in the audit record."""
    policy.require(actor, Action.VIEW_FACES, photograph.student)
    audit.record_view(actor, "photograph_viewed", photograph)
    return blob_store.read(photograph.crop, owner=photograph.student_id)


def portrait(student_id: UUID) -> Photograph | None:
    """The photograph that stands for a student on pages: the newest."""
    return (
        Photograph.objects.select_related("student", "crop")
        .filter(student=student_id)
        .order_by("-created_at", "-id")
        .first()
    )


def remove(*, photograph_id: UUID, actor: User | None, now: dt.datetime) -> None:  # noqa: ARG001 - the doors' common shape
    """Remove a photograph with its template and its picture; the galleries no longer hold it after COMMIT."""
    policy.require(actor, Action.ENROL)
    with transaction.atomic():
        gallery_versions.lock_school()
        photograph = Photograph.objects.filter(pk=photograph_id).first()
        if photograph is None:
            raise Refused("no_such_photograph", _("There is no such photo."))
        student_id = photograph.student_id
        audit.record(actor, "photograph_removed", photograph, student=str(student_id))
        delete([photograph])
        photograph_cache.forget(student_id)
        gallery_versions.raise_versions([student_id])
        confusable_pairs.renew(student_id)


def delete(photographs: Iterable[Photograph]) -> int:
    """Delete rows, templates and pictures, in the caller's transaction. The caller raises the galleries' versions."""
    gone = list(photographs)
    crops = [photograph.crop_id for photograph in gone]
    Photograph.objects.filter(pk__in=[photograph.pk for photograph in gone]).delete()
    Blob.objects.filter(pk__in=crops).delete()
    return len(gone)
