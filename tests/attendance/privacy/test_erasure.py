"""Erasure of a student's data."""

from __future__ import annotations

from typing import Any

import pytest

from attendance.models import (
    AuditEvent,
    Blob,
    Consent,
    Evidence,
    MarkEvent,
    Photograph,
    RejectedMatch,
    Review,
    Student,
    Template,
)
from attendance.privacy import erasure
from tests.attendance.face_data import add_face_data
from tests.attendance.refusals import refusal_of
from tests.world import World

pytestmark = pytest.mark.django_db


def test_erasure_deletes_everything_but_the_register(world: World) -> None:
    add_face_data(world)
    Student.objects.filter(pk=world.ann.pk).update(contact_email="home@example.org")
    erased = erasure.erase(
        student_id=world.ann.pk, actor=world.registrar, reason="left the school", now=world.now
    )
    assert (erased.photographs, erased.evidence, erased.reviews) == (1, 1, 1)
    for model in (Photograph, Template, Blob, RejectedMatch, Review, Evidence):
        assert model.objects.count() == 0
    student = Student.objects.get(pk=world.ann.pk)
    assert (student.contact_email, student.erased_at) == ("", world.now)
    assert Consent.objects.get(student=student).given_by == ""
    assert MarkEvent.objects.filter(student=student).count() == 1
    details = AuditEvent.objects.get(action="student_erased").details
    assert details == {"reason": "left the school", "photographs": 1, "evidence": 1, "reviews": 1}
    again = erasure.erase(student_id=world.ann.pk, actor=world.registrar, reason="again", now=world.now)
    assert (again.photographs, again.evidence, again.reviews) == (0, 0, 0)


def test_erasure_without_reason_or_right_is_refused(world: World) -> None:
    arguments: dict[str, Any] = {"student_id": world.ann.pk, "now": world.now}
    assert refusal_of(erasure.erase, actor=world.registrar, reason=" ", **arguments) == "reason_needed"
    assert refusal_of(erasure.erase, actor=world.teacher, reason="because", **arguments) == "not_allowed"
