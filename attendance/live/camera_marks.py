"""What the camera's socket asks of the school and tells it: names, rules of the session, and marks."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, TypedDict
from uuid import UUID

from django.db.models import QuerySet
from django.utils import timezone

from attendance import register
from attendance.access.socket_auth import Principal
from attendance.models import (
    Attempt,
    ConfusablePair,
    DeviceKind,
    Membership,
    SchoolSettings,
    Session,
    Source,
    Student,
)
from attendance.register import Outcome, rejected_matches
from attendance.register.evidence import MatchEvidence
from attendance.register.state import mark_message
from recognition.streams.frame_results import MatchRules, RecognisedTrack
from recognition.telemetry.monitor import MONITOR

COUNTED = {
    Outcome.CREATED: "marks",
    Outcome.CHANGED: "marks",
    Outcome.ALREADY: "marks_already",
    Outcome.REFUSED: "marks_refused",
}


class Visitor(TypedDict):
    """Whom a stranger may be: a question for the teacher, and nothing to mark by, so it has no key."""

    name: str
    classes: list[str]


def names(session: Session) -> dict[str, str]:
    """The names of the session's students, by key."""
    students = Student.objects.in_class(session.school_class, session.date)
    return _names(students)


def names_of(student_ids: Iterable[str]) -> dict[str, str]:
    """The names of these students, for who joined the class a moment ago."""
    return _names(Student.objects.filter(pk__in=list(student_ids)))


def _names(students: QuerySet[Student]) -> dict[str, str]:
    """Read every few seconds for each camera, so no more than a name needs."""
    return {str(student.pk): student.name for student in students.only("given_name", "family_name")}


def visitors_of(student_ids: Iterable[str]) -> dict[str, Visitor]:
    """The names of students of the whole school, and the classes that they are in today, by key."""
    now = timezone.now()
    today = Membership.objects.on(timezone.localdate(now)).filter(school_class__archived_at=None)
    rows = today.filter(student__in=list(student_ids)).order_by("school_class__name")
    classes = list(rows.values_list("student", "school_class__name"))
    students = Student.objects.recognisable(now).filter(pk__in=list(student_ids))
    return {
        str(student.pk): {
            "name": student.name,
            "classes": [name for key, name in classes if key == student.pk],
        }
        for student in students
    }


def rules(session: Session, *, visitors: bool) -> MatchRules:
    """Which students are hard to tell apart, and which faces are not whom the camera took them for.

    `visitors`: whether whoever looks at this camera may be asked about students of other classes, if the school wants.
    """
    members = Student.objects.expected(session.date, session.school_class_id).values("pk")
    pairs = ConfusablePair.objects.filter(first__in=members, second__in=members)
    return MatchRules(
        frozenset(frozenset(map(str, pair)) for pair in pairs.values_list("first", "second")),
        rejected_matches.of_session(session),
        visitors=visitors and SchoolSettings.load().visitors_shown,
    )


@dataclass(frozen=True, slots=True, eq=False)
class Marked:
    """What became of a claim: the event for the sockets, if any; `closed`, where the session took no marks then."""

    event: dict[str, Any] | None
    closed: bool


def mark(guest: Principal, claim: RecognisedTrack, *, camera: str, space: str) -> Marked:
    """Write what the camera recognised."""
    kiosk = guest.device is not None and guest.device.kind == DeviceKind.KIOSK
    now = timezone.now()
    result = register.mark(
        register.MarkRequest(
            session_id=guest.session.pk,
            student_id=UUID(claim.student),
            code=register.ARRIVED,
            source=Source.KIOSK if kiosk else Source.CAMERA,
            actor=None,
            device=guest.device,
            now=now,
            seen_at=now,
            evidence=evidence_of(claim, camera=camera, space=space),
        )
    )
    MONITOR.count(COUNTED[result.outcome])
    event = None
    if result.written and result.mark is not None:
        event = mark_message(result.mark, result.version)
    return Marked(event, result.reason == Attempt.Reason.SESSION_CLOSED)


def evidence_of(claim: RecognisedTrack, *, camera: str, space: str) -> MatchEvidence:
    """Why the camera said so."""
    decision = claim.decision
    return MatchEvidence(
        distance=decision.distance or 0.0,
        margin=decision.margin,
        confidence=decision.confidence,
        samples=decision.samples,
        photographs=claim.photographs,
        space=space,
        camera=camera,
        crop=claim.crop,
        template=claim.template,
    )
