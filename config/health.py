"""Whether this process lives, whether it can do its work, and its figures.

Anybody may ask whether it is well; what exactly is how well is told to this machine and to holders of METRICS_TOKEN.
"""

from __future__ import annotations

import hmac
import ipaddress
import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from django.conf import settings
from django.core.cache import cache
from django.db import connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.cache import add_never_cache_headers
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from recognition.telemetry import metrics as recognised

logger = logging.getLogger("rollcall.health")

FRESH_SECONDS = 5.0
"""A result is given out for this long: a crowd of askers must not become a load of its own."""

SLOW_SECONDS = 0.25
"""A cache that takes longer costs more than it saves."""

NEEDED = ("database", "engine")
"""Without these nothing works; without the cache all works more slowly."""


@dataclass(frozen=True, slots=True, eq=False)
class Finding:
    """One part's answer: how long it took in milliseconds, and what was wrong, if anything was."""

    name: str
    milliseconds: float
    fault: str = ""

    def as_json(self) -> dict[str, object]:
        """As it stands in the details."""
        return {"ok": not self.fault, "ms": round(self.milliseconds, 2), "fault": self.fault}


def ask_database() -> None:
    """Raises where PostgreSQL does not answer."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


def ask_cache() -> None:
    """Raises where Redis is away, full or slow: asked past Django, which would hide it."""
    client = cache.client.get_client()  # type: ignore[attr-defined]  # django-redis has more than Django's caches
    client.ping()  # connects, which is not what shall be timed
    began = time.perf_counter()
    client.set(cache.make_key("health"), b"", ex=60)
    took = time.perf_counter() - began
    if took > SLOW_SECONDS:
        message = f"it took {took * 1000:.0f} ms to keep a value"
        raise TimeoutError(message)


def ask_engine() -> None:
    """Really embeds a face-sized picture; raises where no embedding comes of it."""
    # Loads OpenCV, dlib and a runtime: only where somebody wants to recognise.
    from recognition.process import engine

    ramp = np.linspace(0, 255, 150, dtype=np.uint8)
    chip = np.broadcast_to(ramp[None, :, None], (1, 150, 150, 3))
    embedding = engine().embed(np.ascontiguousarray(chip))
    if embedding.shape != (1, 128) or not np.isfinite(embedding).all():
        message = f"an embedding of shape {embedding.shape} came back"
        raise RuntimeError(message)


QUESTIONS: dict[str, Callable[[], None]] = {
    "database": ask_database,
    "cache": ask_cache,
    "engine": ask_engine,
}


def examine(name: str, question: Callable[[], None]) -> Finding:
    """Asks one part, whatever it answers."""
    began = time.perf_counter()
    fault = ""
    try:
        question()
    except Exception as why:  # noqa: BLE001 (the edge: any fault of a part is its answer)
        logger.warning("%s is not well: %s", name, why)
        fault = f"{type(why).__name__}: {why}".strip()
    return Finding(name, (time.perf_counter() - began) * 1000, fault)


class Examination:
    """The latest findings, made anew when they are older than FRESH_SECONDS. Thread-safe: one examines, others wait."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._findings: tuple[Finding, ...] = ()
        self._at = 0.0

    def findings(self) -> tuple[Finding, ...]:
        """What was found at most FRESH_SECONDS ago."""
        with self._lock:
            if not self._findings or time.monotonic() - self._at > FRESH_SECONDS:
                self._findings = tuple(examine(name, question) for name, question in QUESTIONS.items())
                self._at = time.monotonic()
            return self._findings


EXAMINATION = Examination()


def may_see_details(request: HttpRequest) -> bool:
    """Whether the asker sits at this machine or holds the token.

    A request that came through a proxy is from elsewhere, even where the proxy runs on this machine and nobody has
    named it in TRUSTED_PROXIES.
    """
    token = request.headers.get("Authorization", "").removeprefix("Bearer ")
    if settings.METRICS_TOKEN and hmac.compare_digest(token.encode(), settings.METRICS_TOKEN.encode()):
        return True
    if "X-Forwarded-For" in request.headers or "Forwarded" in request.headers:
        return False
    try:
        return ipaddress.ip_address(request.META.get("REMOTE_ADDR", "")).is_loopback
    except ValueError:
        return False


@require_safe
def live(_request: HttpRequest) -> HttpResponse:
    """The process answers; nothing else is touched."""
    return JsonResponse({"status": "ok"})


@require_safe
def ready(request: HttpRequest) -> HttpResponse:
    """200 where database and engine answer, else 503. Without the cache it is 200 and, in the details, degraded."""
    findings = EXAMINATION.findings()
    faults = {finding.name for finding in findings if finding.fault}
    well = not faults.intersection(NEEDED)
    answer: dict[str, object] = {"status": "ok" if well else "not ready"}
    if may_see_details(request):
        answer["degraded"] = bool(faults)
        answer["checks"] = {finding.name: finding.as_json() for finding in findings}
    response = JsonResponse(answer, status=200 if well else 503)
    add_never_cache_headers(response)
    return response


@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Prometheus's text: this process, then recognition summed over all; never a name or an id of a person."""
    if not may_see_details(request):
        message = "Ask from this machine, or send METRICS_TOKEN as a bearer token."
        return JsonResponse({"code": "not_allowed", "message": message, "extra": {}}, status=403)
    response = HttpResponse(generate_latest() + recognised.text(), content_type=CONTENT_TYPE_LATEST)
    add_never_cache_headers(response)
    return response
