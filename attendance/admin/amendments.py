"""The office amends a mark, with a reason and against the revision that the person read."""

from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from attendance import register
from attendance.admin.base import person
from attendance.admin.pages import form_page, succeeded
from attendance.core.errors import Refused
from attendance.models import Attempt, AttendanceCode, Mark, MarkEvent, Session, Source, Student

# The choice that removes a mark.
REMOVED = "-"


class AmendmentForm(forms.Form):
    letter = forms.ChoiceField(label=gettext_lazy("Mark"), widget=forms.RadioSelect)
    reason = forms.CharField(
        label=gettext_lazy("Reason"),
        max_length=300,
        help_text=gettext_lazy("Kept in the history of the mark, with your name and the time."),
    )
    note = forms.CharField(label=gettext_lazy("Note"), max_length=300, required=False)
    revision = forms.IntegerField(widget=forms.HiddenInput, min_value=0)

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        codes = [(code.letter, str(code)) for code in AttendanceCode.objects.active()]
        field = self.fields["letter"]
        field.choices = [*codes, (REMOVED, _("No mark (remove it)"))]  # type: ignore[attr-defined]


def amend(request: HttpRequest, session_id: UUID, student_id: UUID) -> HttpResponse:
    session = get_object_or_404(Session.objects.select_related("school_class"), pk=session_id)
    student = get_object_or_404(Student, pk=student_id)
    current = Mark.objects.filter(session=session, student=student).select_related("code").first()
    form = AmendmentForm(request.POST or None, initial=_initial(current))
    back = reverse("admin:attendance_session_change", args=(session.pk,)) + "#register"
    if request.method == "POST" and succeeded(form, lambda: _write(request, session, student, form)):
        messages.success(request, _("The mark of %(student)s was changed.") % {"student": student})
        return HttpResponseRedirect(back)
    return form_page(
        request,
        title=_("%(student)s on %(date)s") % {"student": student, "date": session.date},
        form=form,
        submit=_("Change the mark"),
        cancel=back,
        intro=[str(session)],
        template="admin/rollcall/correction.html",
        history=history(session, student),
    )


def history(session: Session, student: Student) -> list[MarkEvent]:
    return list(
        MarkEvent.objects.filter(session=session, student=student)
        .select_related("actor")
        .order_by("stored_at", "id")
    )


def _initial(current: Mark | None) -> dict[str, object]:
    if current is None:
        return {"revision": 0}
    return {"letter": current.letter or REMOVED, "note": current.note, "revision": current.revision}


def _write(request: HttpRequest, session: Session, student: Student, form: forms.Form) -> None:
    values = form.cleaned_data
    result = register.mark(
        register.MarkRequest(
            session_id=session.pk,
            student_id=student.pk,
            code=None if values["letter"] == REMOVED else values["letter"],
            source=Source.ADMIN,
            actor=person(request),
            now=timezone.now(),
            reason=values["reason"],
            note=values["note"],
            revision=values["revision"],
        )
    )
    if result.written:
        return
    raise Refused(result.reason, _sentence(result.reason))


def _sentence(reason: str) -> str:
    if reason == "conflict":
        return _("Somebody else has changed this mark. Check the history below, then reload the page.")
    if reason == Attempt.Reason.ALREADY_MARKED:
        return _("The student already has this mark.")
    return _("The mark was not saved: %(why)s.") % {"why": Attempt.Reason(reason).label}
