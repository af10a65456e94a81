"""The cookie of a paired device: hidden from scripts, sent to this site only, and valid as long as the device is."""

from typing import TypeVar

from django.conf import settings
from django.http import HttpResponseBase

from attendance.access.devices import COOKIE
from attendance.models import Device

Response = TypeVar("Response", bound=HttpResponseBase)


def set_device_cookie(response: Response, device: Device, secret: str) -> Response:
    response.set_cookie(
        COOKIE,
        secret,
        expires=device.expires_at,
        httponly=True,
        secure=bool(settings.SESSION_COOKIE_SECURE),
        samesite="Strict",
    )
    return response


def delete_device_cookie(response: Response) -> Response:
    response.delete_cookie(COOKIE, samesite="Strict")
    return response
