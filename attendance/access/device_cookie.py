"""The device cookie: out of reach for scripts, for this site only, and gone when the device's time is over."""

from typing import TypeVar

from django.conf import settings
from django.http import HttpResponseBase

from attendance.access.devices import COOKIE
from attendance.models import Device

Response = TypeVar("Response", bound=HttpResponseBase)


def give_device(response: Response, device: Device, secret: str) -> Response:
    response.set_cookie(
        COOKIE,
        secret,
        expires=device.expires_at,
        httponly=True,
        secure=bool(settings.SESSION_COOKIE_SECURE),
        samesite="Strict",
    )
    return response


def take_device(response: Response) -> Response:
    response.delete_cookie(COOKIE, samesite="Strict")
    return response
