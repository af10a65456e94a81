"""Photographs of a student: several at once, each with the crop that was taken or a sentence why not."""

import base64
from dataclasses import dataclass
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from attendance.admin.base import person
from attendance.admin.pages import page
from attendance.core.errors import Refused
from attendance.faces import enrolment, photographs
from attendance.faces.enrolment import Verdict
from attendance.models import Photograph, Student, User
from recognition.engine.errors import EngineError

FRAGMENT = "X-Rollcall-Fragment"
"""Sent by our script, which uploads one file at a time and wants the verdict alone."""


@dataclass(frozen=True, slots=True, eq=False)
class Answer:
    """The verdict on one file, ready to be shown; the crop travels in the page, for it is stored nowhere.

    `others` are the enrolled photographs to compare it with, each with whose it is.
    """

    file: str
    verdict: Verdict
    crop: str
    others: tuple[tuple[Student, Photograph | None], ...]
    student: Student | None


def shown(student: Student) -> list[Photograph]:
    return list(student.photographs.order_by("-created_at", "-id"))


def upload(request: HttpRequest, student_id: UUID) -> HttpResponse:
    """POST `photographs` (files), `override_reason`: the verdicts, as a page or as a fragment for the script."""
    student = get_object_or_404(Student, pk=student_id)
    back = reverse("admin:attendance_student_change", args=(student.pk,)) + "#photographs"
    files = request.FILES.getlist("photographs")
    if request.method != "POST" or not files:
        return HttpResponseRedirect(back)
    reason = request.POST.get("override_reason", "")
    actor = person(request)
    answers = [answer_to(student, file.name or "", file.read(), actor, reason) for file in files]
    if FRAGMENT in request.headers:
        return render(request, "admin/rollcall/verdicts.html", {"answers": answers})
    title = _("Photos of %(student)s") % {"student": student}
    return page(
        request, "admin/rollcall/verdicts_page.html", title=title, answers=answers, student=student, back=back
    )


def answer_to(student: Student, name: str, data: bytes, actor: User, reason: str) -> Answer:
    """Enrol one picture and get the answer ready; whatever refuses it is a sentence of the answer."""
    try:
        verdict = enrolment.enrol(
            student_id=student.pk,
            data=data,
            actor=actor,
            now=timezone.now(),
            override_reason=reason,
        )
    except (Refused, EngineError) as fault:
        verdict = Verdict(False, fault.code, fault.message)
    crop = "" if verdict.crop is None else as_address(verdict.crop)
    others = [(other.student, other.photograph) for other in verdict.similar]
    if verdict.own is not None:
        others.append((student, verdict.own))
    return Answer(name, verdict, crop, tuple(others), student)


def as_address(jpeg: bytes) -> str:
    return "data:image/jpeg;base64," + base64.b64encode(jpeg).decode()


def image(request: HttpRequest, photograph_id: UUID) -> HttpResponse:
    """The crop, to those who may see this face; kept by nobody on the way."""
    photograph = get_object_or_404(Photograph.objects.select_related("student", "crop"), pk=photograph_id)
    picture = photographs.read(photograph, person(request))
    answer = HttpResponse(picture, content_type="image/jpeg")
    answer["Cache-Control"] = "private, no-store"
    return answer


@require_POST
def remove(request: HttpRequest, photograph_id: UUID) -> HttpResponse:
    photograph = get_object_or_404(Photograph, pk=photograph_id)
    try:
        photographs.remove(photograph_id=photograph.pk, actor=person(request))
    except Refused as refused:
        messages.error(request, refused.message)
    else:
        messages.success(request, _("The photo and its template were removed."))
    student = reverse("admin:attendance_student_change", args=(photograph.student_id,))
    return HttpResponseRedirect(student + "#photographs")
