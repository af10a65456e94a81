"""Classes: their staff and members, and adding many students at once."""

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin, messages
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from attendance.admin.base import PolicyAdmin, PolicyInline, RefusableForm, person
from attendance.admin.pages import DayInput, form_page, succeeded
from attendance.admin.site import site
from attendance.admin.student_actions import MembershipDatesForm, report_joined
from attendance.core import audit
from attendance.faces import rebuild
from attendance.models import Membership, Role, SchoolClass, Student, Teaching, User
from attendance.people import classes, memberships
from attendance.people.joining import join_class
from attendance.people.labels import labels
from attendance.people.member_lines import MatchedLines, match_lines


class ClassForm(RefusableForm[SchoolClass]):
    room_name = forms.CharField(label=gettext_lazy("Room"), max_length=80, required=False)
    archived = forms.BooleanField(
        label=gettext_lazy("Archived"),
        required=False,
        help_text=gettext_lazy("Archived classes take no new sessions or students. Registers are kept."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["archived"].initial = self.instance.archived_at is not None
        self.fields["room_name"].initial = self.instance.room.name if self.instance.room else ""

    def clean_external_id(self) -> str | None:
        return self.cleaned_data["external_id"] or None


class TeachingInline(PolicyInline[Teaching, SchoolClass]):
    model = Teaching
    form = RefusableForm[Teaching]
    fields = ("user", "kind", "starts_on", "ends_on")
    ordering = ("-starts_on",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Teaching]:
        return super().get_queryset(request).select_related("user", "school_class")

    def formfield_for_foreignkey(self, db_field: Any, request: Any, **kwargs: Any) -> Any:
        if db_field.name == "user":
            kwargs["queryset"] = User.objects.filter(is_active=True).exclude(role=Role.VIEWER)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)


def _with_room(values: dict[str, Any]) -> dict[str, Any]:
    """Return the form's values with the room under the name that `classes` takes."""
    return {"room" if name == "room_name" else name: value for name, value in values.items()}


@admin.register(SchoolClass, site=site)
class SchoolClassAdmin(PolicyAdmin[SchoolClass]):
    form = ClassForm
    audits_itself = True
    change_form_template = "admin/attendance/schoolclass/change_form.html"
    list_select_related = ("room",)
    list_display = ("name", "room", "external_id", "members", "archived_at")
    list_filter = (("archived_at", admin.EmptyFieldListFilter),)
    search_fields = ("name", "external_id", "room__name")
    fields = ("name", "school_year", "year_group", "external_id", "room_name", "archived")
    inlines = (TeachingInline,)
    actions = ("rebuild",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[SchoolClass]:
        today = Membership.objects.expected(timezone.localdate())
        number = Count("memberships", filter=Q(memberships__in=today))
        return super().get_queryset(request).annotate(member_count=number)

    @admin.display(description=gettext_lazy("members"), ordering="member_count")
    def members(self, row: Any) -> int:
        return int(row.member_count)

    @admin.action(description=gettext_lazy("Rebuild face templates"))
    def rebuild(self, request: HttpRequest, queryset: QuerySet[SchoolClass]) -> HttpResponse:
        """Start one job for the selected classes and show its page with the progress."""
        job = rebuild.start(classes=queryset, actor=person(request))
        messages.success(
            request,
            _("Rebuilding has started. Only missing or unreadable templates are made."),
        )
        return HttpResponseRedirect(reverse("admin:attendance_job_change", args=(job.pk,)))

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        return [
            path("<uuid:class_id>/members/", wrap(add_members), name="attendance_schoolclass_members"),
            path("memberships/<uuid:membership_id>/end/", wrap(end), name="attendance_membership_end"),
            *super().get_urls(),
        ]

    def save_model(self, request: HttpRequest, obj: SchoolClass, form: Any, change: bool) -> None:
        if change:
            values = {name: form.cleaned_data[name] for name in form.changed_data}
            classes.change(class_id=obj.pk, actor=person(request), **_with_room(values))
            return
        created = classes.create(actor=person(request), **_with_room(form.cleaned_data))
        obj.pk, obj._state.adding = created.pk, False

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        formset.save()
        for teaching in formset.new_objects:
            audit.record(person(request), "teaching_added", teaching, user=str(teaching.user_id))
        for teaching, fields in formset.changed_objects:
            audit.record(person(request), "teaching_changed", teaching, fields=", ".join(fields))

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        row = kwargs.get("obj")
        if isinstance(row, SchoolClass):
            today = timezone.localdate()
            current = Membership.objects.filter(school_class=row).filter(
                Q(ends_on=None) | Q(ends_on__gte=today), student__in=Student.objects.not_left(today)
            )
            rows = list(current.select_related("student").order_by("student__sort_key", "id"))
            names = labels({row.student_id: row.student for row in rows}.values())
            context["members"] = [(row, names[row.student_id]) for row in rows]
            context["today"] = today
        return super().render_change_form(request, context, *args, **kwargs)


class MembersForm(MembershipDatesForm):
    lines = forms.CharField(
        label=gettext_lazy("Students"),
        widget=forms.Textarea(attrs={"rows": 12}),
        help_text=gettext_lazy(
            "One student per line: the school's own number, or the full name as in the list."
        ),
    )
    field_order = ("lines", "starts_on", "end_others")

    def clean_lines(self) -> MatchedLines:
        lines = match_lines(self.cleaned_data["lines"])
        if lines.errors:
            raise forms.ValidationError([forms.ValidationError(error) for error in lines.errors])
        return lines


def class_address(school_class: SchoolClass) -> str:
    return reverse("admin:attendance_schoolclass_change", args=(school_class.pk,)) + "#members"


def add_members(request: HttpRequest, class_id: UUID) -> HttpResponse:
    """Add many students to a class. Nobody is added while a line cannot be matched."""
    school_class = get_object_or_404(SchoolClass, pk=class_id)
    form = MembersForm(request.POST or None)
    if form.is_valid():
        lines = form.cleaned_data.pop("lines")
        joined = join_class(lines.students, school_class, actor=person(request), **form.cleaned_data)
        report_joined(request, joined, school_class)
        for note in lines.notes:
            messages.warning(request, note)
        return HttpResponseRedirect(class_address(school_class))
    return form_page(
        request,
        title=_("Add students to %(class)s") % {"class": school_class},
        form=form,
        submit=_("Add"),
        cancel=class_address(school_class),
        intro=[_("Or select students in the list of students and choose “Add to class…”.")],
    )


class EndForm(forms.Form):
    ends_on = forms.DateField(label=gettext_lazy("Last day"), widget=DayInput, initial=timezone.localdate)


def end(request: HttpRequest, membership_id: UUID) -> HttpResponse:
    row = get_object_or_404(Membership.objects.select_related("student", "school_class"), pk=membership_id)
    form = EndForm(request.POST or None)

    def act() -> None:
        memberships.end(membership_id=row.pk, actor=person(request), **form.cleaned_data)

    if request.method == "POST" and succeeded(form, act):
        messages.success(request, _("The last day in the class was saved."))
        return HttpResponseRedirect(class_address(row.school_class))
    return form_page(
        request,
        title=_("Remove %(student)s from %(class)s") % {"student": row.student, "class": row.school_class},
        form=form,
        submit=_("Save"),
        cancel=class_address(row.school_class),
    )
