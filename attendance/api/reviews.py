"""Undecided faces and paired devices of a session."""

import io
from typing import Any
from uuid import UUID

import segno
from django.conf import settings
from django.contrib.auth import logout
from django.http import HttpResponse
from django.utils import timezone
from rest_framework import serializers
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from attendance.access import devices, lockout
from attendance.access.device_cookie import set_device_cookie
from attendance.api import shapes
from attendance.api.base import ApiView
from attendance.api.documents import documented
from attendance.api.fields import Strict
from attendance.api.images import PICTURE, PictureView, picture
from attendance.api.marks import result_shown
from attendance.api.sessions import SessionView
from attendance.core.errors import Refused
from attendance.core.policy import Action
from attendance.live import review_queue
from attendance.models import DeviceKind, Review


class Deciding(Strict):
    verdict = serializers.ChoiceField(choices=["student", "neither", "ignored"])
    student = serializers.UUIDField(required=False, allow_null=True, default=None, source="student_id")


class Reviews(SessionView):
    @documented(responses=shapes.ReviewsShown)
    def get(self, _request: Request, session: UUID) -> Response:
        """The faces that wait for a person, oldest first (at most 50), with their candidates."""
        rows = review_queue.waiting(self.session(session, Action.VIEW_FACES))
        return Response({"count": len(rows), "next": None, "previous": None, "results": rows})


class Decide(ApiView):
    queryset = Review.objects.all()

    @documented(request=Deciding, responses=shapes.DecidedShown)
    def post(self, _request: Request, review: UUID) -> Response:
        """Say who it is: a student, neither of the candidates, or nobody who matters."""
        person = self.require(Action.MARK)
        result = review_queue.decide(
            review_id=review, actor=person, now=timezone.now(), **self.given(Deciding)
        )
        return Response({"result": None if result is None else result_shown(result)})


class ReviewImage(PictureView):
    queryset = Review.objects.all()

    @documented(responses=PICTURE)
    def get(self, _request: Request, review: UUID) -> HttpResponse:
        """The face in question. Each look is noted in the audit."""
        return picture(review_queue.picture(review_id=review, actor=self.require(Action.VIEW_FACES)))


class Pairing(Strict):
    kind = serializers.ChoiceField(choices=DeviceKind.choices)


class Exchange(Strict):
    code = serializers.CharField(max_length=200)

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        # A serializer's own attribute is called `label` too.
        label = serializers.CharField(max_length=80, required=False, allow_blank=True, default="")
        return {**super().get_fields(), "label": label}


class Pair(SessionView):
    @documented(request=Pairing, responses=shapes.PairingShown)
    def post(self, _request: Request, session: UUID) -> Response:
        """A one-time code for another device, good for five minutes: `url`, `code`, `expires_at`, and `svg` to scan."""
        self.session(session, Action.RUN_SESSION)
        row, plain = devices.create_code(
            session_id=session, actor=self.person, now=timezone.now(), **self.given(Pairing)
        )
        # In the fragment, which neither server logs nor referrers carry.
        url = f"{settings.PUBLIC_URL[0]}/pair/#{plain}"
        svg = io.BytesIO()
        segno.make(url, error="m").save(
            svg, kind="svg", xmldecl=False, scale=4, border=4, dark="#000", light="#fff"
        )
        return Response(
            {"url": url, "code": plain, "expires_at": row.expires_at, "svg": svg.getvalue().decode()}
        )


class UseCode(ApiView):
    """No login is asked: the code is the secret, and wrong ones are counted as failed logins are."""

    permission_classes = (AllowAny,)
    queryset = Review.objects.none()

    @documented(request=Exchange, responses=shapes.PairedShown, auth=[])
    def post(self, request: Request) -> Response:
        """Turn a code into this device's cookie. It ends a login on the same device."""
        said, now, address = self.given(Exchange), timezone.now(), request.META.get("REMOTE_ADDR")
        lockout.check("pairing code", address, now=now)
        try:
            device, secret = devices.exchange(now=now, **said)
        except Refused:
            lockout.record_failure("pairing code", address, now=now)
            raise
        logout(request._request)
        answer = Response({"session": str(device.session_id), "kind": device.kind})
        set_device_cookie(answer, device, secret)
        return answer
