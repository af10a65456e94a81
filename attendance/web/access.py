"""Who asks for a page: a person with a login, or a device with a cookie."""

from collections.abc import Callable
from functools import wraps
from typing import Any
from uuid import UUID

from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404

from attendance.access import devices
from attendance.core import policy
from attendance.core.errors import Refused
from attendance.core.policy import Action
from attendance.models import Device, Session, User

Page = Callable[..., HttpResponse]


def person_of(request: HttpRequest) -> User:
    """Return the logged-in person. Raises `PermissionDenied`; use it behind `login_needed`."""
    if not isinstance(request.user, User):
        raise PermissionDenied
    return request.user


def login_needed(page: Page) -> Page:
    """Decorate a page: people without a login are sent to the login page first, and back after it."""

    @wraps(page)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not request.user.is_authenticated:
            return redirect_to_login(request.get_full_path())
        return page(request, *args, **kwargs)

    return guarded


def require(user: Any, action: Action, subject: policy.Subject = None) -> None:
    """Raise `PermissionDenied` (403) unless the person may."""
    if not policy.may(user, action, subject):
        raise PermissionDenied


def session_for(request: HttpRequest, session_id: UUID, action: Action) -> Session:
    """Return the session. Raises `Http404` where there is none, `PermissionDenied` where the person may not."""
    session = get_object_or_404(Session.objects.select_related("school_class"), pk=session_id)
    require(request.user, action, session)
    return session


def device_for(request: HttpRequest, session_id: UUID) -> Device | None:
    """Return the device whose cookie the request has, None unless it belongs to that session."""
    return devices.authenticate(request.COOKIES.get(devices.COOKIE, ""), session_id)


def page_error(refusal: Refused) -> Exception:
    """Return the exception that Django answers with the page for this refusal."""
    if refusal.code.startswith("no_such"):
        return Http404(refusal.message)
    return PermissionDenied(refusal.message)


def posted_id(request: HttpRequest, name: str) -> UUID:
    """Return an id from a form. Raises `Http404` where it is none."""
    try:
        return UUID(request.POST.get(name, ""))
    except ValueError:
        raise Http404 from None
