"""The base of the admin's pages: rights from the policy, audit records, refusals as form errors."""

from typing import Any, TypeVar, cast

from django import forms
from django.contrib.admin.widgets import RelatedFieldWidgetWrapper
from django.core.exceptions import PermissionDenied
from django.db import models
from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from attendance.admin.audit_labels import label_of
from attendance.admin.generic import ModelAdmin, ModelForm, TabularInline
from attendance.admin.pages import DayInput, MomentField, MomentInput
from attendance.core import audit, policy
from attendance.core.errors import Refused
from attendance.core.policy import Action
from attendance.models import AuditEvent, Student, User

Row = TypeVar("Row", bound=Model)
Parent = TypeVar("Parent", bound=Model)

HISTORY_LIMIT = 200


def person(request: HttpRequest) -> User:
    """Return who asks; the site admits only logged-in users."""
    return cast(User, request.user)


class RefusableForm(ModelForm[Row]):
    """A form that shows a refusal of the domain, when `changeform_view` binds it a second time."""

    refusal: Refused | None = None

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean()
        if self.refusal is not None:
            self.add_error(None, forms.ValidationError(self.refusal.message, code=self.refusal.code))
        return cleaned


def without_popups(field: Any) -> Any:
    """Return the field without the buttons that open another row in a second window, which phones cannot use."""
    if field is not None and isinstance(field.widget, RelatedFieldWidgetWrapper):
        field.widget = field.widget.widget
    return field


class PolicyAdmin(ModelAdmin[Row]):
    """The base of all tables: nothing is deleted, and a refused write becomes an error of the form."""

    form = RefusableForm  # type: ignore[assignment]
    formfield_overrides = {
        models.DateField: {"widget": DayInput},
        models.DateTimeField: {"form_class": MomentField, "widget": MomentInput},
    }
    # Whether the domain function that writes this table makes the audit record.
    audits_itself = False
    right = Action.MANAGE_SCHOOL
    addable = True
    changeable = True
    list_per_page = 50
    show_full_result_count = False
    save_on_top = False

    def has_module_permission(self, request: HttpRequest) -> bool:
        return policy.may(request.user, self.right)

    def has_view_permission(self, request: HttpRequest, obj: Row | None = None) -> bool:
        return policy.may(request.user, self.right)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return self.addable and policy.may(request.user, self.right)

    def has_change_permission(self, request: HttpRequest, obj: Row | None = None) -> bool:
        return self.changeable and policy.may(request.user, self.right)

    def has_delete_permission(self, request: HttpRequest, obj: Row | None = None) -> bool:
        return False

    def formfield_for_dbfield(self, db_field: Any, request: Any, **kwargs: Any) -> Any:
        return without_popups(super().formfield_for_dbfield(db_field, request, **kwargs))

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        try:
            return super().changeform_view(request, object_id, form_url, extra_context)
        except Refused as refused:
            # The transaction was rolled back. The form is bound a second time and shows why.
            request.refusal = refused  # type: ignore[attr-defined]
            return super().changeform_view(request, object_id, form_url, extra_context)

    def get_form(
        self, request: HttpRequest, obj: Row | None = None, change: bool = False, **kwargs: Any
    ) -> type[ModelForm[Row]]:
        form = super().get_form(request, obj, change=change, **kwargs)
        form.refusal = getattr(request, "refusal", None)  # type: ignore[attr-defined]
        return form

    def construct_change_message(
        self, request: HttpRequest, form: forms.Form, formsets: Any, add: bool = False
    ) -> list[Any]:
        return list(form.changed_data)

    # Django's own log keeps names for ever. The audit record keeps ids only, so erasure need not change it.
    def log_addition(self, request: HttpRequest, obj: Model, message: Any) -> Any:
        return None if self.audits_itself else audit.record(person(request), "added", obj)

    def log_change(self, request: HttpRequest, obj: Model, message: Any) -> Any:
        if self.audits_itself or not message:
            return None
        return audit.record(person(request), "changed", obj, fields=", ".join(message))

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        if not policy.may(request.user, Action.VIEW_AUDIT):
            raise PermissionDenied
        obj = self.get_object(request, object_id)
        if obj is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)  # type: ignore[attr-defined,no-any-return]
        events = AuditEvent.objects.filter(self.history_of(obj)).select_related("actor")
        context = {
            **self.admin_site.each_context(request),
            "title": _("History: %(thing)s") % {"thing": obj},
            "events": [(event, label_of(event)) for event in events.order_by("-at", "-id")[:HISTORY_LIMIT]],
            "shown": HISTORY_LIMIT,
            "object": obj,
            "opts": self.opts,
        }
        return TemplateResponse(request, "admin/object_history.html", context)

    def history_of(self, obj: Row) -> Q:
        """Return the filter for the audit events of a row; it uses the index on (table, row)."""
        return Q(table=self.opts.model_name, row=str(obj.pk))

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        context["may_see_history"] = policy.may(request.user, Action.VIEW_AUDIT)
        context["show_save_and_add_another"] = False
        return super().render_change_form(request, context, *args, **kwargs)


class ReadOnlyAdmin(PolicyAdmin[Row]):
    """A table that only the system writes."""

    addable = False
    changeable = False


class StudentSearchAdmin(ReadOnlyAdmin[Any]):
    """A list that is searched by the student's name."""

    path_to_student = "student"
    search_fields = ("student__search_key",)
    search_help_text = gettext_lazy("Any part of the student's name or number.")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        if not search_term.strip():
            return queryset, False
        matching = Student.objects.search(search_term).values("pk")
        return queryset.filter(**{f"{self.path_to_student}__in": matching}), False


class PolicyInline(TabularInline[Row, Parent]):
    """Rows of another table within a page, with the same rights. They are ended, not deleted."""

    extra = 0
    can_delete = False
    formfield_overrides = PolicyAdmin.formfield_overrides

    def formfield_for_dbfield(self, db_field: Any, request: Any, **kwargs: Any) -> Any:
        field = without_popups(super().formfield_for_dbfield(db_field, request, **kwargs))
        if field is not None:
            # In a table the head of the column is the only label; screen readers do not connect it to the field.
            field.widget.attrs["aria-label"] = field.label
        return field

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return policy.may(request.user, Action.MANAGE_SCHOOL)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return policy.may(request.user, Action.MANAGE_SCHOOL)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return policy.may(request.user, Action.MANAGE_SCHOOL)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
