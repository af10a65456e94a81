"""Read a register as `attendance.register.description` types it, in a constant number of queries."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from django.db.models import Count, Exists, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.utils import timezone

from attendance.core import policy
from attendance.core.policy import Action, Person
from attendance.faces import templates
from attendance.models import (
    Attempt,
    AttendanceCode,
    Evidence,
    Mark,
    Photograph,
    Review,
    Session,
    Status,
    Student,
)
from attendance.register.codes import offered_codes
from attendance.register.description import (
    AttemptState,
    ByHand,
    ChosenCodes,
    CodeMembers,
    CodeState,
    MarkMessage,
    MarkResult,
    MarkState,
    RegisterCounts,
    RegisterState,
    SessionMessage,
    SessionState,
    SignedMark,
    SignedRegister,
    SignedStudent,
    StudentState,
)
from attendance.register.requests import Result


def register_state(session: Session, *, user: Person | None) -> RegisterState:
    """Return the whole register. `user` None, a paired device, gets no addresses of portraits.

    The version is read first: what is read after it may be newer, and its event then comes a second time, which does
    no harm.
    """
    fresh = Session.objects.select_related("school_class").get(pk=session.pk)
    faces = user is not None and policy.may(user, Action.VIEW_FACES, fresh)
    codes = list(offered_codes(fresh))
    marks = {mark.student_id: mark for mark in _marks(session=fresh)}
    students = [_student(student, marks.get(student.pk), faces) for student in _students(fresh)]
    return {
        "type": "register",
        "version": fresh.version,
        "session": session_state(fresh),
        "codes": [code_state(code) for code in codes],
        "chosen_codes": _chosen_letters(codes),
        "counts": _counts(students),
        "students": students,
        "reviews": Review.objects.filter(session=fresh, verdict=Review.Verdict.WAITING).count(),
        "attempts": _attempts(fresh),
    }


def _students(session: Session) -> QuerySet[Student]:
    """Return the expected students, and those who have a mark although their membership was changed afterwards."""
    members = Student.objects.expected(session.date, session.school_class_id)
    marked = Mark.objects.filter(session=session)
    photographs = (
        Photograph.objects.filter(student=OuterRef("pk"), templates__space__in=templates.searched_space())
        .order_by()
        .values("student")
        .annotate(count=Count("pk"))
        .values("count")
    )
    recognisable = Student.objects.recognisable(timezone.now()).filter(pk=OuterRef("pk"))
    return (
        Student.objects.filter(Q(pk__in=members.values("pk")) | Q(pk__in=marked.values("student")))
        .annotate(
            photograph_count=Coalesce(Subquery(photographs), 0),
            portrayed=Exists(Photograph.objects.filter(student=OuterRef("pk"))),
            consented=Exists(recognisable),
        )
        .order_by("sort_key", "pk")
    )


def _marks(**only: Any) -> QuerySet[Mark]:
    evidence = Evidence.objects.filter(event__mark=OuterRef("pk"))
    return (
        Mark.objects.filter(**only)
        .select_related("code", "marked_by")
        .annotate(has_evidence=Exists(evidence))
    )


def _student(student: Any, mark: Mark | None, faces: bool) -> StudentState:
    portrait = f"/api/v1/students/{student.pk}/portrait/" if faces and student.portrayed else None
    by_hand = _by_hand(student)
    return {
        "id": str(student.pk),
        "name": student.name,
        "number": student.external_id,
        "portrait": portrait,
        "recognisable": by_hand is None,
        "by_hand": by_hand,
        "left_on": student.left_on.isoformat() if student.left_on else None,
        "photographs": student.photograph_count,
        "mark": None if mark is None else mark_state(mark),
    }


def _by_hand(student: Any) -> ByHand | None:
    """Return why the camera cannot know a student; None where it can."""
    if student.left_on is not None and student.left_on < timezone.localdate():
        return "left"
    if not student.consented:
        return "no_consent"
    if student.photograph_count > 0:
        return None
    return "photograph_again" if student.portrayed else "no_photograph"


def mark_state(mark: Any) -> MarkState:
    """Return a mark as pages show it; its `has_evidence` must have been annotated."""
    return {
        **code_members(mark.code),
        "mark": str(mark.pk),
        "at": mark.changed_at.isoformat(),
        "source": mark.source,
        "by": mark.marked_by.shown_name if mark.marked_by else None,
        "note": mark.note,
        "revision": mark.revision,
        "minutes_late": mark.minutes_late,
        "evidence": mark.has_evidence,
    }


def result_state(result: Result) -> MarkResult:
    """Return what became of a request to mark, with the mark as the register shows it."""
    mark = None if result.mark is None else mark_state(_marks(pk=result.mark.pk).get())
    return {
        "outcome": result.outcome.value,
        "reason": str(result.reason),
        "mark": mark,
        "version": result.version,
    }


def code_members(code: AttendanceCode | None) -> CodeMembers:
    if code is None:
        return {"code": None, "status": None, "category": None, "on_premises": None}
    return {
        "code": code.letter,
        "status": str(code.status),
        "category": code.category,
        "on_premises": code.on_premises,
    }


def code_state(code: AttendanceCode) -> CodeState:
    """Return a code as pages offer it."""
    return {
        "letter": code.letter,
        "name": code.name,
        "status": str(code.status),
        "category": code.category,
        "on_premises": code.on_premises,
        "for_teachers": code.for_teachers,
    }


def _counts(students: list[StudentState]) -> RegisterCounts:
    statuses = Counter(_status(student) for student in students)
    return {
        "expected": len(students),
        "present": statuses[Status.PRESENT],
        "late": statuses[Status.LATE],
        "absent": statuses[Status.ABSENT],
        "excused": statuses[Status.EXCUSED],
        "not_expected": statuses[Status.NOT_EXPECTED],
        "unmarked": statuses["unmarked"],
    }


def _status(student: StudentState) -> str:
    return (student["mark"] and student["mark"]["status"]) or "unmarked"


def _attempts(session: Session) -> list[AttemptState]:
    return [
        {
            "student": {"id": str(attempt.student_id), "name": attempt.student.name},
            "source": attempt.source,
            "reason": attempt.reason,
            "count": attempt.count,
            "last_at": attempt.last_at.isoformat(),
        }
        for attempt in Attempt.objects.filter(session=session).select_related("student").order_by("-last_at")
    ]


def mark_message(mark: Mark, version: int) -> MarkMessage:
    return {
        **code_members(mark.code),
        "type": "unmark" if mark.code is None else "mark",
        "student": {"id": str(mark.student_id), "name": mark.student.name},
        "at": mark.changed_at.isoformat(),
        "mark": str(mark.pk),
        "source": mark.source,
        "by": mark.marked_by.shown_name if mark.marked_by else None,
        "note": mark.note,
        "revision": mark.revision,
        "minutes_late": mark.minutes_late,
        "version": version,
    }


def session_message(session: Session) -> SessionMessage:
    return {"type": "session", "session": session_state(session), "version": session.version}


def session_state(session: Session) -> SessionState:
    return {
        "id": str(session.pk),
        "class": {"id": str(session.school_class_id), "name": session.school_class.name},
        "title": session.title,
        "state": session.state,
        "was_signed": session.was_signed,
        "date": session.date.isoformat(),
        "starts_at": session.starts_at.isoformat(),
        "ends_at": session.ends_at.isoformat(),
    }


def signed_register(session: Session) -> SignedRegister:
    """Return the register as a signature keeps it: every expected or marked student with the code as it is now."""
    marks = {mark.student_id: mark for mark in _marks(session=session)}
    students = [_signed_student(student, marks.get(student.pk)) for student in _students(session)]
    return {"session": session_state(session), "version": session.version, "students": students}


def _signed_student(student: Student, mark: Mark | None) -> SignedStudent:
    signed_mark: SignedMark | None = None
    if mark is not None:
        signed_mark = {
            **code_members(mark.code),
            "note": mark.note,
            "minutes_late": mark.minutes_late,
            "revision": mark.revision,
            "source": mark.source,
        }
    return {
        "id": str(student.pk),
        "name": student.name,
        "external_id": student.external_id,
        "mark": signed_mark,
    }


def _chosen_letters(codes: Sequence[Any]) -> ChosenCodes:
    """Return the letters of `offered_codes` that pages offer with one tap; None where the school chose none."""
    return {
        "present": next((code.letter for code in codes if code.is_present), None),
        "late": next((code.letter for code in codes if code.is_late), None),
        "not_seen": next((code.letter for code in codes if code.is_not_seen), None),
    }
