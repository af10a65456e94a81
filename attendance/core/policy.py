"""Rights: who may do what. Pages, sockets, the API and the admin all ask here.

A teacher's rights come from `Teaching`, never from the role alone: for a session it must cover the session's day
and not have ended before today, so a substitute's rights end with the last day. A user who must still choose a
password has no rights.
"""

import datetime as dt
from enum import StrEnum

from django.contrib.auth.models import AnonymousUser
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from attendance.core.errors import Refused
from attendance.models import Membership, Role, SchoolClass, Session, Student, Teaching, User

Person = User | AnonymousUser


class Action(StrEnum):
    VIEW_SESSION = "view_session"
    RUN_SESSION = "run_session"  # open, sign, send camera frames, pair devices
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
TEACHER_ACTIONS = frozenset(Action) - ADMINISTRATOR_ONLY - {Action.ENROL, Action.MANAGE_SCHOOL}
VIEWER_ACTIONS = frozenset({Action.VIEW_SESSION, Action.VIEW_CLASS, Action.VIEW_STUDENT})


def may(user: Person, action: Action, subject: Subject = None, *, on: dt.date | None = None) -> bool:
    """Return whether `user` may do `action` to `subject`; without a subject, to any row at all (lists, new rows).

    `on` is the day for which a class or student is meant, today unless given. A session has its own date.
    """
    if not isinstance(user, User) or not user.is_active or user.must_change_password:
        return False
    if user.is_superuser or user.role == Role.ADMINISTRATOR:
        return True
    if user.role == Role.REGISTRAR:
        return action not in ADMINISTRATOR_ONLY
    if user.role == Role.VIEWER:
        return action in VIEWER_ACTIONS
    return action in TEACHER_ACTIONS and (subject is None or _teaches(user, subject, on))


def require(
    actor: Person | None, action: Action, subject: Subject = None, *, on: dt.date | None = None
) -> None:
    """Raise `Refused("not_allowed")` unless `actor` may do it. None means that no person acts: commands and jobs."""
    if actor is not None and not may(actor, action, subject, on=on):
        raise Refused("not_allowed", _("You do not have access to this. Ask the school's office."))


def sees_all_classes(user: Person) -> bool:
    """Return whether the user sees all classes, not only those that they teach."""
    return isinstance(user, User) and (user.is_superuser or user.role in {*OFFICE, Role.VIEWER})


def _teaches(user: User, subject: Session | SchoolClass | Student, on: dt.date | None) -> bool:
    today = timezone.localdate()
    day = subject.date if isinstance(subject, Session) else on or today
    not_ended = Q(ends_on=None) | Q(ends_on__gte=today)
    teachings = Teaching.objects.filter(not_ended, user=user).on(day)
    if isinstance(subject, Session):
        return teachings.filter(school_class=subject.school_class_id).exists()
    if isinstance(subject, SchoolClass):
        return teachings.filter(school_class=subject).exists()
    classes = Membership.objects.filter(student=subject).expected(day).values("school_class")
    return teachings.filter(school_class__in=classes).exists()
