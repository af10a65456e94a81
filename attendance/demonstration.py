"""A demonstration school out of a folder: one sub-folder of photographs per person. Twice is the same as once."""

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
KEY = "demo:"
"""In front of the folder's name in `external_id`: how a second load finds the students of the first."""
LESSON = dt.timedelta(hours=2)


@dataclass(frozen=True, slots=True, eq=False)
class Line:
    """What became of one photograph; `reason` is empty where it serves."""

    person: str
    file: str
    reason: str
    fresh: bool


@dataclass(frozen=True, slots=True, eq=False)
class Staff:
    """The teacher. `password` is empty once the teacher has logged in: it is theirs from then on."""

    username: str
    password: str


def people(folder: Path) -> list[Path]:
    """The sub-folders, one per person. Raises `Refused` with what to do instead."""
    if not folder.is_dir():
        raise Refused("no_such_folder", _("There is no folder %(folder)s.") % {"folder": folder})
    found = sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))
    if not found:
        raise Refused(
            "no_people",
            _("%(folder)s has no sub-folders. Make one per person, with photos in it.") % {"folder": folder},
        )
    return found


def load(folders: list[Path], *, now: dt.datetime) -> Iterator[Line]:
    """Enrol everybody, a line for each photograph as it is done."""
    school_class = _class()
    for folder in folders:
        student = _student(folder.name, school_class, now)
        for file in sorted(path for path in folder.iterdir() if path.is_file()):
            if not file.name.startswith("."):
                yield _photograph(student, file, now)


def _class() -> SchoolClass:
    """Return the demonstration's class, found by its number: names are not unique."""
    number, names = KEY + "class", {"name": CLASS_NAME}
    return SchoolClass.objects.get_or_create(external_id=number, defaults=names)[0]


def _student(folder: str, school_class: SchoolClass, now: dt.datetime) -> Student:
    words = folder.replace("_", " ").replace("-", " ").title().split() or [folder]
    student, _created = Student.objects.get_or_create(
        external_id=KEY + folder[:70],
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
        return Line(student.name, file.name, "", fresh=False)
    verdict = enrolment.enrol(student_id=student.pk, data=data, actor=None, now=now)
    return Line(student.name, file.name, "" if verdict.accepted else verdict.message, fresh=True)


def staff(*, now: dt.datetime) -> Staff:
    """The teacher of the class, with a new password until they have logged in for the first time."""
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
    """A session of the class on this day that is not over; a new one begins five minutes ago at the earliest."""
    school_class = _class()
    today = Session.objects.filter(school_class=school_class, date=timezone.localdate(now), ends_at__gt=now)
    started = now.replace(second=0, microsecond=0) - dt.timedelta(minutes=now.minute % 5)
    return today.order_by("starts_at").first() or sessions.create(
        class_id=school_class.pk, starts_at=started, ends_at=started + LESSON, actor=None
    )
