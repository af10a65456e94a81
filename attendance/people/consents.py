"""Consents to face recognition: given, withdrawn and expired. Without a valid one no face data are kept."""

import datetime as dt
from uuid import UUID

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from attendance.core import audit, policy
from attendance.core.errors import Refused
from attendance.core.policy import Action
from attendance.faces import gallery_versions
from attendance.faces.face_data import DeletedFaceData, delete_face_data
from attendance.models import Consent, Photograph, Student, User


def give(
    *,
    student_id: UUID,
    given_by: str,
    given_on: dt.date,
    expires_on: dt.date | None = None,
    version: str | None = None,
    actor: User | None,
    now: dt.datetime,
) -> Consent:
    """Record a consent from the form that the office holds, whose version is `version`. Raises `Refused`."""
    policy.require(actor, Action.MANAGE_SCHOOL)
    _check_dates(given_by, given_on, expires_on, timezone.localdate(now))
    with transaction.atomic():
        school = gallery_versions.lock_school()
        student = _lock_student(student_id)
        consent = Consent.objects.create(
            student=student,
            given_by=given_by.strip(),
            given_on=given_on,
            expires_on=expires_on,
            version=version or school.consent_version,
            recorded_by=actor,
        )
        if student.erased_at is not None:
            student.erased_at = None
            student.save(update_fields=["erased_at"])
        audit.record(actor, "consent_given", consent, student=str(student.pk), version=consent.version)
        gallery_versions.raise_versions([student.pk])
        return consent


def _check_dates(given_by: str, given_on: dt.date, expires_on: dt.date | None, today: dt.date) -> None:
    if not given_by.strip():
        raise Refused(
            "given_by_needed",
            _("Say who gave the consent: a parent or guardian, or the student if 18 or over."),
        )
    if given_on > today:
        raise Refused("date_in_future", _("A consent cannot be given in the future. Check the date."))
    if expires_on is not None and expires_on < given_on:
        raise Refused(
            "ends_before_it_starts", _("The consent would end before it was given. Check the dates.")
        )


def withdraw(*, student_id: UUID, actor: User | None, now: dt.datetime) -> DeletedFaceData:
    """End every consent of a student and delete the face data, in one transaction. Raises `Refused`.

    After COMMIT the student is in no gallery; marks and their history stay. Withdrawing twice deletes nothing more.
    """
    policy.require(actor, Action.MANAGE_SCHOOL)
    with transaction.atomic():
        gallery_versions.lock_school()
        student = _lock_student(student_id)
        Consent.objects.filter(student=student, withdrawn_at=None).update(
            withdrawn_at=now, withdrawn_by=actor
        )
        deleted = delete_face_data(student.pk)
        audit.record(actor, "consent_withdrawn", student, photographs=deleted.photographs)
        return deleted


def delete_faces_without_consent(*, now: dt.datetime) -> int:
    """Delete the face data of students without a valid consent, each in a transaction. Return how many students."""
    consenting = Consent.objects.valid(now).values("student")
    without_consent = Photograph.objects.exclude(student__in=consenting).order_by("student")
    count = 0
    for student_id in list(without_consent.values_list("student", flat=True).distinct()):
        with transaction.atomic():
            gallery_versions.lock_school()
            student = gallery_versions.lock_student(student_id)
            if student is None or Consent.objects.valid(now).filter(student=student).exists():
                continue
            deleted = delete_face_data(student_id)
            audit.record(None, "consent_expired", student, photographs=deleted.photographs)
            count += 1
    return count


def _lock_student(student_id: UUID) -> Student:
    student = gallery_versions.lock_student(student_id)
    if student is None:
        raise Refused("no_such_student", _("There is no such student."))
    return student
