"""School settings and attendance codes, and the tables that the system writes."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from attendance.access import devices
from attendance.admin.audit_labels import code_of, label_of
from attendance.admin.base import PolicyAdmin, ReadOnlyAdmin, RefusableForm, person
from attendance.admin.site import site
from attendance.core import audit
from attendance.core.policy import Action
from attendance.faces import rebuild
from attendance.models import (
    AttendanceCode,
    AuditEvent,
    ConfusablePair,
    Device,
    Job,
    SchoolSettings,
)
from attendance.register.code_changes import save_code


@admin.register(SchoolSettings, site=site)
class SchoolSettingsAdmin(PolicyAdmin[SchoolSettings]):
    """The school's settings: one row, so the list leads to it."""

    addable = False
    fields = (
        "name",
        "late_after_minutes",
        "closes_after_minutes",
        "afternoon_from",
        "arrived_morning",
        "arrived_afternoon",
        "arrived_late",
        "arrived_after_closing",
        "not_seen",
        "evidence_days",
        "visitors_shown",
        "consent_version",
    )

    def formfield_for_foreignkey(self, db_field: Any, request: Any, **kwargs: Any) -> Any:
        kwargs["queryset"] = AttendanceCode.objects.active()
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def save_model(self, request: HttpRequest, obj: SchoolSettings, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        if "visitors_shown" in form.changed_data:
            act = "visitors_turned_on" if obj.visitors_shown else "visitors_turned_off"
            audit.record(person(request), act, obj)

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        row = SchoolSettings.load()
        return HttpResponseRedirect(reverse("admin:attendance_schoolsettings_change", args=(row.pk,)))


@admin.register(AttendanceCode, site=site)
class AttendanceCodeAdmin(PolicyAdmin[AttendanceCode]):
    """Attendance codes. A used code that is changed is retired, and a new one replaces it."""

    form = RefusableForm[AttendanceCode]
    audits_itself = True
    list_display = ("letter", "name", "category", "on_premises", "for_teachers", "active", "position")
    list_filter = ("active", "category", "on_premises")
    fields = (
        "letter",
        "name",
        "category",
        "on_premises",
        "colour",
        "for_teachers",
        "shown_to_guardians",
        "active",
        "position",
    )

    def save_model(self, request: HttpRequest, obj: AttendanceCode, form: Any, change: bool) -> None:
        before = AttendanceCode.objects.get(pk=obj.pk) if change else None
        saved = save_code(code=before, actor=person(request), **form.cleaned_data)
        obj.pk, obj._state.adding = saved.pk, False


@admin.register(ConfusablePair, site=site)
class ConfusablePairAdmin(ReadOnlyAdmin[ConfusablePair]):
    list_display = ("first", "second", "distance", "overridden_by", "reason", "found_at")
    list_select_related = ("first", "second", "overridden_by")
    search_fields = ("first__search_key", "second__search_key")
    fields = list_display


@admin.register(Device, site=site)
class DeviceAdmin(ReadOnlyAdmin[Device]):
    list_display = ("__str__", "kind", "session", "created_by", "created_at", "expires_at", "revoked_at")
    list_filter = ("kind", ("revoked_at", admin.EmptyFieldListFilter))
    list_select_related = ("session__school_class", "created_by")
    fields = ("label", "kind", "session", "created_by", "created_at", "expires_at", "revoked_at")
    actions = ("revoke",)

    @admin.action(description=_("Revoke devices"), permissions=["view"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[Device]) -> None:
        valid = list(queryset.filter(revoked_at=None))
        for device in valid:
            devices.revoke(device=device, actor=person(request), now=timezone.now())
        text = ngettext("%(n)d device revoked.", "%(n)d devices revoked.", len(valid))
        self.message_user(request, text % {"n": len(valid)}, messages.SUCCESS)


@admin.register(Job, site=site)
class JobAdmin(ReadOnlyAdmin[Job]):
    list_display = ("kind", "state", "progress", "total", "attempt", "created_by", "created_at", "error")
    list_filter = ("state", "kind")
    list_select_related = ("created_by",)
    fields = (
        "kind",
        "state",
        "progress",
        "total",
        "attempt",
        "outcome",
        "error",
        "created_by",
        "created_at",
        "started_at",
        "finished_at",
    )

    @admin.display(description=_("result"))
    def outcome(self, job: Job) -> str:
        finished = job.kind == rebuild.KIND and job.state == Job.State.DONE
        return rebuild.summary(job.result) if finished else "–"


@admin.register(AuditEvent, site=site)
class AuditEventAdmin(ReadOnlyAdmin[AuditEvent]):
    right = Action.VIEW_AUDIT
    list_display = ("at", "actor", "action_shown", "table", "row")
    # No filter by action: to find all actions would read the whole table for each page.
    list_filter = ("at",)
    list_select_related = ("actor",)
    search_fields = ("row__exact", "action__exact", "actor__username__exact")
    search_help_text = _("Search by ID, action or user.")
    fields = ("at", "actor", "action_shown", "table", "row", "details")
    readonly_fields = ("action_shown",)

    @admin.display(description=_("action"), ordering="action")
    def action_shown(self, event: AuditEvent) -> str:
        return label_of(event)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[AuditEvent], search_term: str
    ) -> tuple[QuerySet[AuditEvent], bool]:
        return super().get_search_results(request, queryset, code_of(search_term))
