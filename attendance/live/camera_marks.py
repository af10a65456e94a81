"""What a camera's socket reads of the school (names, rules of the session), and the marks that it writes."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
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
from attendance.register import MatchEvidence, Outcome, rejected_matches
from attendance.register.description import MarkMessage, Visitor
from attendance.register.state import mark_message
from recognition.streams.frame_results import MatchRules, RecognisedTrack
from recognition.telemetry.monitor import MONITOR

COUNTED = {
    Outcome.CREATED: "marks",
    Outcome.CHANGED: "marks",
    Outcome.ALREADY: "marks_already",
    Outcome.REFUSED: "marks_refused",
}


def names(session: Session) -> dict[str, str]:
    """Return the names of the session's students, by id."""
    return _names(Student.objects.in_class(session.school_class, session.date))


def names_of(student_ids: Iterable[str]) -> dict[str, str]:
    """Return the names of these students, by id; also of those who joined the class a moment ago."""
    return _names(Student.objects.filter(pk__in=list(student_ids)))


def _names(students: QuerySet[Student]) -> dict[str, str]:
    # Read every few seconds for each camera, so only the columns that a name needs.
    return {str(student.pk): student.name for student in students.only("given_name", "family_name")}


def visitors_of(student_ids: Iterable[str]) -> dict[str, Visitor]:
    """Return names and today's classes of these students of the whole school, by id."""
    now = timezone.now()
    today = Membership.objects.on(timezone.localdate(now)).filter(school_class__archived_at=None)
    rows = today.filter(student__in=list(student_ids)).order_by("school_class__name")
    classes = list(rows.values_list("student", "school_class__name"))
    students = Student.objects.recognisable(now).filter(pk__in=list(student_ids))
    return {
        str(student.pk): {
            "name": student.name,
            "classes": [name for student_id, name in classes if student_id == student.pk],
        }
        for student in students
    }


def rules(session: Session, *, visitors: bool) -> MatchRules:
    """Return the session's confusable pairs and rejected matches.

    `visitors`: whether this camera may name students of other classes; the school's setting must allow it too.
    """
    return MatchRules(
        confusable_pairs(session.school_class_id, session.date),
        rejected_matches.of_session(session),
        visitors=visitors and SchoolSettings.load().visitors_shown,
    )


def confusable_pairs(class_id: UUID, on: dt.date) -> frozenset[frozenset[str]]:
    """Return the pairs of students of the class whose photographs are hard to tell apart, as ids."""
    members = Student.objects.expected(on, class_id).values("pk")
    pairs = ConfusablePair.objects.filter(first__in=members, second__in=members)
    return frozenset(frozenset(map(str, pair)) for pair in pairs.values_list("first", "second"))


@dataclass(frozen=True, slots=True, eq=False)
class Marked:
    """What became of match evidence.

    `event` is for the sockets, None where nothing was written. `closed`: the session was not open.
    """

    event: MarkMessage | None
    closed: bool


def mark(principal: Principal, track: RecognisedTrack, *, camera: str, space: str) -> Marked:
    """Write the mark of a recognised student. Raises `Refused`."""
    kiosk = principal.device is not None and principal.device.kind == DeviceKind.KIOSK
    now = timezone.now()
    result = register.mark(
        register.MarkRequest(
            session_id=principal.session.pk,
            student_id=UUID(track.student),
            code=register.ARRIVED,
            source=Source.KIOSK if kiosk else Source.CAMERA,
            actor=None,
            device=principal.device,
            now=now,
            seen_at=now,
            evidence=evidence_of(track, camera=camera, space=space),
        )
    )
    MONITOR.count(COUNTED[result.outcome])
    event = None
    if result.written and result.mark is not None:
        event = mark_message(result.mark, result.version)
    return Marked(event, result.reason == Attempt.Reason.SESSION_CLOSED)


def evidence_of(track: RecognisedTrack, *, camera: str, space: str) -> MatchEvidence:
    decision = track.decision
    return MatchEvidence(
        distance=decision.distance or 0.0,
        margin=decision.margin,
        confidence=decision.confidence,
        samples=decision.samples,
        photographs=track.photographs,
        space=space,
        camera=camera,
        crop=track.crop,
        template=track.template,
    )
