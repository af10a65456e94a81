"""Memberships of students in classes, between two dates. Each change locks the school, then the student."""

import datetime as dt
from collections.abc import Collection
from uuid import UUID

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from attendance.core import audit, policy
from attendance.core.errors import Refused
from attendance.core.policy import Action
from attendance.faces import confusable_pairs, gallery_versions
from attendance.models import Membership, SchoolClass, User
from attendance.models.students import MembershipQuerySet


def add(
    *,
    student_id: UUID,
    class_id: UUID,
    starts_on: dt.date,
    ends_on: dt.date | None = None,
    actor: User | None,
) -> Membership:
    """Add a student to a class between two days, both included; `ends_on` None is open-ended. Raises `Refused`."""
    policy.require(actor, Action.MANAGE_SCHOOL)
    _check_order(starts_on, ends_on)
    with transaction.atomic():
        gallery_versions.lock_school()
        student = gallery_versions.lock_student(student_id)
        if student is None:
            raise Refused("no_such_student", _("There is no such student."))
        school_class = SchoolClass.objects.filter(pk=class_id, archived_at=None).first()
        if school_class is None:
            raise Refused("no_such_class", _("There is no such class, or it is archived."))
        _refuse_overlap(student_id, class_id, starts_on, ends_on)
        membership = Membership.objects.create(
            student=student, school_class=school_class, starts_on=starts_on, ends_on=ends_on
        )
        audit.record(
            actor, "membership_added", membership, student=str(student_id), school_class=str(class_id)
        )
        gallery_versions.raise_versions([student_id])
        confusable_pairs.update_pairs(student_id)
        return membership


def end(*, membership_id: UUID, ends_on: dt.date, actor: User | None) -> Membership:
    """Set or move the last day of a membership. Raises `Refused` where it would overlap another one."""
    policy.require(actor, Action.MANAGE_SCHOOL)
    with transaction.atomic():
        gallery_versions.lock_school()
        membership = Membership.objects.select_related("student").filter(pk=membership_id).first()
        if membership is None:
            raise Refused("no_such_membership", _("There is no such membership."))
        gallery_versions.lock_student(membership.student_id)
        _check_order(membership.starts_on, ends_on)
        _refuse_overlap(
            membership.student_id,
            membership.school_class_id,
            membership.starts_on,
            ends_on,
            excluded=membership.pk,
        )
        membership.ends_on = ends_on
        membership.save(update_fields=["ends_on"])
        audit.record(actor, "membership_ended", membership, ends_on=ends_on.isoformat())
        gallery_versions.raise_versions([membership.student_id])
        return membership


def others(student_id: UUID, *, keep: Collection[UUID], starts_on: dt.date) -> MembershipQuerySet:
    """Return the student's memberships of a day in other classes than `keep`, in the order of class names."""
    current = Membership.objects.on(starts_on).filter(student=student_id, school_class__archived_at=None)
    return (
        current.exclude(school_class__in=keep).select_related("school_class").order_by("school_class__name")
    )


def end_others(
    *, student_id: UUID, keep: Collection[UUID], starts_on: dt.date, actor: User | None
) -> list[Membership]:
    """End the student's memberships in other classes than `keep` on the day before `starts_on`. Raises `Refused`.

    A membership that starts on that day ends on it, because it cannot end before it starts.
    """
    policy.require(actor, Action.MANAGE_SCHOOL)
    with transaction.atomic():
        gallery_versions.lock_school()
        gallery_versions.lock_student(student_id)
        day = starts_on - dt.timedelta(days=1)
        return [
            end(membership_id=row.pk, ends_on=max(day, row.starts_on), actor=actor)
            for row in others(student_id, keep=keep, starts_on=starts_on)
        ]


def _check_order(starts_on: dt.date, ends_on: dt.date | None) -> None:
    if ends_on is not None and ends_on < starts_on:
        raise Refused("ends_before_it_starts", _("It cannot end before it starts. Check the dates."))


def _refuse_overlap(
    student_id: UUID,
    class_id: UUID,
    starts_on: dt.date,
    ends_on: dt.date | None,
    excluded: UUID | None = None,
) -> None:
    others = Membership.objects.filter(student=student_id, school_class=class_id)
    if excluded is not None:
        others = others.exclude(pk=excluded)
    others = others.filter(Q(ends_on=None) | Q(ends_on__gte=starts_on))
    if ends_on is not None:
        others = others.filter(starts_on__lte=ends_on)
    if others.exists():
        raise Refused("already", _("The student is already in this class on some of these days."))
