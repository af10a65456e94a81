"""What a person sees in lists: everything for the office and viewers, else what belongs to the classes they teach.

The rule for a single row is `policy.may`; these say the same of many rows in one query.
"""

import datetime as dt

from django.db.models import DateField, Exists, OuterRef, Q, QuerySet, Value
from django.db.models.functions import Greatest
from django.utils import timezone

from attendance.core import policy
from attendance.models import Mark, Membership, SchoolClass, Session, Student, Teaching, User
from attendance.models.students import MembershipQuerySet


def classes(user: User, on: dt.date) -> QuerySet[SchoolClass]:
    found = SchoolClass.objects.all()
    if policy.sees_all_classes(user):
        return found
    return found.filter(Exists(Teaching.objects.filter(user=user, school_class=OuterRef("pk")).on(on)))


def students(user: User, on: dt.date) -> QuerySet[Student]:
    found = Student.objects.all()
    if policy.sees_all_classes(user):
        return found
    return found.expected(on, classes(user, on))


def memberships(user: User, on: dt.date) -> MembershipQuerySet:
    found = Membership.objects.all()
    if policy.sees_all_classes(user):
        return found
    return found.filter(school_class__in=Teaching.objects.filter(user=user).on(on).values("school_class"))


def sessions(user: User) -> QuerySet[Session]:
    """A teacher sees the sessions of the days on which they taught the class: a substitute no others."""
    found = Session.objects.all()
    return found if policy.sees_all_classes(user) else found.filter(Exists(_taught(user, "")))


def marks(user: User) -> QuerySet[Mark]:
    found = Mark.objects.all()
    return found if policy.sees_all_classes(user) else found.filter(Exists(_taught(user, "session__")))


def _taught(user: User, session: str) -> QuerySet[Teaching]:
    day = OuterRef(f"{session}date")
    lasting = Greatest(day, Value(timezone.localdate(), DateField()))
    standing = Q(ends_on=None) | Q(ends_on__gte=lasting)
    own = Teaching.objects.filter(user=user, school_class=OuterRef(f"{session}school_class"))
    return own.filter(standing, starts_on__lte=day)
