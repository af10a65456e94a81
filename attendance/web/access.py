"""Who stands before a page: a person with a login, or a device with a cookie."""

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
    """The logged-in person. Only behind `login_required`."""
    if not isinstance(request.user, User):
        raise PermissionDenied
    return request.user


def login_wanted(page: Page) -> Page:
    """Send anonymous visitors to the login page and bring them back after it."""

    @wraps(page)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not request.user.is_authenticated:
            return redirect_to_login(request.get_full_path())
        return page(request, *args, **kwargs)

    return guarded


def require(user: Any, action: Action, subject: policy.Subject = None) -> None:
    """403 unless the person may."""
    if not policy.may(user, action, subject):
        raise PermissionDenied


def session_for(request: HttpRequest, session_id: UUID, action: Action) -> Session:
    """The session, if this person may do that with it: 404 for none, 403 for another's."""
    session = get_object_or_404(Session.objects.select_related("school_class"), pk=session_id)
    require(request.user, action, session)
    return session


def device_for(request: HttpRequest, session_id: UUID) -> Device | None:
    """The device whose cookie this request carries, if it belongs to that session."""
    return devices.authenticate(request.COOKIES.get(devices.COOKIE, ""), session_id)


def as_page(refusal: Refused) -> Exception:
    """The page that a refusal deserves."""
    if refusal.code.startswith("no_such"):
        return Http404(refusal.message)
    return PermissionDenied(refusal.message)


def posted_id(request: HttpRequest, name: str) -> UUID:
    """A key out of a form; 404 for what is none."""
    try:
        return UUID(request.POST.get(name, ""))
    except ValueError:
        raise Http404 from None
