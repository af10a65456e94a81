"""The base of the API's views: strict bodies, rights from the policy, answers that no cache keeps."""

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

# Bytes of a JSON body. The longest valid one contains the token of a group photograph.
JSON_LIMIT = 1024 * 1024
PRIVATE = "private, no-store"

Row = TypeVar("Row", bound=Model)


class BoundedJson(JSONParser):
    """A JSON parser that refuses a body by its Content-Length, before it parses it."""

    def parse(self, stream: Any, media_type: Any = None, parser_context: Any = None) -> Any:
        if int(parser_context["request"].META.get("CONTENT_LENGTH") or 0) > JSON_LIMIT:
            raise Refused("too_large", _("A JSON body may be at most 1 MB."), {"bytes": JSON_LIMIT})
        try:
            return super().parse(stream, media_type, parser_context)
        except RecursionError:
            raise Refused("malformed", _("The request's body is nested too deeply.")) from None


class ApiView(GenericAPIView[Any]):
    """Base of all views. A method calls `require` first, then one function of a domain package."""

    parser_classes: Sequence[type[BaseParser]] = (BoundedJson,)
    http_method_names = ["get", "post", "put", "patch", "delete", "head"]

    @property
    def person(self) -> User:
        """The person who asks; the permissions have refused anonymous requests."""
        return cast(User, self.request.user)

    def require(self, action: Action, subject: Subject = None) -> User:
        """Return the person who asks. Raises `Refused` (not_allowed) where they may not."""
        if not policy.may(self.person, action, subject):
            raise Refused("not_allowed", _("You do not have access to this."))
        return self.person

    def body(self, serializer: type[BaseSerializer[Any]], *, partial: bool = False, row: Any = None) -> Any:
        """Return the validated body. Raises `ValidationError`."""
        checked = serializer(
            row, data=self.request.data, partial=partial, context=self.get_serializer_context()
        )
        checked.is_valid(raise_exception=True)
        return checked.validated_data

    def answer(self, serializer: type[BaseSerializer[Any]], row: Any, status: int = 200) -> Response:
        return Response(serializer(row, context=self.get_serializer_context()).data, status)

    def page(self, rows: QuerySet[Any], serializer: type[BaseSerializer[Any]]) -> Response:
        """Return one page of the rows, filtered and ordered by the query parameters."""
        page = self.paginate_queryset(self.filter_queryset(rows))
        return self.get_paginated_response(
            serializer(page or [], many=True, context=self.get_serializer_context()).data
        )

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        # Names and faces of minors: no proxy, and no browser of a shared computer, may keep an answer.
        final = super().finalize_response(request, response, *args, **kwargs)
        final.headers["Cache-Control"] = PRIVATE
        return final


def get_row(rows: QuerySet[Row], key: UUID, code: str) -> Row:
    """Return the row with this key. Raises `Refused` with the code `no_such_…`."""
    row = rows.filter(pk=key).first()
    if row is None:
        raise Refused(code, _("Not found. It may have been removed."))
    return row


def today() -> dt.date:
    return timezone.localdate()
