"""Import students from CSV: first a preview with the outcome of each line, then all lines or none."""

import datetime as dt
from collections import Counter

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from attendance.admin.base import person
from attendance.admin.pages import DayInput, form_page, page
from attendance.core.errors import Refused
from attendance.people import cells, imports


class ImportForm(forms.Form):
    file = forms.FileField(
        label=gettext_lazy("CSV file"),
        widget=forms.FileInput(attrs={"accept": ".csv,.txt,text/csv"}),
        help_text=gettext_lazy(
            "First line: given_name, family_name, number, email, class, left_on. Only the first is needed. "
            "Several classes are separated by semicolons."
        ),
    )
    starts_on = forms.DateField(
        label=gettext_lazy("Start date in class"), widget=DayInput, initial=timezone.localdate
    )


class ConfirmForm(forms.Form):
    text = forms.CharField(widget=forms.HiddenInput, strip=False)
    starts_on = forms.DateField(widget=forms.HiddenInput)
    end_others = forms.BooleanField(
        label=gettext_lazy("End memberships in other classes the day before"), required=False
    )
    take_back = forms.BooleanField(label=gettext_lazy("Students who had left come back"), required=False)

    def choices(self) -> imports.Choices:
        return imports.Choices(
            end_others=self.cleaned_data["end_others"], readmit=self.cleaned_data["take_back"]
        )


def import_students(request: HttpRequest) -> HttpResponse:
    """Show the form; after a POST of `file` the preview; after a POST of `text`, the same lines, write them."""
    if "text" in request.POST:
        return _write(request)
    form = ImportForm(request.POST or None, request.FILES or None)
    if form.is_valid():
        try:
            text = cells.text_of(form.cleaned_data["file"].read())
            return _preview(request, text, form.cleaned_data["starts_on"])
        except Refused as refused:
            form.add_error("file", refused.message)
    return form_page(
        request,
        title=_("Import students"),
        form=form,
        submit=_("Preview import"),
        cancel=reverse("admin:attendance_student_changelist"),
        intro=[_("Students are matched by number, otherwise by full name. Empty cells change nothing.")],
    )


def _preview(request: HttpRequest, text: str, starts_on: dt.date, error: str = "") -> HttpResponse:
    planned = imports.plan(text, on=starts_on)
    counts = Counter(row.outcome.value for row in planned)
    form = ConfirmForm(initial={"text": text, "starts_on": starts_on})
    for name, concerned in (("end_others", "others"), ("take_back", "has_left")):
        if not any(getattr(row, concerned) for row in planned):
            del form.fields[name]
    return page(
        request,
        "admin/rollcall/import.html",
        title=_("Import students: preview"),
        planned=planned,
        counts=counts,
        fault=error,
        form=form,
        back=reverse("admin:attendance_student_import"),
    )


def _write(request: HttpRequest) -> HttpResponse:
    form = ConfirmForm(request.POST)
    if not form.is_valid():
        return HttpResponseRedirect(reverse("admin:attendance_student_import"))
    text, starts_on = form.cleaned_data["text"], form.cleaned_data["starts_on"]
    try:
        planned = imports.write(text, on=starts_on, actor=person(request), choices=form.choices())
    except Refused as refused:
        return _preview(request, text, starts_on, refused.message)
    counts = Counter(row.outcome for row in planned)
    changed = sum(
        row.student_id is not None and bool(row.values or row.joins or row.others) for row in planned
    )
    messages.success(
        request,
        _("%(new)d students were added and %(changed)d changed.")
        % {"new": counts[imports.Outcome.NEW], "changed": changed},
    )
    return HttpResponseRedirect(reverse("admin:attendance_student_changelist"))
