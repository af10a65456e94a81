"""Photographs of a whole class at once, matched by file name, each with its own verdict.

Our script sends one file after the other, so the browser holds the queue and shows how far it is; a run that broke
off is simply started again, for a picture that is enrolled already is recognised as such.
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
from attendance.admin.photograph_pages import FRAGMENT, Answer, answer_to
from attendance.core.errors import Refused
from attendance.faces.bulk_photos import find_student, image_files
from attendance.faces.enrolment import Verdict
from attendance.models import SchoolClass, Student, User


class SeveralFiles(forms.FileInput):
    allow_multiple_selected = True


class FilesField(forms.FileField):
    """As Django's, for a list of files: each one is checked."""

    widget = SeveralFiles

    def clean(self, data: Any, initial: Any = None) -> list[Any]:
        files = data if isinstance(data, list) else [data]
        return [super(FilesField, self).clean(file, initial) for file in files or [None]]


class PicturesForm(forms.Form):
    school_class = forms.ModelChoiceField(
        SchoolClass.objects.filter(archived_at=None), label=gettext_lazy("Class")
    )
    photographs = FilesField(
        label=gettext_lazy("Photos, or ZIP files of photos"),
        widget=SeveralFiles(attrs={"accept": "image/*,.zip", "multiple": True}),
        help_text=gettext_lazy(
            "File names are the school's own number or the name: 1042.jpg, ann-ash-2.jpg, "
            "or a folder “Ann Ash” in a ZIP."
        ),
    )
    dry_run = forms.BooleanField(label=gettext_lazy("Preview matches only"), required=False)


def import_pictures(request: HttpRequest) -> HttpResponse:
    """GET: the form. POST: verdicts, as a page or as a fragment for the script."""
    form = PicturesForm(request.POST or None, request.FILES or None)
    answers = _answers(request, form) if form.is_valid() else []
    if FRAGMENT in request.headers:
        return render(
            request,
            "admin/rollcall/verdicts.html",
            {"answers": answers},
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
        answers=answers,
    )


def _answers(request: HttpRequest, form: PicturesForm) -> list[Answer]:
    members = list(Student.objects.in_class(form.cleaned_data["school_class"], timezone.localdate()))
    dry, actor = form.cleaned_data["dry_run"], person(request)
    answers: list[Answer] = []
    try:
        # One after the other: of a large ZIP only one picture is unpacked at a time.
        answers.extend(
            _one(picture.name, picture.data, members, actor, dry)
            for picture in image_files(form.cleaned_data["photographs"])
        )
    except Refused as refused:
        answers.append(Answer("", Verdict(False, refused.code, refused.message), "", (), None))
    return answers


def _one(name: str, data: bytes, members: list[Any], actor: User, dry: bool) -> Answer:
    try:
        student = find_student(name, members)
    except Refused as refused:
        return Answer(name, Verdict(False, refused.code, refused.message), "", (), None)
    if dry:
        return Answer(name, Verdict(True, "matched", _("Belongs to this student.")), "", (), student)
    return answer_to(student, name, data, actor, "")
