"""Reading the evidence of a mark."""

from __future__ import annotations

import pytest

from attendance.models import AuditEvent, Evidence
from attendance.people import consents
from attendance.register import evidence
from tests.attendance.face_data import add_face_data
from tests.attendance.refusals import refusal_of
from tests.world import World

pytestmark = pytest.mark.django_db


def test_evidence_is_read_by_teachers_of_the_class_until_withdrawal(world: World) -> None:
    add_face_data(world)
    kept = Evidence.objects.get()
    assert evidence.read(kept, world.teacher) == b"a crop"
    assert AuditEvent.objects.filter(action="evidence_viewed", actor=world.teacher).count() == 1
    assert refusal_of(evidence.read, evidence=kept, actor=world.other_teacher) == "not_allowed"
    consents.withdraw(student_id=world.ann.pk, actor=world.registrar, now=world.now)
    kept.refresh_from_db()
    assert refusal_of(evidence.read, evidence=kept, actor=world.teacher) == "no_such_evidence"
