"""Authenticate sockets by token, by login with an Origin of this site, or by paired device.

Rights are checked at the handshake and again while the socket is open. A browser sends cookies to any address that a
page connects to, so cookies count only with an Origin in PUBLIC_URL (scheme, host and port are compared). With a token,
which browsers never send by themselves, cookies are ignored.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib.auth import get_user
from django.http import HttpRequest, parse_cookie
from django.utils.translation import gettext as _

from attendance.access import devices, tokens
from attendance.core import policy
from attendance.core.policy import Action
from attendance.models import Device, DeviceKind, Session, User

# Codes with which sockets are closed.
NO_LOGIN, NO_RIGHT = 4401, 4403
# What precedes the token in the header `Authorization`.
SCHEME = "token "


class AccessDenied(Exception):
    """The socket may not be used: code and message of the error, and the code with which the socket closes."""

    def __init__(self, code: str, message: str, close_code: int) -> None:
        super().__init__(message)
        self.code, self.message, self.close_code = code, message, close_code


@dataclass(frozen=True, slots=True, eq=False)
class Credentials:
    """The credentials of a handshake: an API token, the key of a login session, the secret of a device."""

    token: str | None
    login: str | None
    device: str | None


@dataclass(frozen=True, slots=True, eq=False)
class Principal:
    """Who uses the socket of a session: either a user or a device."""

    session: Session
    user: User | None
    device: Device | None

    @property
    def name(self) -> str:
        """Return the name of the camera in evidence."""
        return self.user.shown_name if self.user is not None else str(self.device)


def foreign_origin(scope: Mapping[str, Any]) -> bool:
    """Return whether a page of another site opens the socket. Programs send no Origin."""
    origin = _headers(scope).get(b"origin")
    return origin is not None and origin.decode("latin-1").lower() not in settings.CSRF_TRUSTED_ORIGINS


def credentials_of(scope: Mapping[str, Any]) -> Credentials:
    """Return the token, or the cookies if there is an Origin, which `foreign_origin` has checked before."""
    headers = _headers(scope)
    authorization = headers.get(b"authorization", b"").decode("latin-1")
    if authorization.lower().startswith(SCHEME):
        return Credentials(authorization[len(SCHEME) :].strip(), None, None)
    if b"origin" not in headers:
        return Credentials(None, None, None)
    cookies = parse_cookie(headers.get(b"cookie", b"").decode("latin-1"))
    return Credentials(None, cookies.get(settings.SESSION_COOKIE_NAME), cookies.get(devices.COOKIE))


def authorise(
    credentials: Credentials, session_id: UUID, action: Action, kinds: Collection[DeviceKind]
) -> Principal:
    """Return who may use the socket, as the database is now: a user with a right, or a device of one of `kinds`.

    Raises `AccessDenied`.
    """
    user = _user(credentials)
    session = Session.objects.select_related("school_class").filter(pk=session_id).first()
    if user is not None and session is not None and policy.may(user, action, session):
        return Principal(session, user, None)
    device = devices.authenticate(credentials.device, session_id) if credentials.device else None
    if device is not None and session is not None and device.kind in kinds:
        return Principal(session, None, device)
    if user is None and device is None:
        raise AccessDenied("not_logged_in", _("Log in to use this session."), NO_LOGIN)
    raise AccessDenied(
        "not_allowed", _("There is no such session, or you do not have access to it."), NO_RIGHT
    )


def _headers(scope: Mapping[str, Any]) -> dict[bytes, bytes]:
    return dict(scope["headers"])


def _user(credentials: Credentials) -> User | None:
    if credentials.token is not None:
        token = tokens.authenticate(credentials.token)
        return None if token is None else token.user
    if credentials.login is None:
        return None
    request = HttpRequest()
    request.session = import_module(settings.SESSION_ENGINE).SessionStore(credentials.login)
    user = get_user(request)
    return user if isinstance(user, User) and user.is_active else None
