"""What holds for every page: the person's language, a password of one's own first, and nothing left in caches."""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import translation
from django.utils.cache import add_never_cache_headers, patch_cache_control

from attendance.models import User

Answer = Callable[[HttpRequest], HttpResponse]
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


def own_language(get_response: Answer) -> Answer:
    """A language chosen by the person goes before the browser's."""
    known = dict(settings.LANGUAGES)

    def answer(request: HttpRequest) -> HttpResponse:
        user = request.user
        if isinstance(user, User) and user.language in known:
            translation.activate(user.language)
            request.LANGUAGE_CODE = translation.get_language()
        return get_response(request)

    return answer


def own_password(get_response: Answer) -> Answer:
    """A one-time password opens one page only: the one where it is replaced. The API has its own refusal."""

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


def private_pages(get_response: Answer) -> Answer:
    """Pages behind a login stay out of every cache: classroom computers are shared."""

    def answer(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        if request.user.is_authenticated and "Cache-Control" not in response:
            add_never_cache_headers(response)
            patch_cache_control(response, private=True, no_store=True)
        return response

    return answer
