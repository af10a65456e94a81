"""The sockets' addresses."""

from django.urls import URLPattern, path, re_path

from attendance.sockets.camera import CameraConsumer
from attendance.sockets.dashboard import DashboardConsumer
from attendance.sockets.unknown_address import UnknownAddressConsumer

websocket_urlpatterns: list[URLPattern] = [
    path("ws/sessions/<uuid:session_id>/camera/", CameraConsumer.as_asgi()),
    path("ws/sessions/<uuid:session_id>/", DashboardConsumer.as_asgi()),
    re_path("", UnknownAddressConsumer.as_asgi()),
]
