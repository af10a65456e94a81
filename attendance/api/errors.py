"""All errors of the API in one form, `{code, message, extra}`, wherever they were raised."""

import logging
import sys
from collections.abc import Mapping
from typing import Any

from django.core.exceptions import PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.db import IntegrityError, InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.http.multipartparser import MultiPartParserError
from django.utils.translation import gettext as _
from django.views import defaults
from django.views.decorators.csrf import csrf_exempt
from rest_framework import exceptions, status
from rest_framework.response import Response
from sqlalchemy.exc import SQLAlchemyError

from attendance.core.errors import Refused
from recognition.crypto import CannotOpen
from recognition.engine.errors import BadImage, EngineError

logger = logging.getLogger(__name__)

STATUS = {
    "not_allowed": status.HTTP_403_FORBIDDEN,
    "code_of_the_office": status.HTTP_403_FORBIDDEN,
    "password_change_needed": status.HTTP_403_FORBIDDEN,
    "not_from_a_camera": status.HTTP_409_CONFLICT,
    "conflict": status.HTTP_409_CONFLICT,
    "nonce_reused": status.HTTP_409_CONFLICT,
    "duplicate_photograph": status.HTTP_409_CONFLICT,
    "session_closed": status.HTTP_409_CONFLICT,
    "too_large": status.HTTP_413_REQUEST_ENTITY_TOO_LARGE,
    "too_many": status.HTTP_429_TOO_MANY_REQUESTS,
    "locked": status.HTTP_429_TOO_MANY_REQUESTS,
    "busy": status.HTTP_429_TOO_MANY_REQUESTS,
    "unavailable": status.HTTP_503_SERVICE_UNAVAILABLE,
}


def status_of(code: str) -> int:
    """Return the HTTP status of a code."""
    if code in STATUS:
        return STATUS[code]
    if code.startswith("no_such_"):
        return status.HTTP_404_NOT_FOUND
    if code.startswith("already"):
        return status.HTTP_409_CONFLICT
    return status.HTTP_400_BAD_REQUEST


def body(code: str, message: str, extra: Mapping[str, Any] | None = None) -> dict[str, Any]:
    return {"code": code, "message": message, "extra": dict(extra or {})}


def answer(exc: Exception, context: Mapping[str, Any]) -> Response | None:
    """Answer an exception, for the REST framework. None leaves an unexpected one to Django, which logs it."""
    refused = _refusal(exc)
    if refused is not None:
        return Response(refused.as_dict(), status_of(refused.code), headers=_headers(refused))
    if isinstance(exc, Http404):
        exc = exceptions.NotFound()
    elif isinstance(exc, PermissionDenied):
        exc = exceptions.PermissionDenied()
    return _of_framework(exc, context) if isinstance(exc, exceptions.APIException) else None


def _headers(refused: Refused) -> dict[str, str]:
    wait = refused.extra.get("wait", refused.extra.get("seconds"))
    return {} if wait is None else {"Retry-After": str(wait)}


def _refusal(exc: Exception) -> Refused | None:  # noqa: PLR0911 - one line for each kind
    """Return an expected exception of the domain, the engine, the database or Django's parsers as a refusal."""
    match exc:
        case Refused():
            return exc
        case BadImage():
            return Refused(exc.code, exc.message, exc.extra)
        case EngineError():
            logger.error("the engine failed: %s", exc.message)
            return Refused(
                "unavailable", _("Faces cannot be recognised at the moment."), {"reason": exc.code}
            )
        case CannotOpen():
            logger.error("face data could not be opened: %s", exc)
            return Refused("unavailable", _("This image cannot be opened."), {"reason": exc.code})
        case IntegrityError():
            return _of_database(exc)
        case OperationalError() | InterfaceError() | SQLAlchemyError():
            logger.error("the database did not answer: %s", exc)
            return Refused(
                "unavailable", _("The database does not respond. Try again in a moment."), {"wait": 5}
            )
        case RequestDataTooBig():
            return Refused("too_large", _("The request is too large."))
        case MultiPartParserError() | SuspiciousOperation():
            return Refused("malformed", _("The request's body cannot be read."))
        case _:
            return None


# SQLSTATE of PostgreSQL.
UNIQUE_VIOLATION = "23505"


def _of_database(exc: IntegrityError) -> Refused | None:
    """Return a refusal where another request wrote the same row first; None for other errors, which are bugs."""
    if getattr(exc.__cause__, "pgcode", None) != UNIQUE_VIOLATION:
        return None
    return Refused("already_there", _("Somebody else has just saved the same. Reload and check."))


def _of_framework(exc: exceptions.APIException, context: Mapping[str, Any]) -> Response:
    code, message, extra = _describe(exc, context)
    headers = {}
    if auth_header := getattr(exc, "auth_header", None):
        headers["WWW-Authenticate"] = auth_header
    return Response(body(code, message, extra), exc.status_code, headers=headers)


def _describe(  # noqa: PLR0911 - one line for each kind
    exc: exceptions.APIException, context: Mapping[str, Any]
) -> tuple[str, str, dict[str, Any]]:
    match exc:
        case exceptions.ValidationError():
            fields = _fields(exc.get_full_details())
            return "invalid", _first(fields), {"fields": fields}
        case exceptions.ParseError():
            return "malformed", _("The request's body cannot be read."), {}
        case exceptions.NotAuthenticated():
            return "not_logged_in", _("Log in, or send a token: “Authorization: Token …”."), {}
        case exceptions.NotFound():
            return "not_found", _("There is nothing at this address."), {}
        case exceptions.MethodNotAllowed():
            allowed = list(getattr(context.get("view"), "allowed_methods", []))
            return "method_not_allowed", _("This address does not accept this method."), {"allowed": allowed}
        case exceptions.NotAcceptable():
            return "not_acceptable", _("Responses are JSON; accept application/json."), {}
        case exceptions.UnsupportedMediaType():
            parsers = getattr(context.get("view"), "parser_classes", [])
            return "unsupported_media_type", str(exc.detail), {"allowed": [p.media_type for p in parsers]}
        case _:
            return str(exc.get_codes()), str(exc.detail), {}


def _fields(details: Any) -> dict[str, Any]:
    """Return the framework's nested details as lists of {code, message} by field."""
    if isinstance(details, list):
        return {"body": details}
    return {("body" if name == "non_field_errors" else str(name)): detail for name, detail in details.items()}


def _first(fields: dict[str, Any]) -> str:
    """Return the first error with its field's name, for people who see only the message."""
    for name, details in fields.items():
        detail = details
        while isinstance(detail, list | dict) and detail and not _is_detail(detail):
            detail = detail[0] if isinstance(detail, list) else next(iter(detail.values()))
        if _is_detail(detail):
            text = str(detail["message"])
            return text if name == "body" else f"{name}: {text}"
    return _("Some fields are not valid.")


def _is_detail(value: Any) -> bool:
    return isinstance(value, dict) and set(value) == {"message", "code"}


@csrf_exempt  # it changes nothing, and the CSRF check answers with a page
def unknown_address(request: HttpRequest, *_args: object, **_kwargs: object) -> JsonResponse:
    """Answer 404 at any other address under /api/."""
    hint = "" if request.path.endswith("/") else _(" Addresses end with a slash.")
    return JsonResponse(body("not_found", _("There is nothing at this address.") + hint), status=404)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer what was refused before a view was called; Django's `handler400`."""
    if not _is_api(request):
        return defaults.bad_request(request, exception)
    refused = _refusal(exception) or Refused("malformed", _("The request cannot be read."))
    return JsonResponse(refused.as_dict(), status=status_of(refused.code))


def fault(request: HttpRequest) -> HttpResponse:
    """Answer an unexpected error; Django's `handler500`. The database may also have failed before a view was called."""
    if not _is_api(request):
        return defaults.server_error(request)
    raised = sys.exc_info()[1]
    refused = _refusal(raised) if isinstance(raised, Exception) else None
    if refused is None:
        text = _(
            "Something went wrong on the server; its log has the details. Try again, or tell the office."
        )
        return JsonResponse(body("fault", text), status=500)
    return JsonResponse(refused.as_dict(), status=status_of(refused.code), headers=_headers(refused))


def _is_api(request: HttpRequest) -> bool:
    return request.path.startswith("/api/")
