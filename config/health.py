"""Placeholder, replaced within the hour."""

from django.http import HttpRequest, HttpResponse


def live(_request: HttpRequest) -> HttpResponse:
    return HttpResponse("ok\n", content_type="text/plain")


def ready(_request: HttpRequest) -> HttpResponse:
    return HttpResponse("ok\n", content_type="text/plain")


def metrics(_request: HttpRequest) -> HttpResponse:
    return HttpResponse("", content_type="text/plain")
