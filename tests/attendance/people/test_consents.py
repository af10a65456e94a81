"""Consents: giving, withdrawal and expiry."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.core.cache import cache
from django.utils import timezone

from attendance.models import (
    AuditEvent,
    Blob,
    Consent,
    Evidence,
    Mark,
    Photograph,
    RejectedMatch,
    Review,
    Student,
    Template,
)
from attendance.people import consents
from recognition.engine.types import SPACE
from recognition.galleries import SCHOOL, key_of
from tests.attendance.face_data import add_face_data
from tests.attendance.refusals import refusal_of
from tests.world import World, consent, photograph, vector

pytestmark = pytest.mark.django_db

TODAY = timezone.localdate
DAY = dt.timedelta(days=1)


def test_withdrawal_deletes_face_data_and_keeps_the_register(world: World) -> None:
    add_face_data(world)
    deleted = consents.withdraw(student_id=world.ann.pk, actor=world.registrar, now=world.now)
    assert (deleted.photographs, deleted.evidence_crops, deleted.reviews) == (1, 1, 1)
    for model in (Photograph, Template, Blob, RejectedMatch, Review):
        assert model.objects.count() == 0
    assert Evidence.objects.get().crop is None
    assert Mark.objects.get().letter == "/"
    ended = Consent.objects.get(student=world.ann)
    assert (ended.withdrawn_at, ended.withdrawn_by) == (world.now, world.registrar)
    assert AuditEvent.objects.filter(action="consent_withdrawn", row=str(world.ann.pk)).count() == 1


def test_withdrawal_keeps_face_data_of_other_students(world: World) -> None:
    photograph(world.bea, vector(2))
    photograph(world.ann, vector(1))
    consents.withdraw(student_id=world.ann.pk, actor=world.registrar, now=world.now)
    assert Photograph.objects.get().student == world.bea
    assert Blob.objects.count() == 1


def test_withdrawal_deletes_cached_galleries_of_the_student(
    world: World, django_capture_on_commit_callbacks: Any
) -> None:
    photograph(world.ann, vector(1))
    keys = [key_of(name, SPACE) for name in (str(world.school_class.pk), str(world.other_class.pk), SCHOOL)]
    for key in keys:
        cache.set(key, b"sealed")
    with django_capture_on_commit_callbacks(execute=True):
        consents.withdraw(student_id=world.ann.pk, actor=world.registrar, now=world.now)
    assert [cache.get(key) for key in keys] == [None, b"sealed", None]


def test_expired_consent_deletes_face_data(world: World) -> None:
    photograph(world.dan, vector(1))
    photograph(world.ann, vector(2))
    consent(world.dan, expires_on=TODAY() - DAY)
    assert consents.delete_faces_without_consent(now=world.now) == 1
    assert Photograph.objects.get().student == world.ann
    assert consents.delete_faces_without_consent(now=world.now) == 0


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"given_by": " "}, "given_by_needed"),
        ({"given_on": dt.date(2999, 1, 1)}, "date_in_future"),
        ({"expires_on": dt.date(2001, 1, 1)}, "ends_before_it_starts"),
    ],
)
def test_consent_with_a_wrong_value_is_refused(world: World, changes: dict[str, Any], code: str) -> None:
    arguments: dict[str, Any] = {
        "student_id": world.dan.pk,
        "given_by": "A guardian",
        "given_on": TODAY(),
        "actor": world.registrar,
        "now": world.now,
    } | changes
    assert refusal_of(consents.give, **arguments) == code


def test_consent_holds_the_version_of_the_schools_form(world: World) -> None:
    made = consents.give(
        student_id=world.dan.pk, given_by="A guardian", given_on=TODAY(), actor=world.registrar, now=world.now
    )
    assert (made.version, made.recorded_by) == ("1", world.registrar)
    assert Student.objects.recognisable(world.now).filter(pk=world.dan.pk).exists()
