"""Marks, attempts and match evidence: to be read. Marks are changed by `amendments`."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _

from attendance.admin.amendments import history
from attendance.admin.base import StudentSearchAdmin
from attendance.admin.site import site
from attendance.models import Attempt, Evidence, Mark


@admin.register(Mark, site=site)
class MarkAdmin(StudentSearchAdmin):
    change_form_template = "admin/attendance/mark/change_form.html"
    list_display = ("student", "school_class", "date", "code", "source", "marked_by", "changed_at")
    list_filter = ("code", "source", "session__date", "session__school_class")
    list_select_related = ("student", "session__school_class", "code", "marked_by")
    # Ids are in the order of creation and indexed, so a year's marks need not be sorted for one page.
    ordering = ("-id",)
    fields = (
        "student",
        "session",
        "code",
        "source",
        "marked_by",
        "first_seen_at",
        "changed_at",
        "minutes_late",
        "note",
        "revision",
    )

    @admin.display(description=_("class"), ordering="session__school_class__name")
    def school_class(self, mark: Mark) -> str:
        return mark.session.school_class.name

    @admin.display(description=_("day"), ordering="session__date")
    def date(self, mark: Mark) -> Any:
        return mark.session.date

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        mark = kwargs.get("obj")
        if isinstance(mark, Mark):
            context["events"] = history(mark.session, mark.student)
        return super().render_change_form(request, context, *args, **kwargs)


@admin.register(Attempt, site=site)
class AttemptAdmin(StudentSearchAdmin):
    list_display = ("student", "session", "source", "reason", "count", "first_at", "last_at")
    list_filter = ("reason", "source", "session__date")
    list_select_related = ("student", "session__school_class")
    ordering = ("-last_at", "-id")
    fields = list_display


@admin.register(Evidence, site=site)
class EvidenceAdmin(StudentSearchAdmin):
    path_to_student = "event__student"
    search_fields = ("event__student__search_key",)
    list_display = ("student", "session", "distance", "margin", "confidence", "samples", "expires_at")
    list_select_related = ("event__student", "event__session__school_class")
    list_filter = ("camera", "expires_at")
    ordering = ("-id",)
    fields = (
        "student",
        "session",
        "distance",
        "margin",
        "confidence",
        "samples",
        "photographs",
        "camera",
        "space",
        "expires_at",
    )
    readonly_fields = ("student", "session")

    @admin.display(description=_("student"))
    def student(self, evidence: Evidence) -> str:
        return str(evidence.event.student)

    @admin.display(description=_("session"))
    def session(self, evidence: Evidence) -> str:
        return str(evidence.event.session)
