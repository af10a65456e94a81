"""The pages of classes and students for teachers."""

from uuid import UUID

from django.db.models import Count, Exists, OuterRef, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.http import require_GET

from attendance.core import policy
from attendance.core.policy import Action
from attendance.models import Category, Consent, Mark, Membership, Photograph, SchoolClass, Session, Student
from attendance.people.labels import labels
from attendance.web.access import login_needed, person_of, require

SESSIONS_SHOWN = 20
MARKS_SHOWN = 40


@require_GET
@login_needed
def class_list(request: HttpRequest) -> HttpResponse:
    person, today = person_of(request), timezone.localdate()
    require(person, Action.VIEW_CLASS)
    visible = SchoolClass.objects.filter(archived_at=None)
    if not policy.sees_all_classes(person):
        visible = visible.filter(pk__in=SchoolClass.objects.taught_by(person, today).values("pk"))
    expected = Q(memberships__in=Membership.objects.expected(today))
    students = Count("memberships__student", filter=expected, distinct=True)
    classes = visible.annotate(students=students).order_by("name", "pk")
    return render(request, "pages/classes.html", {"classes": classes})


@require_GET
@login_needed
def class_detail(request: HttpRequest, class_id: UUID) -> HttpResponse:
    person, now = person_of(request), timezone.now()
    school_class = get_object_or_404(SchoolClass, pk=class_id)
    require(person, Action.VIEW_CLASS, school_class)
    students = Student.objects.in_class(school_class, timezone.localdate(now)).annotate(
        consented=Exists(Consent.objects.valid(now).filter(student=OuterRef("pk"))),
        photograph_count=Count("photographs", distinct=True),
    )
    names = labels(students)
    counts = {
        name: Count("marks", filter=Q(marks__code__category=category))
        for name, category in (("present", Category.PRESENT), ("late", Category.LATE))
    }
    sessions = Session.objects.filter(school_class=school_class).annotate(**counts)[:SESSIONS_SHOWN]
    context = {
        "school_class": school_class,
        "students": [(student, names[student.pk]) for student in students],
        "sessions": sessions,
        "faces": policy.may(person, Action.VIEW_FACES, school_class),
        "may_start": policy.may(person, Action.RUN_SESSION, school_class),
    }
    return render(request, "pages/class.html", context)


@require_GET
@login_needed
def student_detail(request: HttpRequest, student_id: UUID) -> HttpResponse:
    person, now = person_of(request), timezone.now()
    student = get_object_or_404(Student, pk=student_id)
    require(person, Action.VIEW_STUDENT, student)
    marks = Mark.objects.filter(student=student).select_related("code", "session__school_class", "marked_by")
    if not policy.sees_all_classes(person):
        taught = SchoolClass.objects.taught_by(person, timezone.localdate(now))
        marks = marks.filter(session__school_class__in=taught)
    context = {
        "student": student,
        "namesakes": Student.objects.filter(
            given_name=student.given_name, family_name=student.family_name
        ).count()
        > 1,
        "marks": marks.order_by("-session__starts_at")[:MARKS_SHOWN],
        "photographs": Photograph.objects.filter(student=student).count(),
        "consent": Consent.objects.valid(now).filter(student=student).first(),
        "memberships": student.memberships.select_related("school_class").order_by("-starts_on"),
        "faces": policy.may(person, Action.VIEW_FACES, student),
        "may_enrol": policy.may(person, Action.ENROL, student),
    }
    return render(request, "pages/student.html", context)
