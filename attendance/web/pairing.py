"""Joining a session from another device: the QR code's page, and the picture of the code itself."""

from io import BytesIO

import segno
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.http import require_GET


@never_cache
@ensure_csrf_cookie
@require_GET
def pair(request: HttpRequest) -> HttpResponse:
    """The code is in the address's fragment, which no server, proxy or log ever sees."""
    return render(request, "pages/pair.html")


def pair_url(code: str, origin: str = "") -> str:
    """The address behind the QR code; the first PUBLIC_URL unless the request came by another."""
    return f"{origin or settings.PUBLIC_URL[0]}{reverse('pair')}#{code}"


def qr_svg(text: str) -> str:
    """A QR code as an SVG element without colours of its own beyond black on white, which every reader needs."""
    out = BytesIO()
    segno.make(text, error="m").save(
        out,
        kind="svg",
        xmldecl=False,
        svgns=True,
        border=3,
        scale=1,
        dark="#000",
        light="#fff",
        omitsize=True,
    )
    return out.getvalue().decode()
