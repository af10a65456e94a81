"""Pages without a login: privacy, offline, errors, and the translated texts of scripts."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_GET
from django.views.i18n import JavaScriptCatalog

from attendance.models import SchoolSettings
from attendance.privacy.retention import TIME_LIMITS

# One language per address: a browser may keep it for an hour, and changes with the language.
texts = cache_control(max_age=3600, private=True)(JavaScriptCatalog.as_view())


@require_GET
def privacy(request: HttpRequest) -> HttpResponse:
    """Show to everybody what is kept of faces, where and for how long, from the list of time limits."""
    school = SchoolSettings.load()
    limits = [(limit.what, limit.where, limit.how_long(school)) for limit in TIME_LIMITS]
    return render(request, "pages/privacy.html", {"school": school, "limits": limits})


@require_GET
def offline(request: HttpRequest) -> HttpResponse:
    """Show the page that the service worker keeps for when the server cannot be reached."""
    return render(request, "pages/offline.html")


@require_GET
@cache_control(no_cache=True)
def service_worker(_request: HttpRequest) -> HttpResponse:
    """Serve the service worker at the root: its scope is what lies below its own address."""
    return HttpResponse(render_to_string("service-worker.js"), content_type="text/javascript")


@require_GET
def manifest(_request: HttpRequest) -> HttpResponse:
    return HttpResponse(render_to_string("manifest.json"), content_type="application/manifest+json")


def csrf_failed(request: HttpRequest, reason: str = "") -> HttpResponse:  # noqa: ARG001 - Django's signature
    """Answer 403 to a form that is older than its login, with a page that says to reload it."""
    return render(request, "403.html", {"stale": True}, status=403)
