"""Who may use a socket: a token, a login with an Origin of ours, or a paired device. Asked at the door and again.

A browser sends its cookies wherever a page tells it to connect, so a cookie counts only beside an Origin out of
PUBLIC_URL, compared whole. A token is sent by no browser on its own; with one, cookies are not looked at.
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

NO_LOGIN, NO_RIGHT = 4401, 4403
SCHEME = "token "


class Turned(Exception):
    """Turned away: the code and message of the error, and the code that the socket closes with."""

    def __init__(self, code: str, message: str, close: int) -> None:
        super().__init__(message)
        self.code, self.message, self.close = code, message, close


@dataclass(frozen=True, slots=True, eq=False)
class Credentials:
    """What a handshake brought."""

    token: str | None
    login: str | None
    device: str | None


@dataclass(frozen=True, slots=True, eq=False)
class Guest:
    """Who was let in: a user, or a device in a user's place."""

    session: Session
    user: User | None
    device: Device | None

    @property
    def name(self) -> str:
        """What the pictures' source is called in evidence."""
        return self.user.shown_name if self.user is not None else str(self.device)


def foreign_origin(scope: Mapping[str, Any]) -> bool:
    """Whether a page that is not ours opens the socket. Programs send no Origin at all."""
    origin = _headers(scope).get(b"origin")
    return origin is not None and origin.decode("latin-1").lower() not in settings.CSRF_TRUSTED_ORIGINS


def credentials_of(scope: Mapping[str, Any]) -> Credentials:
    """The token, else the cookies if the Origin (already found to be ours) is there."""
    headers = _headers(scope)
    authorization = headers.get(b"authorization", b"").decode("latin-1")
    if authorization.lower().startswith(SCHEME):
        return Credentials(authorization[len(SCHEME) :].strip(), None, None)
    if b"origin" not in headers:
        return Credentials(None, None, None)
    cookies = parse_cookie(headers.get(b"cookie", b"").decode("latin-1"))
    return Credentials(None, cookies.get(settings.SESSION_COOKIE_NAME), cookies.get(devices.COOKIE))


def admit(credentials: Credentials, session_id: UUID, action: Action, kinds: Collection[DeviceKind]) -> Guest:
    """The guest, by what the database says now. Raises `Turned`."""
    user = _user(credentials)
    session = Session.objects.select_related("school_class").filter(pk=session_id).first()
    if user is not None and session is not None and policy.may(user, action, session):
        return Guest(session, user, None)
    device = devices.authenticate(credentials.device, session_id) if credentials.device else None
    if device is not None and session is not None and device.kind in kinds:
        return Guest(session, None, device)
    if user is None and device is None:
        raise Turned("not_logged_in", _("Log in to use this session."), NO_LOGIN)
    raise Turned("not_allowed", _("There is no such session, or you do not have access to it."), NO_RIGHT)


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
    found = get_user(request)
    return found if isinstance(found, User) and found.is_active else None
