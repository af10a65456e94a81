"""What is done to students beyond their form: erasure with a reason, and many into one class."""

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
from attendance.models import SchoolClass, Student, User
from attendance.people import memberships
from attendance.privacy import erasure


class ErasureForm(forms.Form):
    reason = forms.CharField(
        label=gettext_lazy("Reason"),
        max_length=300,
        help_text=gettext_lazy("Kept for ever in the audit record: write no names."),
    )
    sure = forms.BooleanField(label=gettext_lazy("I know that this cannot be undone."))


def erase(request: HttpRequest, student_id: UUID) -> HttpResponse:
    student = get_object_or_404(Student, pk=student_id)
    form = ErasureForm(request.POST or None)
    back = reverse("admin:attendance_student_change", args=(student.pk,))

    def act() -> None:
        reason = form.cleaned_data["reason"]
        erasure.erase(student_id=student.pk, actor=person(request), reason=reason, now=timezone.now())

    if request.method == "POST" and done(form, act):
        messages.success(request, _("The face data and contact fields were erased. The register stays."))
        return HttpResponseRedirect(back)
    return form_page(
        request,
        title=_("Erase the data of %(student)s") % {"student": student},
        form=form,
        submit=_("Erase"),
        cancel=back,
        danger=True,
        intro=[
            _("Photographs, templates, evidence, review pictures, consents' names and contact fields go."),
            _("The name and the marks stay, so that the register remains true."),
        ],
    )


@dataclass(frozen=True, slots=True, eq=False)
class Added:
    """How many were put into a class, and the sentences for those who were not."""

    count: int
    refusals: tuple[str, ...]


def add_all(students: list[Student], school_class: SchoolClass, starts_on: object, actor: User) -> Added:
    """Put each student into the class; whoever is in it already is left as it is, and said so."""
    refusals = []
    for student in students:
        try:
            with transaction.atomic():
                memberships.add(
                    student_id=student.pk,
                    class_id=school_class.pk,
                    starts_on=starts_on,  # type: ignore[arg-type]
                    actor=actor,
                )
        except Refused as refused:
            refusals.append(f"{student}: {refused.message}")
    return Added(len(students) - len(refusals), tuple(refusals))


def tell(request: HttpRequest, added: Added, school_class: SchoolClass) -> None:
    text = ngettext(
        "%(n)d student was put into %(class)s.", "%(n)d students were put into %(class)s.", added.count
    )
    messages.success(request, text % {"n": added.count, "class": school_class})
    for refusal in added.refusals:
        messages.warning(request, refusal)


class ToClassForm(forms.Form):
    school_class = forms.ModelChoiceField(
        SchoolClass.objects.filter(archived_at=None), label=gettext_lazy("Class")
    )
    starts_on = forms.DateField(label=gettext_lazy("From"), widget=Day, initial=timezone.localdate)


@admin.action(description=gettext_lazy("Put into a class…"))
def add_to_class(
    modeladmin: object, request: HttpRequest, queryset: QuerySet[Student]
) -> HttpResponse | None:
    students = list(queryset)
    form = ToClassForm(request.POST if "confirmed" in request.POST else None)
    if form.is_valid():
        school_class = form.cleaned_data["school_class"]
        added = add_all(students, school_class, form.cleaned_data["starts_on"], person(request))
        tell(request, added, school_class)
        return None
    return form_page(
        request,
        title=ngettext("Put %(n)d student into a class", "Put %(n)d students into a class", len(students))
        % {"n": len(students)},
        form=form,
        submit=_("Put into the class"),
        cancel=reverse("admin:attendance_student_changelist"),
        hidden=[("action", "add_to_class"), ("confirmed", "1")]
        + [(ACTION_CHECKBOX_NAME, str(student.pk)) for student in students],
        listed=students,
    )
