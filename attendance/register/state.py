"""The whole state of a register, as dashboards and pages show it, in a constant number of queries."""

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
from attendance.register.codes import chosen_letters, offered_codes

State = dict[str, Any]


def register_state(session: Session, *, user: Person | None) -> State:
    """Everything that a page needs to show the register. `user` None, a paired device, sees no portraits.

    The version is read first: what is read after it may be newer, and its event then comes again, to no harm.
    """
    fresh = Session.objects.select_related("school_class").get(pk=session.pk)
    faces = user is not None and policy.may(user, Action.VIEW_FACES, fresh)
    codes = list(offered_codes(fresh))
    marks = {mark.student_id: mark for mark in _marks(fresh)}
    students = [_student(student, marks.get(student.pk), faces) for student in _students(fresh)]
    return {
        "type": "register",
        "version": fresh.version,
        "session": session_state(fresh),
        "codes": [code_state(code) for code in codes],
        "chosen_codes": chosen_letters(codes),
        "counts": _counts(students),
        "students": students,
        "reviews": Review.objects.filter(session=fresh, verdict=Review.Verdict.WAITING).count(),
        "attempts": _attempts(fresh),
    }


def _students(session: Session) -> QuerySet[Student]:
    """Who is expected, and who has a mark although the membership was changed afterwards."""
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


def _marks(session: Session) -> QuerySet[Mark]:
    evidence = Evidence.objects.filter(event__mark=OuterRef("pk"))
    return (
        Mark.objects.filter(session=session)
        .select_related("code", "marked_by")
        .annotate(has_evidence=Exists(evidence))
    )


def _student(student: Any, mark: Mark | None, faces: bool) -> State:
    portrait = f"/api/v1/students/{student.pk}/portrait/" if faces and student.portrayed else None
    return {
        "id": str(student.pk),
        "name": student.name,
        "number": student.external_id,
        "portrait": portrait,
        "recognisable": _by_hand(student) is None,
        "by_hand": _by_hand(student),
        "left_on": student.left_on.isoformat() if student.left_on else None,
        "photographs": student.photograph_count,
        "mark": None if mark is None else mark_state(mark),
    }


def _by_hand(student: Any) -> str | None:
    """Return why the camera cannot know a student; None where it can."""
    if student.left_on is not None and student.left_on < timezone.localdate():
        return "left"
    if not student.consented:
        return "no_consent"
    if student.photograph_count > 0:
        return None
    return "photograph_again" if student.portrayed else "no_photograph"


def mark_state(mark: Any) -> State:
    """A mark as pages show it; its `has_evidence` must have been annotated."""
    return {
        "mark": str(mark.pk),
        **code_members(mark.code),
        "at": mark.changed_at.isoformat(),
        "source": mark.source,
        "by": mark.marked_by.shown_name if mark.marked_by else None,
        "note": mark.note,
        "revision": mark.revision,
        "minutes_late": mark.minutes_late,
        "evidence": mark.has_evidence,
    }


def code_members(code: AttendanceCode | None) -> State:
    """Return what a mark says of its code; all null where the mark was undone."""
    if code is None:
        return {"code": None, "status": None, "category": None, "on_premises": None}
    return {
        "code": code.letter,
        "status": str(code.status),
        "category": code.category,
        "on_premises": code.on_premises,
    }


def code_state(code: AttendanceCode) -> State:
    """Return a code as pages offer it."""
    return {
        "letter": code.letter,
        "name": code.name,
        "status": str(code.status),
        "category": code.category,
        "on_premises": code.on_premises,
        "for_teachers": code.for_teachers,
    }


def _counts(students: list[State]) -> dict[str, int]:
    counts = dict.fromkeys((*Status.values, "unmarked"), 0)
    for student in students:
        mark = student["mark"]
        counts[(mark and mark["status"]) or "unmarked"] += 1
    return {"expected": len(students), **counts}


def _attempts(session: Session) -> list[State]:
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


def mark_message(mark: Mark, version: int) -> State:
    """Return the `mark` or `unmark` message of both sockets."""
    return {
        "type": "unmark" if mark.code is None else "mark",
        "student": {"id": str(mark.student_id), "name": mark.student.name},
        **code_members(mark.code),
        "at": mark.changed_at.isoformat(),
        "mark": str(mark.pk),
        "source": mark.source,
        "by": mark.marked_by.shown_name if mark.marked_by else None,
        "note": mark.note,
        "revision": mark.revision,
        "minutes_late": mark.minutes_late,
        "version": version,
    }


def session_message(session: Session) -> State:
    """Return the `session` message of both sockets."""
    return {"type": "session", "session": session_state(session), "version": session.version}


def session_state(session: Session) -> State:
    """Return the session as sockets and pages show it."""
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


def signed_register(session: Session) -> State:
    """Return the register as a signature keeps it: every expected or marked student with the code as it is now."""
    marks = {mark.student_id: mark for mark in _marks(session)}
    students = [_signed_student(student, marks.get(student.pk)) for student in _students(session)]
    return {"session": session_state(session), "version": session.version, "students": students}


def _signed_student(student: Student, mark: Mark | None) -> State:
    known = {"id": str(student.pk), "name": student.name, "external_id": student.external_id}
    if mark is None:
        return {**known, "mark": None}
    members = {**code_members(mark.code), "note": mark.note, "minutes_late": mark.minutes_late}
    return {**known, "mark": {**members, "revision": mark.revision, "source": mark.source}}
