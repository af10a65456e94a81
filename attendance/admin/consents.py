"""Consents, recorded from the signed form.

Withdrawal ends all consents of the student and deletes the face data.
"""

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from attendance.admin.base import ReadOnlyAdmin, person
from attendance.admin.pages import DayInput, form_page, succeeded
from attendance.admin.site import site
from attendance.models import Consent, SchoolSettings, Student
from attendance.people import consents


class ConsentForm(forms.Form):
    given_by = forms.CharField(
        label=gettext_lazy("Given by"),
        max_length=160,
        help_text=gettext_lazy("Parent or guardian, or the student if 18 or over."),
    )
    given_on = forms.DateField(label=gettext_lazy("Given on"), widget=DayInput, initial=timezone.localdate)
    expires_on = forms.DateField(
        label=gettext_lazy("Expires on"),
        widget=DayInput,
        required=False,
        help_text=gettext_lazy("Leave empty if it does not expire."),
    )
    version = forms.CharField(label=gettext_lazy("Version of the form"), max_length=20)


def student_address(student: Student, part: str = "") -> str:
    return reverse("admin:attendance_student_change", args=(student.pk,)) + part


def give(request: HttpRequest, student_id: UUID) -> HttpResponse:
    student = get_object_or_404(Student, pk=student_id)
    version = {"version": SchoolSettings.load().consent_version}
    form = ConsentForm(request.POST or None, initial=version)

    def act() -> None:
        consents.give(student_id=student.pk, actor=person(request), now=timezone.now(), **form.cleaned_data)

    if request.method == "POST" and succeeded(form, act):
        messages.success(request, _("The consent was recorded. You can add photos now."))
        return HttpResponseRedirect(student_address(student, "#photographs"))
    return form_page(
        request,
        title=_("Consent of %(student)s") % {"student": student},
        form=form,
        submit=_("Record consent"),
        cancel=student_address(student, "#consent"),
        intro=[_("Record only consent you hold in writing. Without it no photo is processed.")],
    )


def withdraw(request: HttpRequest, student_id: UUID) -> HttpResponse:
    student = get_object_or_404(Student, pk=student_id)
    form = forms.Form(request.POST if request.method == "POST" else None)
    photographs = student.photographs.count()

    def act() -> None:
        consents.withdraw(student_id=student.pk, actor=person(request), now=timezone.now())

    if request.method == "POST" and succeeded(form, act):
        messages.success(request, _("The consent was withdrawn, and all face data were deleted."))
        return HttpResponseRedirect(student_address(student, "#consent"))
    return form_page(
        request,
        title=_("Withdraw the consent of %(student)s") % {"student": student},
        form=form,
        submit=_("Withdraw and delete"),
        cancel=student_address(student, "#consent"),
        danger=True,
        intro=[
            ngettext(
                "%(count)d photo and its face data are deleted at once, and so are the face images behind marks.",
                "%(count)d photos and their face data are deleted at once, and so are the face images behind marks.",
                photographs,
            )
            % {"count": photographs},
            _("This student will no longer be recognised, only marked by hand. Marks are kept."),
        ],
    )


@admin.register(Consent, site=site)
class ConsentAdmin(ReadOnlyAdmin[Consent]):
    """The list of consents. They are recorded and withdrawn on the student's page."""

    list_display = ("student", "given_by", "given_on", "expires_on", "version", "withdrawn_at")
    list_filter = (("withdrawn_at", admin.EmptyFieldListFilter), "expires_on", "version")
    list_select_related = ("student",)
    search_fields = ("student__search_key",)
    fields = (
        "student",
        "given_by",
        "given_on",
        "expires_on",
        "version",
        "recorded_by",
        "recorded_at",
        "withdrawn_at",
        "withdrawn_by",
    )

    def get_search_results(self, request: HttpRequest, queryset: Any, search_term: str) -> tuple[Any, bool]:
        matching = Student.objects.search(search_term).values("pk")
        return (queryset.filter(student__in=matching) if search_term.strip() else queryset), False
