"""What every view of the API shares: strict bodies, rights asked of the policy, answers that no cache keeps."""

import datetime as dt
from collections.abc import Sequence
from typing import Any, TypeVar, cast
from uuid import UUID

from django.db.models import Model, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from rest_framework.generics import GenericAPIView
from rest_framework.parsers import BaseParser, JSONParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer

from attendance.core import policy
from attendance.core.errors import Refused
from attendance.core.policy import Action, Subject
from attendance.models import User

JSON_LIMIT = 1024 * 1024
"""Bytes of a JSON body; the longest honest one carries a group photograph's token."""
PRIVATE = "private, no-store"

Row = TypeVar("Row", bound=Model)


class BoundedJson(JSONParser):
    """JSON, refused by its announced length before it is parsed."""

    def parse(self, stream: Any, media_type: Any = None, parser_context: Any = None) -> Any:
        if int(parser_context["request"].META.get("CONTENT_LENGTH") or 0) > JSON_LIMIT:
            raise Refused("too_large", _("A JSON body may have 1 MB."), {"bytes": JSON_LIMIT})
        try:
            return super().parse(stream, media_type, parser_context)
        except RecursionError:
            raise Refused("malformed", _("The request's body is nested too deeply.")) from None


class ApiView(GenericAPIView[Any]):
    """Base of every view. A method asks `require` first, then calls one function of a room."""

    parser_classes: Sequence[type[BaseParser]] = (BoundedJson,)
    http_method_names = ["get", "post", "put", "patch", "delete", "head"]

    @property
    def person(self) -> User:
        """Who asks; permissions have seen to it that somebody does."""
        return cast(User, self.request.user)

    def require(self, action: Action, subject: Subject = None) -> User:
        """The person, if they may; else the refusal `not_allowed`."""
        if not policy.may(self.person, action, subject):
            raise Refused("not_allowed", _("You do not have access to this."))
        return self.person

    def given(self, serializer: type[BaseSerializer[Any]], *, partial: bool = False, row: Any = None) -> Any:
        """The body as the serializer understands it; raises ValidationError."""
        bound = serializer(
            row, data=self.request.data, partial=partial, context=self.get_serializer_context()
        )
        bound.is_valid(raise_exception=True)
        return bound.validated_data

    def shown(self, serializer: type[BaseSerializer[Any]], row: Any, status: int = 200) -> Response:
        return Response(serializer(row, context=self.get_serializer_context()).data, status)

    def listed(self, rows: QuerySet[Any], serializer: type[BaseSerializer[Any]]) -> Response:
        """One page of the rows, filtered and ordered as the address asks."""
        page = self.paginate_queryset(self.filter_queryset(rows))
        return self.get_paginated_response(
            serializer(page or [], many=True, context=self.get_serializer_context()).data
        )

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        # Names and faces of minors: neither a proxy nor the browser of a shared computer keeps an answer.
        final = super().finalize_response(request, response, *args, **kwargs)
        final.headers["Cache-Control"] = PRIVATE
        return final


def found(rows: QuerySet[Row], key: UUID, code: str) -> Row:
    """The row, or the refusal `no_such_…`."""
    row = rows.filter(pk=key).first()
    if row is None:
        raise Refused(code, _("Not found. It may have been removed."))
    return row


def today() -> dt.date:
    return timezone.localdate()
