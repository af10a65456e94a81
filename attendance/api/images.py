"""Pictures in and out: a gate before the engine, answers that no cache keeps.

Uploads never touch a disk; FILE_UPLOAD_HANDLERS sees to that, for pages as well.
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

AT_ONCE = 2
PATIENCE = 10.0
"""Seconds that a picture waits for its turn."""
_gate = threading.BoundedSemaphore(AT_ONCE)


@contextmanager
def turn() -> Iterator[None]:
    """A turn at the engine. Uploaded pictures are large and may wait; the cameras of running sessions may not."""
    if not _gate.acquire(timeout=PATIENCE):
        raise Refused("busy", _("Too many images at once. Try again in a moment."), {"wait": 5})
    try:
        yield
    finally:
        _gate.release()


class UploadView(ApiView):
    """Base of the views that take pictures."""

    parser_classes = (MultiPartParser,)


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
