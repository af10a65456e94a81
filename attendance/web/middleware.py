"""For all pages: the person's language, the one-time password, and no copies in caches."""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import translation
from django.utils.cache import add_never_cache_headers, patch_cache_control

from attendance.models import User

View = Callable[[HttpRequest], HttpResponse]
OPEN_TO_ALL = (
    "/static/",
    "/healthz/",
    "/metrics",
    "/api/",
    "/texts/",
    "/privacy/",
    "/offline/",
    "/pair/",
    "/service-worker.js",
    "/manifest.webmanifest",
)


def person_language(get_response: View) -> View:
    """Use the language that the person chose before the browser's."""
    languages = dict(settings.LANGUAGES)

    def answer(request: HttpRequest) -> HttpResponse:
        user = request.user
        if isinstance(user, User) and user.language in languages:
            translation.activate(user.language)
            request.LANGUAGE_CODE = translation.get_language()
        return get_response(request)

    return answer


def one_time_password(get_response: View) -> View:
    """Send people with a one-time password to the page where they replace it. The API refuses them itself."""

    def answer(request: HttpRequest) -> HttpResponse:
        user = request.user
        allowed = {reverse("password"), reverse("logout")}
        if (
            isinstance(user, User)
            and user.must_change_password
            and request.path not in allowed
            and not request.path.startswith(OPEN_TO_ALL)
        ):
            return redirect("password")
        return get_response(request)

    return answer


def private_pages(get_response: View) -> View:
    """Keep pages behind a login out of all caches: classroom computers are shared."""

    def answer(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        if request.user.is_authenticated and "Cache-Control" not in response:
            add_never_cache_headers(response)
            patch_cache_control(response, private=True, no_store=True)
        return response

    return answer
