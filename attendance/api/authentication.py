"""Authentication: another system by its token, else a person by the session cookie with Django's CSRF check."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from django.utils import timezone
from django.utils.translation import gettext as _
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from attendance.access import lockout, tokens
from attendance.core.errors import Refused
from attendance.models import ApiToken, User

if TYPE_CHECKING:
    # The framework imports this module while its own views are half imported.
    from rest_framework.views import APIView

TOKEN_HEADER = re.compile(r"Token +(\S{1,200}) *", re.IGNORECASE)
# Bad tokens are counted under this name, by address: a token has no name to lock.
LOCKOUT_NAME = "api token"


class TokenAuthentication(BaseAuthentication):
    """`Authorization: Token …`. A bad token is an error, even beside a good cookie."""

    def authenticate(self, request: Request) -> tuple[User, ApiToken] | None:
        header = request.META.get("HTTP_AUTHORIZATION", "")
        if header.split(" ", 1)[0].lower() != "token":
            return None
        address, now = request.META.get("REMOTE_ADDR"), timezone.now()
        match = TOKEN_HEADER.fullmatch(header)
        # A good token is never locked out, whatever bad ones came from the same address.
        token = tokens.authenticate(match[1]) if match else None
        if token is None:
            lockout.check(LOCKOUT_NAME, address, now=now)
            lockout.record_failure(LOCKOUT_NAME, address, now=now)
            raise AuthenticationFailed(_("This token is unknown or was revoked."), "bad_token")
        return token.user, token

    def authenticate_header(self, request: Request) -> str:  # noqa: ARG002 - the framework's signature
        return 'Token realm="Rollcall"'


class LoggedIn(BasePermission):
    """The user is logged in and has chosen their own password."""

    def has_permission(self, request: Request, view: APIView) -> bool:  # noqa: ARG002 - the framework's signature
        user = request.user
        if isinstance(user, User) and user.must_change_password:
            raise Refused("password_change_needed", _("Log in on the website and set a password first."))
        return bool(user and user.is_authenticated)
