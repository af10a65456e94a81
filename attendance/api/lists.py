"""Lists: pages of bounded size with a total, filters that refuse unknown parameters, a stable order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db.models import Model, QuerySet
from django.utils.translation import gettext as _
from django_filters import rest_framework as filters
from rest_framework.exceptions import ValidationError
from rest_framework.pagination import PageNumberPagination
from rest_framework.request import Request

if TYPE_CHECKING:
    # The framework imports this module while its own views are half imported.
    from rest_framework.views import APIView

PAGE, PAGE_SIZE = "page", "page_size"


class BoundedPages(PageNumberPagination):
    """Pages by `?page=` and `?page_size=`, at most 200 rows each, so that no request loads a whole school."""

    page_size = 50
    max_page_size = 200
    page_query_param = PAGE
    page_size_query_param = PAGE_SIZE

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        """Return the schema of a page. The framework's own uses `nullable`, which OpenAPI 3.1 does not have."""
        address = {"type": ["string", "null"], "format": "uri"}
        properties = {"count": {"type": "integer"}, "next": address, "previous": address, "results": schema}
        return {"type": "object", "required": list(properties), "properties": properties}


class StrictFilters(filters.DjangoFilterBackend):  # type: ignore[misc]  # django_filters is untyped here
    """django-filter's backend, but an unknown parameter is an error: a misspelt filter must not list everybody."""

    def filter_queryset(self, request: Request, queryset: QuerySet[Model], view: APIView) -> Any:
        known = {PAGE, PAGE_SIZE, *self._names(queryset, view)}
        unknown = sorted(set(request.query_params) - known)
        if unknown:
            message = _("Unknown parameter. Known are: %(names)s.") % {"names": ", ".join(sorted(known))}
            raise ValidationError({name[:80]: message for name in unknown[:10]}, code="unknown_parameter")
        return super().filter_queryset(request, queryset, view)

    def _names(self, queryset: QuerySet[Model], view: APIView) -> list[str]:
        filterset = self.get_filterset_class(view, queryset)
        return [] if filterset is None else list(filterset.base_filters)


class Ordering(filters.OrderingFilter):  # type: ignore[misc]  # django_filters is untyped here
    """`?ordering=`, by the named columns only, with the primary key last, so that pages never overlap."""

    def filter(self, qs: QuerySet[Model], value: list[str] | None) -> QuerySet[Model]:
        ordered: QuerySet[Model] = super().filter(qs, value)
        return ordered.order_by(*ordered.query.order_by, "pk") if value else ordered
