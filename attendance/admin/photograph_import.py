"""Import the photographs of a class, matched to students by file name, with a verdict on each.

Our script uploads one file after the other, so the browser keeps the queue and shows the progress. An import that was
interrupted can be started again: a photograph that is enrolled already is recognised as a duplicate.
"""

from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from attendance.admin.base import person
from attendance.admin.pages import form_page
from attendance.admin.photographs import FRAGMENT, FileVerdict, enrol_file
from attendance.core.errors import Refused
from attendance.faces.bulk_photos import find_student, image_files
from attendance.faces.enrolment import Verdict
from attendance.models import SchoolClass, Student, User


class MultipleFileInput(forms.FileInput):
    allow_multiple_selected = True


class MultipleFileField(forms.FileField):
    """Django's file field for several files; each is checked."""

    widget = MultipleFileInput

    def clean(self, data: Any, initial: Any = None) -> list[Any]:
        files = data if isinstance(data, list) else [data]
        return [super(MultipleFileField, self).clean(file, initial) for file in files or [None]]


class PhotographsForm(forms.Form):
    school_class = forms.ModelChoiceField(
        SchoolClass.objects.filter(archived_at=None), label=gettext_lazy("Class")
    )
    photographs = MultipleFileField(
        label=gettext_lazy("Photos, or ZIP files of photos"),
        widget=MultipleFileInput(attrs={"accept": "image/*,.zip", "multiple": True}),
        help_text=gettext_lazy(
            "File names are the school's own number or the name: 1042.jpg, ann-ash-2.jpg, "
            "or a folder “Ann Ash” in a ZIP."
        ),
    )
    dry_run = forms.BooleanField(label=gettext_lazy("Preview matches only"), required=False)


def import_photographs(request: HttpRequest) -> HttpResponse:
    """Show the form, and after a POST the verdicts, as a page or as a fragment for the script."""
    form = PhotographsForm(request.POST or None, request.FILES or None)
    verdicts = _verdicts(request, form) if form.is_valid() else []
    if FRAGMENT in request.headers:
        return render(
            request,
            "admin/rollcall/verdicts.html",
            {"answers": verdicts},
            status=200 if form.is_valid() else 400,
        )
    return form_page(
        request,
        title=_("Import photos of a class"),
        form=form,
        submit=_("Check and add"),
        cancel=reverse("admin:attendance_student_changelist"),
        intro=[_("Each photo is checked as on the student's page.")],
        template="admin/rollcall/picture_import.html",
        answers=verdicts,
    )


def _verdicts(request: HttpRequest, form: PhotographsForm) -> list[FileVerdict]:
    members = list(Student.objects.in_class(form.cleaned_data["school_class"], timezone.localdate()))
    dry, actor = form.cleaned_data["dry_run"], person(request)
    verdicts: list[FileVerdict] = []
    try:
        # One after the other, so that only one photograph of a large ZIP file is unpacked at a time.
        verdicts.extend(
            _verdict(photograph.name, photograph.data, members, actor, dry)
            for photograph in image_files(form.cleaned_data["photographs"])
        )
    except Refused as refused:
        verdicts.append(FileVerdict("", Verdict(False, refused.code, refused.message), "", (), None))
    return verdicts


def _verdict(name: str, data: bytes, members: list[Any], actor: User, dry: bool) -> FileVerdict:
    try:
        student = find_student(name, members)
    except Refused as refused:
        return FileVerdict(name, Verdict(False, refused.code, refused.message), "", (), None)
    if dry:
        return FileVerdict(name, Verdict(True, "matched", _("Matches this student.")), "", (), student)
    return enrol_file(student, name, data, actor, "")
