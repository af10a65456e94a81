"""Filters of the lists of students and consents."""

from typing import Any
from uuid import UUID

from django.contrib.admin import SimpleListFilter
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from attendance.admin.student_counts import FEW, SOON
from attendance.models import Consent, Membership, SchoolClass, Student

Choices = list[tuple[str, Any]]


class ClassFilter(SimpleListFilter):
    """Filters by class, as of today."""

    title = _("class")
    parameter_name = "class"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Choices:
        classes = SchoolClass.objects.filter(archived_at=None).values_list("pk", "name")
        return [("none", _("No class")), *((str(key), name) for key, name in classes)]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        value = self.value()
        if value is None or value not in {key for key, _name in self.lookup_choices}:
            return queryset
        members = Membership.objects.expected(timezone.localdate())
        if value == "none":
            return queryset.exclude(pk__in=members.values("student"))
        return queryset.filter(pk__in=members.filter(school_class=UUID(value)).values("student"))


class ConsentFilter(SimpleListFilter):
    title = _("consent")
    parameter_name = "consent"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Choices:
        return [
            ("valid", _("Valid")),
            ("none", _("No valid consent")),
            ("soon", _("Ends within 30 days")),
            ("withdrawn", _("Withdrawn")),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        now = timezone.now()
        valid = Consent.objects.valid(now)
        match self.value():
            case "valid":
                return queryset.filter(pk__in=valid.values("student"))
            case "none":
                return queryset.exclude(pk__in=valid.values("student"))
            case "soon":
                ending = valid.filter(expires_on__lte=timezone.localdate(now) + SOON)
                return queryset.filter(pk__in=ending.values("student"))
            case "withdrawn":
                ended = Consent.objects.exclude(withdrawn_at=None).values("student")
                return queryset.filter(pk__in=ended).exclude(pk__in=valid.values("student"))
            case _:
                return queryset


class PhotographFilter(SimpleListFilter):
    """Filters by `photograph_count`, which the list's query annotates."""

    title = _("photos")
    parameter_name = "photographs"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Choices:
        return [("none", _("None")), ("few", _("One or two")), ("enough", _("Three or more"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        match self.value():
            case "none":
                return queryset.filter(photograph_count=0)
            case "few":
                return queryset.filter(photograph_count__gt=0, photograph_count__lt=FEW)
            case "enough":
                return queryset.filter(photograph_count__gte=FEW)
            case _:
                return queryset


class StandingFilter(SimpleListFilter):
    """Shows current students by default, and former ones on request."""

    title = _("status")
    parameter_name = "standing"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Choices:
        return [
            ("left", _("Left")),
            ("erased", _("Face data erased")),
            ("all", _("All")),
        ]

    def choices(self, changelist: Any) -> Any:
        choices = list(super().choices(changelist))
        choices[0]["display"] = _("At the school")
        return choices

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        active = Student.objects.active().values("pk")
        match self.value():
            case "left":
                return queryset.exclude(pk__in=active).filter(erased_at=None)
            case "erased":
                return queryset.exclude(erased_at=None)
            case "all":
                return queryset
            case _:
                return queryset.filter(pk__in=active)
