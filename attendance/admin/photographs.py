"""Photographs: the list, and on the student's page the upload of several at once with a verdict on each."""

import base64
from dataclasses import dataclass
from uuid import UUID

from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from attendance.admin.base import StudentSearchAdmin, person
from attendance.admin.pages import page
from attendance.admin.site import site
from attendance.core.errors import Refused
from attendance.faces import enrolment, photographs
from attendance.faces.enrolment import Verdict
from attendance.models import Photograph, Student, User
from recognition.engine.errors import EngineError

# A header of our script, which uploads one file at a time and needs the verdict without a page.
FRAGMENT = "X-Rollcall-Fragment"


@dataclass(frozen=True, slots=True, eq=False)
class FileVerdict:
    """The verdict on one file, for a page.

    `crop` is a `data:` address, since the crop is not stored. `others` are the enrolled photographs to compare with,
    each with its student.
    """

    file: str
    verdict: Verdict
    crop: str
    others: tuple[tuple[Student, Photograph | None], ...]
    student: Student | None


def photographs_of(student: Student) -> list[Photograph]:
    return list(student.photographs.order_by("-created_at", "-id"))


def upload(request: HttpRequest, student_id: UUID) -> HttpResponse:
    """Enrol the uploaded `photographs` and show the verdicts, as a page or as a fragment for the script."""
    student = get_object_or_404(Student, pk=student_id)
    back = reverse("admin:attendance_student_change", args=(student.pk,)) + "#photographs"
    files = request.FILES.getlist("photographs")
    if request.method != "POST" or not files:
        return HttpResponseRedirect(back)
    reason = request.POST.get("override_reason", "")
    actor = person(request)
    verdicts = [enrol_file(student, file.name or "", file.read(), actor, reason) for file in files]
    if FRAGMENT in request.headers:
        return render(request, "admin/rollcall/verdicts.html", {"answers": verdicts})
    title = _("Photos of %(student)s") % {"student": student}
    return page(
        request,
        "admin/rollcall/verdicts_page.html",
        title=title,
        answers=verdicts,
        student=student,
        back=back,
    )


def enrol_file(student: Student, name: str, data: bytes, actor: User, reason: str) -> FileVerdict:
    """Enrol one photograph and return the verdict; a refusal becomes a verdict with its sentence."""
    try:
        verdict = enrolment.enrol(
            student_id=student.pk,
            data=data,
            actor=actor,
            now=timezone.now(),
            override_reason=reason,
        )
    except (Refused, EngineError) as error:
        verdict = Verdict(False, error.code, error.message)
    crop = "" if verdict.crop is None else data_address(verdict.crop)
    others = [(other.student, other.photograph) for other in verdict.similar]
    if verdict.own is not None:
        others.append((student, verdict.own))
    return FileVerdict(name, verdict, crop, tuple(others), student)


def data_address(jpeg: bytes) -> str:
    return "data:image/jpeg;base64," + base64.b64encode(jpeg).decode()


def image(request: HttpRequest, photograph_id: UUID) -> HttpResponse:
    """Answer the crop, for those who may see this face. No cache may keep it."""
    photograph = get_object_or_404(Photograph.objects.select_related("student", "crop"), pk=photograph_id)
    jpeg = photographs.read(photograph, person(request))
    answer = HttpResponse(jpeg, content_type="image/jpeg")
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


@admin.register(Photograph, site=site)
class PhotographAdmin(StudentSearchAdmin):
    change_form_template = "admin/attendance/photograph/change_form.html"
    list_display = ("student", "score", "eye_distance", "created_by", "created_at")
    list_select_related = ("student", "created_by")
    ordering = ("-id",)
    fields = ("student", "score", "eye_distance", "created_by", "created_at")
    readonly_fields = ("score", "eye_distance")

    @admin.display(description=gettext_lazy("quality"))
    def score(self, photograph: Photograph) -> str:
        return f"{photograph.quality.get('score', 0):.0%}"

    @admin.display(description=gettext_lazy("pixels between the eyes"))
    def eye_distance(self, photograph: Photograph) -> str:
        return f"{photograph.quality.get('eye_distance', 0):.0f}"

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        return [
            path(
                "<uuid:photograph_id>/image/",
                wrap(image),
                name="attendance_photograph_image",
            ),
            path(
                "<uuid:photograph_id>/remove/",
                wrap(remove),
                name="attendance_photograph_remove",
            ),
            *super().get_urls(),
        ]
