"""Who may: the one answer for pages, sockets, the API and the admin.

A teacher's rights come from `Teaching` on the day in question, never from the role alone, so a substitute's end
with the last day. A person who must still choose a password may do nothing.
"""

import datetime as dt
from enum import StrEnum

from django.contrib.auth.models import AnonymousUser
from django.utils import timezone

from attendance.models import Membership, Role, SchoolClass, Session, Student, Teaching, User

Person = User | AnonymousUser


class Action(StrEnum):
    VIEW_SESSION = "view_session"
    RUN_SESSION = "run_session"  # start, close, show to the camera, pair devices
    MARK = "mark"
    VIEW_CLASS = "view_class"
    VIEW_STUDENT = "view_student"
    VIEW_FACES = "view_faces"  # photographs, evidence, review crops, distances
    IDENTIFY = "identify"
    ENROL = "enrol"
    MANAGE_SCHOOL = "manage_school"  # students, classes, memberships, consents, codes
    MANAGE_USERS = "manage_users"
    VIEW_AUDIT = "view_audit"


Subject = Session | SchoolClass | Student | None

OFFICE = frozenset({Role.ADMINISTRATOR, Role.REGISTRAR})
ADMINISTRATOR_ONLY = frozenset({Action.MANAGE_USERS, Action.VIEW_AUDIT})
OF_TEACHERS = frozenset(Action) - ADMINISTRATOR_ONLY - {Action.ENROL, Action.MANAGE_SCHOOL}
OF_VIEWERS = frozenset({Action.VIEW_SESSION, Action.VIEW_CLASS, Action.VIEW_STUDENT})


def may(user: Person, action: Action, subject: Subject = None, *, on: dt.date | None = None) -> bool:
    """Whether `user` may do `action` to `subject` (None: to the kind at all, as for a list or a new row)."""
    if not isinstance(user, User) or not user.is_active or user.must_change_password:
        return False
    if user.is_superuser or user.role == Role.ADMINISTRATOR:
        return True
    if user.role == Role.REGISTRAR:
        return action not in ADMINISTRATOR_ONLY
    if user.role == Role.VIEWER:
        return action in OF_VIEWERS
    return action in OF_TEACHERS and (subject is None or _teaches(user, subject, on))


def sees_all_classes(user: Person) -> bool:
    """Whether lists need no narrowing to the classes that the person teaches."""
    return isinstance(user, User) and (user.is_superuser or user.role in {*OFFICE, Role.VIEWER})


def _teaches(user: User, subject: Session | SchoolClass | Student, on: dt.date | None) -> bool:
    if isinstance(subject, Session):
        day = subject.date
        return Teaching.objects.filter(user=user, school_class=subject.school_class_id).on(day).exists()
    day = on or timezone.localdate()
    teachings = Teaching.objects.filter(user=user).on(day)
    if isinstance(subject, SchoolClass):
        return teachings.filter(school_class=subject).exists()
    classes = Membership.objects.filter(student=subject).on(day).values("school_class")
    return teachings.filter(school_class__in=classes).exists()
