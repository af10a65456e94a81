"""Students: the list with its filters, and the page with photographs, consents and classes."""

from typing import Any

from django.contrib import admin
from django.db.models import Prefetch, Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from attendance.admin import (
    consents,
    csv_export,
    photograph_import,
    photographs,
    student_actions,
    student_import,
)
from attendance.admin.base import PolicyAdmin, PolicyInline, RefusableForm, person
from attendance.admin.filters import ClassFilter, ConsentFilter, PhotographFilter, StandingFilter
from attendance.admin.site import site
from attendance.admin.student_counts import with_counts
from attendance.core import policy
from attendance.core.policy import Action
from attendance.models import Consent, Membership, SchoolClass, Student
from attendance.people import memberships, students


class StudentForm(RefusableForm[Student]):
    def clean_external_id(self) -> str | None:
        # Store an empty number as null: two students without one must not collide.
        return self.cleaned_data["external_id"] or None


class MembershipForm(RefusableForm[Membership]):
    """Of a stored membership only the end can be changed: marks depend on its beginning."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk and not self.instance._state.adding:
            self.fields["school_class"].disabled = True
            self.fields["starts_on"].disabled = True
        else:
            self.fields["starts_on"].initial = timezone.localdate

    def has_changed(self) -> bool:
        # Today is only proposed as the beginning: an empty row counts once a class is chosen.
        return super().has_changed() and self.changed_data != ["starts_on"]


class MembershipInline(PolicyInline[Membership, Student]):
    model = Membership
    form = MembershipForm
    fields = ("school_class", "starts_on", "ends_on")
    ordering = ("-starts_on",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Membership]:
        return super().get_queryset(request).select_related("school_class", "student")

    def formfield_for_foreignkey(self, db_field: Any, request: Any, **kwargs: Any) -> Any:
        if db_field.name == "school_class":
            kwargs["queryset"] = SchoolClass.objects.filter(archived_at=None)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)


@admin.register(Student, site=site)
class StudentAdmin(PolicyAdmin[Student]):
    form = StudentForm
    audits_itself = True
    change_form_template = "admin/attendance/student/change_form.html"
    change_list_template = "admin/attendance/student/change_list.html"
    list_display = ("name_shown", "external_id", "classes", "photographs", "consent", "left_on")
    list_filter = (ClassFilter, ConsentFilter, PhotographFilter, StandingFilter)
    search_fields = ("search_key",)
    search_help_text = _("Any part of the names or the number; accents do not matter.")
    ordering = ("sort_key", "id")
    fields = (("given_name", "family_name"), "external_id", "contact_email", "left_on")
    inlines = (MembershipInline,)
    actions = (student_actions.add_to_class, csv_export.export_students)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Student]:
        current = Membership.objects.on(timezone.localdate()).select_related("school_class")
        rows = (
            super()
            .get_queryset(request)
            .prefetch_related(Prefetch("memberships", current, to_attr="current_memberships"))
        )
        return with_counts(rows, timezone.now())

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Student], search_term: str
    ) -> tuple[QuerySet[Student], bool]:
        matching = Student.objects.search(search_term).values("pk")
        return (queryset.filter(pk__in=matching) if search_term.strip() else queryset), False

    @admin.display(description=_("student"), ordering="sort_key")
    def name_shown(self, student: Student) -> str:
        return f"{student.family_name}, {student.given_name}" if student.family_name else student.given_name

    @admin.display(description=_("classes"))
    def classes(self, student: Any) -> str:
        return ", ".join(row.school_class.name for row in student.current_memberships) or "–"

    @admin.display(description=_("photos"), ordering="photograph_count")
    def photographs(self, student: Any) -> int:
        return int(student.photograph_count)

    @admin.display(description=_("consent"), boolean=True, ordering="has_consent")
    def consent(self, student: Any) -> bool:
        return bool(student.has_consent)

    def get_urls(self) -> list[URLPattern]:
        pages = []
        for name, route, view in (
            ("photographs", "<uuid:student_id>/photographs/", photographs.upload),
            ("consent", "<uuid:student_id>/consent/", consents.give),
            ("withdraw", "<uuid:student_id>/consent/withdraw/", consents.withdraw),
            ("erase", "<uuid:student_id>/erase/", student_actions.erase),
            ("import", "import/", student_import.import_students),
            ("picture_import", "import/photographs/", photograph_import.import_photographs),
        ):
            name_of = f"attendance_student_{name}"
            pages.append(path(route, self.admin_site.admin_view(view), name=name_of))
        return pages + super().get_urls()

    def save_model(self, request: HttpRequest, obj: Student, form: Any, change: bool) -> None:
        if change:
            values = {name: form.cleaned_data[name] for name in form.changed_data}
            students.change(student_id=obj.pk, actor=person(request), **values)
            return
        created = students.create(actor=person(request), **form.cleaned_data)
        # Django continues with the form's instance, which must be the row that was written.
        obj.pk, obj._state.adding = created.pk, False

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        formset.save(commit=False)
        for membership in formset.new_objects:
            memberships.add(
                student_id=form.instance.pk,
                class_id=membership.school_class_id,
                starts_on=membership.starts_on,
                ends_on=membership.ends_on,
                actor=person(request),
            )
        for membership, _fields in formset.changed_objects:
            memberships.end(membership_id=membership.pk, ends_on=membership.ends_on, actor=person(request))

    def response_add(
        self, request: HttpRequest, obj: Student, post_url_continue: str | None = None
    ) -> HttpResponse:
        answer = super().response_add(request, obj, post_url_continue)
        if "_save" in request.POST and "_popup" not in request.POST:
            # A new student needs consent and photographs next.
            return HttpResponseRedirect(reverse("admin:attendance_student_change", args=(obj.pk,)))
        return answer

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        student = kwargs.get("obj")
        if isinstance(student, Student):
            context |= {
                "photographs": photographs.photographs_of(student),
                "consents": list(student.consents.select_related("recorded_by")),
                "consent": Consent.objects.valid(timezone.now()).filter(student=student).first(),
                "today": timezone.localdate(),
                "may_see_faces": policy.may(request.user, Action.VIEW_FACES, student),
            }
        return super().render_change_form(request, context, *args, **kwargs)

    def history_of(self, obj: Student) -> Q:
        """Include the events of the student's present photographs, consents and memberships."""
        keys = [
            str(key)
            for rows in (obj.photographs, obj.consents, obj.memberships)
            for key in rows.values_list("pk", flat=True)
        ]
        others = Q(table__in=("photograph", "consent", "membership"), row__in=keys)
        return super().history_of(obj) | others
