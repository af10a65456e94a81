"""Opt-ins to face recognition: recorded, withdrawn, and run out. Without one nothing of a face is kept."""

import datetime as dt
from dataclasses import dataclass
from uuid import UUID

from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from attendance.core import audit, policy
from attendance.core.errors import Refused
from attendance.core.policy import Action
from attendance.faces import confusable_pairs, gallery_versions, photograph_cache, photographs
from attendance.models import Blob, Consent, Evidence, Photograph, RejectedMatch, Review, Student, User


@dataclass(frozen=True, slots=True, eq=False)
class Forgotten:
    """How much of a face was removed."""

    photographs: int
    evidence_pictures: int
    reviews: int


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
    """Record an opt-in, as it stands on the form that the office holds."""
    policy.require(actor, Action.MANAGE_SCHOOL)
    _check_dates(given_by, given_on, expires_on, timezone.localdate(now))
    with transaction.atomic():
        school = gallery_versions.lock_school()
        student = _student(student_id)
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


def withdraw(*, student_id: UUID, actor: User | None, now: dt.datetime) -> Forgotten:
    """End every consent of a student and remove what was kept of the face, in one transaction.

    After COMMIT no gallery names the student again; marks and their history stay. Nothing to withdraw: nothing happens.
    """
    policy.require(actor, Action.MANAGE_SCHOOL)
    with transaction.atomic():
        gallery_versions.lock_school()
        student = _student(student_id)
        Consent.objects.filter(student=student, withdrawn_at=None).update(
            withdrawn_at=now, withdrawn_by=actor
        )
        forgotten = forget_face(student.pk)
        audit.record(actor, "consent_withdrawn", student, photographs=forgotten.photographs)
        return forgotten


def forget_face(student_id: UUID) -> Forgotten:
    """Remove photographs, templates, evidence pictures and review crops of a student, in the caller's transaction."""
    photos = photographs.delete(Photograph.objects.filter(student=student_id))
    photograph_cache.forget(student_id)
    evidence = Blob.objects.filter(evidence__event__student=student_id).delete()[0]
    Evidence.objects.filter(event__student=student_id).update(crop=None)
    reviews = _forget_reviews(student_id)
    RejectedMatch.objects.filter(student=student_id).delete()
    confusable_pairs.renew(student_id)
    gallery_versions.raise_versions([student_id])
    return Forgotten(photos, evidence, reviews)


def _forget_reviews(student_id: UUID) -> int:
    """Faces that may be this student's: as either candidate, or by a person's word."""
    about = Review.objects.filter(Q(first=student_id) | Q(second=student_id) | Q(decided_for=student_id))
    crops = list(about.exclude(crop=None).values_list("crop", flat=True))
    count = about.delete()[0]
    Blob.objects.filter(pk__in=crops).delete()
    return count


def forget_expired(*, now: dt.datetime) -> int:
    """Remove the face data of students none of whose consents holds any more; how many students it was."""
    holding = Consent.objects.valid(now).values("student")
    owners = (
        Photograph.objects.exclude(student__in=holding).order_by("student").values_list("student", flat=True)
    )
    done = 0
    for student_id in list(owners.distinct()):
        with transaction.atomic():
            gallery_versions.lock_school()
            student = gallery_versions.lock_student(student_id)
            if student is None or Consent.objects.valid(now).filter(student=student).exists():
                continue
            forgotten = forget_face(student_id)
            audit.record(None, "consent_expired", student, photographs=forgotten.photographs)
            done += 1
    return done


def _student(student_id: UUID) -> Student:
    student = gallery_versions.lock_student(student_id)
    if student is None:
        raise Refused("no_such_student", _("There is no such student."))
    return student
