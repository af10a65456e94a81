"""Accepted enrolment photographs: reading and removing them."""

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
    """Return the JPEG of the crop and record the view. Raises `Refused` without the right to see the student's face."""
    policy.require(actor, Action.VIEW_FACES, photograph.student)
    audit.record_view(actor, "photograph_viewed", photograph)
    return blob_store.read(photograph.crop, owner=photograph.student_id)


def portrait(student_id: UUID) -> Photograph | None:
    """Return the newest photograph of a student, which pages show; None where there is none."""
    return (
        Photograph.objects.select_related("student", "crop")
        .filter(student=student_id)
        .order_by("-created_at", "-id")
        .first()
    )


def remove(*, photograph_id: UUID, actor: User | None) -> None:
    """Delete a photograph with its templates and crop. After COMMIT no gallery holds it. Raises `Refused`."""
    policy.require(actor, Action.ENROL)
    with transaction.atomic():
        gallery_versions.lock_school()
        photograph = Photograph.objects.filter(pk=photograph_id).first()
        if photograph is None:
            raise Refused("no_such_photograph", _("There is no such photo."))
        student_id = photograph.student_id
        audit.record(actor, "photograph_removed", photograph, student=str(student_id))
        delete_rows([photograph])
        photograph_cache.delete_of_student(student_id)
        gallery_versions.raise_versions([student_id])
        confusable_pairs.update_pairs(student_id)


def delete_rows(photographs: Iterable[Photograph]) -> int:
    """Delete photographs with templates and crops, in the caller's transaction. Return how many.

    The caller raises the versions of the galleries.
    """
    rows = list(photographs)
    Photograph.objects.filter(pk__in=[photograph.pk for photograph in rows]).delete()
    Blob.objects.filter(pk__in=[photograph.crop_id for photograph in rows]).delete()
    return len(rows)
