"""A small school for tests: two classes, a user of each role, students, consents and an open session.

    @pytest.mark.django_db
    def test_something(world: World) -> None: ...

The `world` fixture is in tests/conftest.py. Students have no photographs; `photograph` adds one with a random template.
"""

from __future__ import annotations

import datetime as dt
import importlib
from dataclasses import dataclass, field

import numpy as np
from django.apps import apps
from django.utils import timezone

from attendance import register
from attendance.core import blob_store
from attendance.faces import gallery_versions, templates
from attendance.models import (
    Blob,
    Consent,
    Membership,
    Photograph,
    Role,
    SchoolClass,
    Session,
    Source,
    Space,
    Student,
    Teaching,
    Template,
    User,
)
from recognition.engine.types import SPACE, Array

PASSWORD = "correct horse battery"


@dataclass(frozen=True, slots=True, eq=False)
class World:
    """`ann`, `bea` and `cem` are in `school_class` with consent; `dan` is in it without; `eve` is in `other_class`.

    `session` began five minutes ago, and is open. `teacher` teaches `school_class`, `other_teacher` the other one.
    """

    now: dt.datetime
    administrator: User
    registrar: User
    teacher: User
    other_teacher: User
    viewer: User
    school_class: SchoolClass
    other_class: SchoolClass
    ann: Student
    bea: Student
    cem: Student
    dan: Student
    eve: Student
    session: Session
    students: tuple[Student, ...] = field(default=())


def build() -> World:
    """Write the school to the database."""
    seed()
    now = timezone.now()
    users = {role.value: _user(role.value, role) for role in Role}
    other_teacher = _user("other_teacher", Role.TEACHER)
    first, second = (SchoolClass.objects.create(name=name) for name in ("7 North", "7 South"))
    start = timezone.localdate(now) - dt.timedelta(days=30)
    Teaching.objects.create(user=users["teacher"], school_class=first, starts_on=start)
    Teaching.objects.create(user=other_teacher, school_class=second, starts_on=start)
    names = ("Ann Ash", "Bea Birch", "Cem Cedar", "Dan Dogwood", "Eve Elm")
    ann, bea, cem, dan, eve = (student(name) for name in names)
    for member in (ann, bea, cem, dan):
        Membership.objects.create(student=member, school_class=first, starts_on=start)
    Membership.objects.create(student=eve, school_class=second, starts_on=start)
    for consenting in (ann, bea, cem, eve):
        consent(consenting)
    return World(
        now=now,
        administrator=users["administrator"],
        registrar=users["registrar"],
        teacher=users["teacher"],
        other_teacher=other_teacher,
        viewer=users["viewer"],
        school_class=first,
        other_class=second,
        ann=ann,
        bea=bea,
        cem=cem,
        dan=dan,
        eve=eve,
        session=open_session(first, now),
        students=(ann, bea, cem, dan),
    )


def seed() -> None:
    """Write the codes and settings of the migrations again, because transactional tests empty all tables."""
    importlib.import_module("attendance.migrations.0002_guards_and_codes").seed(apps, None)


def _user(name: str, role: Role) -> User:
    return User.objects.create_user(username=name, password=PASSWORD, role=role)


def student(name: str) -> Student:
    given, _, family = name.partition(" ")
    return Student.objects.create(given_name=given, family_name=family)


def consent(
    student: Student, *, given_on: dt.date | None = None, expires_on: dt.date | None = None
) -> Consent:
    return Consent.objects.create(
        student=student,
        given_by="A guardian",
        given_on=given_on or timezone.localdate() - dt.timedelta(days=20),
        expires_on=expires_on,
        version="1",
    )


def open_session(school_class: SchoolClass, now: dt.datetime, *, minutes_ago: int = 5) -> Session:
    start = now - dt.timedelta(minutes=minutes_ago)
    return Session.objects.create(
        school_class=school_class,
        starts_at=start,
        ends_at=start + dt.timedelta(hours=1),
        date=timezone.localdate(start),
        state=Session.State.OPEN,
        opened_at=start,
    )


def by_hand(world: World, student: Student, letter: str | None = "/") -> register.Result:
    """Mark a student as the teacher, now; `letter` None undoes the mark."""
    return register.mark(
        register.MarkRequest(
            session_id=world.session.pk,
            student_id=student.pk,
            code=letter,
            source=Source.TEACHER,
            actor=world.teacher,
            now=timezone.now(),
        )
    )


def vector(seed: int) -> Array:
    """Return a random unit template (128,). The distance of two of them is about 1.41."""
    values = np.random.default_rng(seed).standard_normal(128)
    return (values / np.linalg.norm(values)).astype(np.float32)


def photograph(student: Student, template: Array, *, picture: bytes = b"a picture") -> Photograph:
    """Add a photograph with this template, as `enrolment.enrol` does."""
    space, _ = Space.objects.get_or_create(name=SPACE, defaults={"active": True})
    row = Photograph.objects.create(
        student=student,
        crop=blob_store.store(Blob.Kind.ENROLMENT, picture, owner=student.pk),
        content_hmac=f"{Photograph.objects.count():064d}",
    )
    Template.objects.create(
        student=student,
        photograph=row,
        space=space,
        sealed=templates.seal(template, row.pk, student.pk, space.name),
    )
    gallery_versions.raise_versions([student.pk])
    return row
