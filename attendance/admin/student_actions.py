"""Erase a student's data with a reason, and add many students to a class."""

from uuid import UUID

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from attendance.admin.base import person
from attendance.admin.pages import DayInput, form_page, succeeded
from attendance.models import Membership, SchoolClass, Student
from attendance.people.joining import Joined, join_class
from attendance.privacy import erasure


class ErasureForm(forms.Form):
    reason = forms.CharField(
        label=gettext_lazy("Reason"),
        max_length=300,
        help_text=gettext_lazy("Stored permanently in the audit log. Do not write names here."),
    )
    sure = forms.BooleanField(label=gettext_lazy("I understand that this cannot be undone."))


def erase(request: HttpRequest, student_id: UUID) -> HttpResponse:
    student = get_object_or_404(Student, pk=student_id)
    form = ErasureForm(request.POST or None)
    back = reverse("admin:attendance_student_change", args=(student.pk,))

    def act() -> None:
        reason = form.cleaned_data["reason"]
        erasure.erase(student_id=student.pk, actor=person(request), reason=reason, now=timezone.now())

    if request.method == "POST" and succeeded(form, act):
        messages.success(
            request, _("Face data and contact details were deleted. Attendance records are kept.")
        )
        return HttpResponseRedirect(back)
    return form_page(
        request,
        title=_("Erase the data of %(student)s") % {"student": student},
        form=form,
        submit=_("Erase"),
        cancel=back,
        danger=True,
        intro=[
            _(
                "Photos, templates, evidence, faces in review, names in consents and contact details are deleted."
            ),
            _("The name and the marks are kept, so that attendance records stay complete."),
        ],
    )


def report_joined(request: HttpRequest, joined: Joined, school_class: SchoolClass) -> None:
    """Show how many students were added, and the notes, as messages."""
    text = ngettext("%(n)d student added to %(class)s.", "%(n)d students added to %(class)s.", joined.count)
    messages.success(request, text % {"n": joined.count, "class": school_class})
    for note in joined.notes:
        messages.warning(request, note)


class MembershipDatesForm(forms.Form):
    """From which day students are in a class, and whether they leave their other classes."""

    starts_on = forms.DateField(label=gettext_lazy("From"), widget=DayInput, initial=timezone.localdate)
    end_others = forms.BooleanField(
        label=gettext_lazy("End their membership of other classes the day before"), required=False
    )


class ClassChoiceForm(MembershipDatesForm):
    school_class = forms.ModelChoiceField(
        SchoolClass.objects.filter(archived_at=None), label=gettext_lazy("Class")
    )
    field_order = ("school_class", "starts_on", "end_others")


def _with_classes(students: list[Student]) -> list[str]:
    """Return the names, each with the classes that the student is in today."""
    today = Membership.objects.on(timezone.localdate()).select_related("school_class")
    classes: dict[UUID, list[str]] = {}
    for row in today.filter(student__in=students).order_by("school_class__name"):
        classes.setdefault(row.student_id, []).append(row.school_class.name)
    return [
        f"{student.name} ({', '.join(classes[student.pk])})" if student.pk in classes else student.name
        for student in students
    ]


@admin.action(description=gettext_lazy("Add to class…"))
def add_to_class(
    modeladmin: object, request: HttpRequest, queryset: QuerySet[Student]
) -> HttpResponse | None:
    students = list(queryset)
    form = ClassChoiceForm(request.POST if "confirmed" in request.POST else None)
    if form.is_valid():
        school_class = form.cleaned_data["school_class"]
        joined = join_class(students, actor=person(request), **form.cleaned_data)
        report_joined(request, joined, school_class)
        return None
    return form_page(
        request,
        title=ngettext("Add %(n)d student to a class", "Add %(n)d students to a class", len(students))
        % {"n": len(students)},
        form=form,
        submit=_("Add to class"),
        cancel=reverse("admin:attendance_student_changelist"),
        hidden=[("action", "add_to_class"), ("confirmed", "1")]
        + [(ACTION_CHECKBOX_NAME, str(student.pk)) for student in students],
        listed=_with_classes(students),
    )
