"""What is done to students beyond their form: erasure with a reason, and many into one class."""

import datetime as dt
from dataclasses import dataclass
from uuid import UUID

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from attendance.admin.base import person
from attendance.admin.pages import Day, done, form_page
from attendance.core.errors import Refused
from attendance.models import Membership, SchoolClass, Student, User
from attendance.people import memberships
from attendance.privacy import erasure


class ErasureForm(forms.Form):
    reason = forms.CharField(
        label=gettext_lazy("Reason"),
        max_length=300,
        help_text=gettext_lazy("Stored in the audit log permanently; no names."),
    )
    sure = forms.BooleanField(label=gettext_lazy("I understand that this cannot be undone."))


def erase(request: HttpRequest, student_id: UUID) -> HttpResponse:
    student = get_object_or_404(Student, pk=student_id)
    form = ErasureForm(request.POST or None)
    back = reverse("admin:attendance_student_change", args=(student.pk,))

    def act() -> None:
        reason = form.cleaned_data["reason"]
        erasure.erase(student_id=student.pk, actor=person(request), reason=reason, now=timezone.now())

    if request.method == "POST" and done(form, act):
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


@dataclass(frozen=True, slots=True, eq=False)
class Added:
    """How many were put into a class, and the sentences for those who were not, or are in other classes too."""

    count: int
    notes: tuple[str, ...]


def add_all(
    students: list[Student], school_class: SchoolClass, starts_on: dt.date, actor: User, *, end_others: bool
) -> Added:
    """Put each student into the class; one who is in it already is left as it is, with a sentence."""
    count, notes = 0, []
    for student in students:
        try:
            with transaction.atomic():
                _add(student, school_class, starts_on, actor, end_others=end_others)
            count += 1
        except Refused as refused:
            notes.append(f"{student}: {refused.message}")
        others = memberships.others(student.pk, keep=[school_class.pk], starts_on=starts_on)
        if not end_others and others:
            classes = ", ".join(str(row.school_class) for row in others)
            notes.append(_("%(student)s is also in %(classes)s.") % {"student": student, "classes": classes})
    return Added(count, tuple(notes))


def _add(
    student: Student, school_class: SchoolClass, starts_on: dt.date, actor: User, *, end_others: bool
) -> None:
    ended = []
    if end_others:
        keep = [school_class.pk]
        ended = memberships.end_others(student_id=student.pk, keep=keep, starts_on=starts_on, actor=actor)
    there = Membership.objects.on(starts_on).filter(student=student, school_class=school_class)
    if not (ended and there.exists()):
        memberships.add(student_id=student.pk, class_id=school_class.pk, starts_on=starts_on, actor=actor)


def tell(request: HttpRequest, added: Added, school_class: SchoolClass) -> None:
    text = ngettext("%(n)d student added to %(class)s.", "%(n)d students added to %(class)s.", added.count)
    messages.success(request, text % {"n": added.count, "class": school_class})
    for note in added.notes:
        messages.warning(request, note)


class JoiningForm(forms.Form):
    """From which day students are in a class, and whether they leave their other classes."""

    starts_on = forms.DateField(label=gettext_lazy("From"), widget=Day, initial=timezone.localdate)
    end_others = forms.BooleanField(
        label=gettext_lazy("End their other classes the day before"), required=False
    )


class ToClassForm(JoiningForm):
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
    form = ToClassForm(request.POST if "confirmed" in request.POST else None)
    if form.is_valid():
        school_class = form.cleaned_data["school_class"]
        added = add_all(students, actor=person(request), **form.cleaned_data)
        tell(request, added, school_class)
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
