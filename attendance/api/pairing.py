"""Pair a device with a session: a one-time code, and its exchange for the device's cookie."""

import datetime as dt
import io
from typing import Annotated, Any, TypedDict
from uuid import UUID

import segno
from django.conf import settings
from django.contrib.auth import logout
from django.utils import timezone
from rest_framework import serializers
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from attendance.access import devices, lockout
from attendance.access.device_cookie import set_device_cookie
from attendance.api.base import ApiView
from attendance.api.documents import documented, serializer_of
from attendance.api.fields import StrictSerializer
from attendance.api.sessions import SessionView
from attendance.core.errors import Refused
from attendance.core.json_types import Id
from attendance.core.policy import Action
from attendance.models import Device, DeviceKind

# Wrong codes are counted under this name, by address, as failed logins are.
LOCKOUT_NAME = "pairing code"


class PairingIn(StrictSerializer):
    kind = serializers.ChoiceField(choices=DeviceKind.choices)


class PairingCodeOut(TypedDict):
    url: str
    code: str
    expires_at: dt.datetime
    svg: Annotated[str, "The address as a QR code."]


class PairingCodeIn(StrictSerializer):
    code = serializers.CharField(max_length=200)

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        # A serializer has an attribute `label` of its own.
        label = serializers.CharField(max_length=80, required=False, allow_blank=True, default="")
        return {**super().get_fields(), "label": label}


class PairedDeviceOut(TypedDict):
    session: Id
    kind: Annotated[str, DeviceKind]


class SessionPairing(SessionView):
    @documented(request=PairingIn, responses=serializer_of(PairingCodeOut))
    def post(self, _request: Request, session: UUID) -> Response:
        """A one-time code for another device, good for five minutes: `url`, `code`, `expires_at`, and `svg` to scan."""
        self.session(session, Action.RUN_SESSION)
        row, code = devices.create_code(
            session_id=session, actor=self.person, now=timezone.now(), **self.body(PairingIn)
        )
        # The code is in the fragment, which neither server logs nor referrers contain.
        url = f"{settings.PUBLIC_URL[0]}/pair/#{code}"
        answer: PairingCodeOut = {
            "url": url,
            "code": code,
            "expires_at": row.expires_at,
            "svg": _qr_code(url),
        }
        return Response(answer)


class DevicePairing(ApiView):
    """Needs no login: the code is the secret."""

    permission_classes = (AllowAny,)
    queryset = Device.objects.none()

    @documented(request=PairingCodeIn, responses=serializer_of(PairedDeviceOut), auth=[])
    def post(self, request: Request) -> Response:
        """Turn a code into this device's cookie. It ends a login on the same device."""
        body, now, address = self.body(PairingCodeIn), timezone.now(), request.META.get("REMOTE_ADDR")
        lockout.check(LOCKOUT_NAME, address, now=now)
        try:
            device, secret = devices.exchange(now=now, **body)
        except Refused:
            lockout.record_failure(LOCKOUT_NAME, address, now=now)
            raise
        logout(request._request)
        answer: PairedDeviceOut = {"session": str(device.session_id), "kind": device.kind}
        return set_device_cookie(Response(answer), device, secret)


def _qr_code(url: str) -> str:
    """Return the address as a QR code, an SVG element."""
    svg = io.BytesIO()
    segno.make(url, error="m").save(
        svg, kind="svg", xmldecl=False, scale=4, border=4, dark="#000", light="#fff"
    )
    return svg.getvalue().decode()
