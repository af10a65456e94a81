"""Querysets of the rows that a user may see: all for the office and viewers, else those of the classes they teach.

`policy.may` is the rule for a single row; these functions apply the same rule to many rows in one query.
"""

import datetime as dt

from django.db.models import DateField, Exists, OuterRef, Q, QuerySet, Value
from django.db.models.functions import Greatest
from django.utils import timezone

from attendance.core import policy
from attendance.models import Mark, Membership, SchoolClass, Session, Student, Teaching, User
from attendance.models.students import MembershipQuerySet


def classes(user: User, on: dt.date) -> QuerySet[SchoolClass]:
    rows = SchoolClass.objects.all()
    if policy.sees_all_classes(user):
        return rows
    return rows.filter(Exists(Teaching.objects.filter(user=user, school_class=OuterRef("pk")).on(on)))


def students(user: User, on: dt.date) -> QuerySet[Student]:
    rows = Student.objects.all()
    if policy.sees_all_classes(user):
        return rows
    return rows.expected(on, classes(user, on))


def memberships(user: User, on: dt.date) -> MembershipQuerySet:
    rows = Membership.objects.all()
    if policy.sees_all_classes(user):
        return rows
    return rows.filter(school_class__in=Teaching.objects.filter(user=user).on(on).values("school_class"))


def sessions(user: User) -> QuerySet[Session]:
    """Return sessions; for a teacher those on days on which they teach the class, so a substitute sees no others."""
    rows = Session.objects.all()
    return rows if policy.sees_all_classes(user) else rows.filter(Exists(_taught(user, "")))


def marks(user: User) -> QuerySet[Mark]:
    rows = Mark.objects.all()
    return rows if policy.sees_all_classes(user) else rows.filter(Exists(_taught(user, "session__")))


def _taught(user: User, prefix: str) -> QuerySet[Teaching]:
    """Return the teachings that give rights to the outer query's session, whose fields begin with `prefix`."""
    day = OuterRef(f"{prefix}date")
    earliest_end = Greatest(day, Value(timezone.localdate(), DateField()))
    not_ended = Q(ends_on=None) | Q(ends_on__gte=earliest_end)
    teachings = Teaching.objects.filter(user=user, school_class=OuterRef(f"{prefix}school_class"))
    return teachings.filter(not_ended, starts_on__lte=day)
