"""Pictures in and out: uploads that never touch a disk, a gate before the engine, answers that no cache keeps."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import MemoryFileUploadHandler
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse
from rest_framework.parsers import MultiPartParser
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request

from attendance.api.base import ApiView
from attendance.errors import Refused

AT_ONCE = 2
PATIENCE = 10.0
"""Seconds that a picture waits for its turn."""
_gate = threading.BoundedSemaphore(AT_ONCE)


@contextmanager
def turn(gate: threading.BoundedSemaphore = _gate, patience: float = PATIENCE) -> Iterator[None]:
    """A turn at the engine. Uploaded pictures are large and may wait; the cameras of running sessions may not."""
    if not gate.acquire(timeout=patience):
        raise Refused("busy", _("Too many pictures at once. Try again in a moment."), {"wait": 5})
    try:
        yield
    finally:
        gate.release()


class InMemory(MemoryFileUploadHandler):
    """Django would spool a large upload to a file; a face that may be nobody's business must not lie on a disk.

    The size is bounded by MAX_UPLOAD_SIZE, which the server enforces before Django sees the body.
    """

    def handle_raw_input(self, *_args: Any, **_kwargs: Any) -> None:
        self.activated = True


class UploadView(ApiView):
    """Base of the views that take pictures."""

    parser_classes = (MultiPartParser,)

    def initialize_request(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Request:
        # As early as this, because the CSRF check may be the first to read the form.
        request.upload_handlers = [InMemory(request)]
        return super().initialize_request(request, *args, **kwargs)


def bytes_of(upload: UploadedFile[bytes]) -> bytes:
    data: bytes = upload.read()
    return data


class Jpeg(BaseRenderer):
    """So that asking for image/jpeg is acceptable; pictures themselves are answered as they are."""

    media_type = "image/jpeg"
    format = "jpeg"
    charset = None
    render_style = "binary"

    def render(self, data: Any, *_args: Any, **_kwargs: Any) -> bytes:
        """A refusal, since pictures do not come this way."""
        return JSONRenderer().render(data)


class PictureView(ApiView):
    """Base of the views that answer a picture."""

    renderer_classes = (JSONRenderer, Jpeg)


PICTURE = {(200, "image/jpeg"): OpenApiResponse(OpenApiTypes.BINARY, "The picture; `private, no-store`.")}


def picture(data: bytes, content_type: str = "image/jpeg") -> HttpResponse:
    return HttpResponse(
        data,
        content_type=content_type,
        headers={"Cross-Origin-Resource-Policy": "same-origin", "Content-Disposition": "inline"},
    )
