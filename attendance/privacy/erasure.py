"""Erasure of a student's data: face data and contact fields are deleted, the register stays."""

import datetime as dt
from dataclasses import dataclass
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from attendance.core import audit, policy
from attendance.core.errors import Refused
from attendance.core.policy import Action
from attendance.faces import face_data, gallery_versions
from attendance.models import ConfusablePair, Consent, Evidence, User


@dataclass(frozen=True, slots=True, eq=False)
class Erased:
    """How much was deleted. The audit event holds the same counts."""

    student_id: UUID
    at: dt.datetime
    photographs: int
    evidence: int
    reviews: int


def erase(*, student_id: UUID, actor: User | None, reason: str, now: dt.datetime) -> Erased:
    """Delete face data, evidence, names in consents and contact fields; marks and their history stay.

    `reason` is required and is stored in the audit record; it must not hold names. Erasing twice deletes nothing more.
    Raises `Refused`: not_allowed, reason_needed, no_such_student.
    """
    policy.require(actor, Action.MANAGE_SCHOOL)
    if not reason.strip():
        raise Refused("reason_needed", _("Give a reason for deleting the data."))
    with transaction.atomic():
        gallery_versions.lock_school()
        student = gallery_versions.lock_student(student_id)
        if student is None:
            raise Refused("no_such_student", _("There is no such student."))
        deleted = face_data.delete_face_data(student_id)
        evidence_count = Evidence.objects.filter(event__student=student_id).delete()[0]
        ConfusablePair.objects.filter(first=student).delete()
        ConfusablePair.objects.filter(second=student).delete()
        Consent.objects.filter(student=student, withdrawn_at=None).update(
            withdrawn_at=now, withdrawn_by=actor
        )
        Consent.objects.filter(student=student).update(given_by="")
        student.contact_email, student.erased_at = "", student.erased_at or now
        student.save(update_fields=["contact_email", "erased_at"])
        erased = Erased(student_id, now, deleted.photographs, evidence_count, deleted.reviews)
        audit.record(
            actor,
            "student_erased",
            student,
            reason=reason.strip()[:300],
            photographs=erased.photographs,
            evidence=erased.evidence,
            reviews=erased.reviews,
        )
        return erased
