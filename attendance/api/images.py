"""Images in requests and answers: upload slots before the engine, and answers that no cache keeps.

Uploads stay in memory; the setting FILE_UPLOAD_HANDLERS holds that for pages as well.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.http import HttpResponse
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse
from rest_framework.parsers import MultiPartParser
from rest_framework.renderers import BaseRenderer, JSONRenderer

from attendance.api.base import ApiView
from attendance.core.errors import Refused

UPLOAD_SLOTS = 2
# Seconds that an upload waits for a slot.
SLOT_SECONDS = 10.0
_slots = threading.BoundedSemaphore(UPLOAD_SLOTS)


@contextmanager
def upload_slot() -> Iterator[None]:
    """Hold one of the slots for uploads while the engine analyses it; the cameras of open sessions come first.

    Raises `Refused` (busy) where none is free in time. For any thread.
    """
    if not _slots.acquire(timeout=SLOT_SECONDS):
        raise Refused("busy", _("Too many images at once. Try again in a moment."), {"wait": 5})
    try:
        yield
    finally:
        _slots.release()


class UploadView(ApiView):
    """Base of views that take image uploads."""

    parser_classes = (MultiPartParser,)


def upload_bytes(upload: UploadedFile[bytes]) -> bytes:
    data: bytes = upload.read()
    return data


class JpegRenderer(BaseRenderer):
    """Makes `Accept: image/jpeg` acceptable. Images are answered as `HttpResponse`s and do not pass it."""

    media_type = "image/jpeg"
    format = "jpeg"
    charset = None
    render_style = "binary"

    def render(self, data: Any, *_args: Any, **_kwargs: Any) -> bytes:
        """Return a refusal as JSON."""
        return JSONRenderer().render(data)


class ImageView(ApiView):
    """Base of views that answer an image."""

    renderer_classes = (JSONRenderer, JpegRenderer)


IMAGE_RESPONSE = {
    (200, "image/jpeg"): OpenApiResponse(OpenApiTypes.BINARY, "The picture; `private, no-store`.")
}


def image_response(data: bytes, content_type: str = "image/jpeg") -> HttpResponse:
    return HttpResponse(
        data,
        content_type=content_type,
        headers={"Cross-Origin-Resource-Policy": "same-origin", "Content-Disposition": "inline"},
    )
