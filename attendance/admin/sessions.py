"""Sessions, with the register of each, in which the office amends marks.

Teachers run sessions on the site's own pages, not in the admin.
"""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path

from attendance.admin import amendments
from attendance.admin.base import PolicyAdmin, RefusableForm, person
from attendance.admin.site import site
from attendance.calendar import sessions
from attendance.models import Mark, SchoolClass, Session, Student
from attendance.people.labels import labels


class SessionForm(RefusableForm[Session]):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if (field := self.fields.get("school_class")) is not None:
            field.queryset = SchoolClass.objects.filter(archived_at=None)  # type: ignore[attr-defined]


@admin.register(Session, site=site)
class SessionAdmin(PolicyAdmin[Session]):
    form = SessionForm
    audits_itself = True
    change_form_template = "admin/attendance/session/change_form.html"
    list_display = ("school_class", "title", "starts_at", "ends_at", "state", "created_by")
    list_filter = ("state", "date", "school_class")
    list_select_related = ("school_class", "created_by")
    search_fields = ("school_class__name", "title")
    fields = ("school_class", "title", "starts_at", "ends_at")
    date_hierarchy = "date"

    def get_readonly_fields(self, request: HttpRequest, obj: Session | None = None) -> tuple[str, ...]:
        # Class and times are fixed once the register has been opened.
        if obj is None:
            return ()
        opened = obj.state != Session.State.PLANNED
        return ("school_class", "starts_at", "ends_at") if opened else ("school_class",)

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(amendments.amend)
        route = "<uuid:session_id>/marks/<uuid:student_id>/"
        return [path(route, view, name="attendance_session_correct"), *super().get_urls()]

    def save_model(self, request: HttpRequest, obj: Session, form: Any, change: bool) -> None:
        if change:
            values = {name: form.cleaned_data[name] for name in form.changed_data}
            sessions.change(session_id=obj.pk, actor=person(request), **values)
            return
        created = sessions.create(
            class_id=obj.school_class_id,
            starts_at=obj.starts_at,
            ends_at=obj.ends_at,
            title=obj.title,
            actor=person(request),
        )
        obj.pk, obj.date, obj._state.adding = created.pk, created.date, False

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        session = kwargs.get("obj")
        if isinstance(session, Session):
            context["register"] = register_of(session)
        return super().render_change_form(request, context, *args, **kwargs)


def register_of(session: Session) -> list[tuple[Student, str, Mark | None]]:
    """Return the students who were expected on the day or have a mark, each with a name for lists and the mark."""
    rows = Mark.objects.filter(session=session).select_related("code", "student", "marked_by")
    marks = {mark.student_id: mark for mark in rows}
    expected = list(Student.objects.in_class(session.school_class, session.date))
    expected_ids = {student.pk for student in expected}
    others = [mark.student for mark in rows if mark.student_id not in expected_ids]
    names = labels([*expected, *others])
    return [(student, names[student.pk], marks.get(student.pk)) for student in expected + others]
