"""Photographs as a list: looked at and removed, never typed into. They are added on the student's page."""

from django.contrib import admin
from django.urls import URLPattern, path
from django.utils.translation import gettext_lazy as _

from attendance.admin import photograph_pages
from attendance.admin.marks import AboutAStudent
from attendance.admin.site import site
from attendance.models import Photograph


@admin.register(Photograph, site=site)
class PhotographAdmin(AboutAStudent):
    change_form_template = "admin/attendance/photograph/change_form.html"
    list_display = ("student", "score", "eye_distance", "created_by", "created_at")
    list_select_related = ("student", "created_by")
    ordering = ("-id",)
    fields = ("student", "score", "eye_distance", "created_by", "created_at")
    readonly_fields = ("score", "eye_distance")

    @admin.display(description=_("quality"))
    def score(self, photograph: Photograph) -> str:
        return f"{photograph.quality.get('score', 0):.0%}"

    @admin.display(description=_("pixels between the eyes"))
    def eye_distance(self, photograph: Photograph) -> str:
        return f"{photograph.quality.get('eye_distance', 0):.0f}"

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        return [
            path(
                "<uuid:photograph_id>/image/",
                wrap(photograph_pages.image),
                name="attendance_photograph_image",
            ),
            path(
                "<uuid:photograph_id>/remove/",
                wrap(photograph_pages.remove),
                name="attendance_photograph_remove",
            ),
            *super().get_urls(),
        ]
