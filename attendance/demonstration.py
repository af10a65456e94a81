"""A demonstration school from a folder with one sub-folder of photographs per person. Loading may be repeated."""

import datetime as dt
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from django.utils import timezone
from django.utils.translation import gettext as _

from attendance.calendar import sessions
from attendance.core.errors import Refused
from attendance.faces import enrolment
from attendance.models import (
    Consent,
    Membership,
    Photograph,
    Role,
    SchoolClass,
    Session,
    Student,
    Teaching,
    User,
)
from attendance.people import consents, memberships

CLASS_NAME = "Demonstration"
TEACHER = "teacher"
# Precedes the folder's name in `external_id`, by which a second load finds the students of the first.
ID_PREFIX = "demo:"
SESSION_LENGTH = dt.timedelta(hours=2)


@dataclass(frozen=True, slots=True, eq=False)
class Line:
    """The result of one photograph. `reason` says why it was not accepted, else it is empty. `added`: it is new."""

    person: str
    file: str
    reason: str
    added: bool


@dataclass(frozen=True, slots=True, eq=False)
class Staff:
    """The login of the teacher. `password` is empty once the teacher has logged in, for it is not changed then."""

    username: str
    password: str


def people(folder: Path) -> list[Path]:
    """Return the sub-folders, one per person. Raises `Refused` where there are none."""
    if not folder.is_dir():
        raise Refused("no_such_folder", _("There is no folder %(folder)s.") % {"folder": folder})
    folders = sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))
    if not folders:
        raise Refused(
            "no_people",
            _("%(folder)s has no sub-folders. Make one per person, with photos in it.") % {"folder": folder},
        )
    return folders


def load(folders: list[Path], *, now: dt.datetime) -> Iterator[Line]:
    """Enrol each person; yield a line for each photograph when it is done."""
    school_class = _class()
    for folder in folders:
        student = _student(folder.name, school_class, now)
        for file in sorted(path for path in folder.iterdir() if path.is_file()):
            if not file.name.startswith("."):
                yield _photograph(student, file, now)


def _class() -> SchoolClass:
    """Return the class of the demonstration, added if needed. It has a number, because names are not unique."""
    defaults = {"name": CLASS_NAME}
    return SchoolClass.objects.get_or_create(external_id=ID_PREFIX + "class", defaults=defaults)[0]


def _student(folder: str, school_class: SchoolClass, now: dt.datetime) -> Student:
    words = folder.replace("_", " ").replace("-", " ").title().split() or [folder]
    student, _created = Student.objects.get_or_create(
        external_id=ID_PREFIX + folder[:70],
        defaults={
            "given_name": " ".join(words[:-1]) or words[0],
            "family_name": words[-1] if words[1:] else "",
        },
    )
    today = timezone.localdate(now)
    if not Membership.objects.filter(student=student, school_class=school_class).exists():
        memberships.add(student_id=student.pk, class_id=school_class.pk, starts_on=today, actor=None)
    if not Consent.objects.filter(student=student).exists():
        consents.give(student_id=student.pk, given_by=_("Demonstration"), given_on=today, actor=None, now=now)
    return student


def _photograph(student: Student, file: Path, now: dt.datetime) -> Line:
    data = file.read_bytes()
    digest = enrolment.digest_of(data)
    if Photograph.objects.filter(student=student, content_hmac=digest).exists():
        return Line(student.name, file.name, "", added=False)
    verdict = enrolment.enrol(student_id=student.pk, data=data, actor=None, now=now)
    return Line(student.name, file.name, "" if verdict.accepted else verdict.message, added=True)


def staff(*, now: dt.datetime) -> Staff:
    """Return the teacher of the class, with a new password until the first login."""
    school_class = _class()
    teacher, _created = User.objects.get_or_create(
        username=TEACHER,
        defaults={"role": Role.TEACHER, "first_name": "Terry", "last_name": "Teacher", "password": "!"},
    )
    if not Teaching.objects.filter(user=teacher, school_class=school_class).exists():
        Teaching.objects.create(user=teacher, school_class=school_class, starts_on=timezone.localdate(now))
    if teacher.last_login is not None:
        return Staff(teacher.username, "")
    password = secrets.token_urlsafe(9)
    teacher.set_password(password)
    teacher.save(update_fields=["password"])
    return Staff(teacher.username, password)


def session_today(*, now: dt.datetime) -> Session:
    """Return a session of the class today that has not ended; a new one starts at the last full five minutes."""
    school_class = _class()
    sessions_today = Session.objects.filter(
        school_class=school_class, date=timezone.localdate(now), ends_at__gt=now
    )
    starts_at = now.replace(second=0, microsecond=0) - dt.timedelta(minutes=now.minute % 5)
    return sessions_today.order_by("starts_at").first() or sessions.create(
        class_id=school_class.pk, starts_at=starts_at, ends_at=starts_at + SESSION_LENGTH, actor=None
    )
