"""The page behind the QR code, which pairs a device with a session."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.http import require_GET


@never_cache
@ensure_csrf_cookie
@require_GET
def pair(request: HttpRequest) -> HttpResponse:
    """Show the page. The code is in the address's fragment, which is never sent to a server."""
    return render(request, "pages/pair.html")
