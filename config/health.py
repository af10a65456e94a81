"""Health and metrics of a server process.

Everybody may ask whether the process works. Details and metrics are given only to this machine and to holders of
METRICS_TOKEN.
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

from recognition.telemetry import metrics as recognition_metrics

logger = logging.getLogger("rollcall.health")

# Results are reused for this long, so that many requests for the state do not become a load themselves.
MAX_AGE_SECONDS = 5.0

# A cache that takes longer than this costs more time than it saves.
SLOW_CACHE_SECONDS = 0.25

# Without these nothing works. Without the cache everything works, more slowly.
REQUIRED = ("database", "engine")


@dataclass(frozen=True, slots=True, eq=False)
class CheckResult:
    """The result of one check; `fault` is empty if it passed."""

    name: str
    milliseconds: float
    fault: str = ""

    def as_json(self) -> dict[str, object]:
        return {"ok": not self.fault, "ms": round(self.milliseconds, 2), "fault": self.fault}


def check_database() -> None:
    """Raise if PostgreSQL does not answer."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


def check_cache() -> None:
    """Raise if Redis is absent, full or slow. Uses Redis directly, because Django's cache hides its errors."""
    client = cache.client.get_client()  # type: ignore[attr-defined]  # django-redis has more than Django's caches
    client.ping()  # opens the connection, whose time is not measured
    started_at = time.perf_counter()
    client.set(cache.make_key("health"), b"", ex=60)
    seconds = time.perf_counter() - started_at
    if seconds > SLOW_CACHE_SECONDS:
        message = f"it took {seconds * 1000:.0f} ms to store a value"
        raise TimeoutError(message)


def check_engine() -> None:
    """Embed an image of the size of a face; raise if no usable embedding is returned."""
    # This import loads OpenCV, dlib and an inference runtime, which the other checks do not need.
    from recognition.shared_engine import engine

    ramp = np.linspace(0, 255, 150, dtype=np.uint8)
    chip = np.broadcast_to(ramp[None, :, None], (1, 150, 150, 3))
    embedding = engine().embed(np.ascontiguousarray(chip))
    if embedding.shape != (1, 128) or not np.isfinite(embedding).all():
        message = f"the engine returned an unusable embedding of shape {embedding.shape}"
        raise RuntimeError(message)


CHECKS: dict[str, Callable[[], None]] = {
    "database": check_database,
    "cache": check_cache,
    "engine": check_engine,
}


def run_check(name: str, check: Callable[[], None]) -> CheckResult:
    """Run one check and return its result; never raises."""
    started_at = time.perf_counter()
    fault = ""
    try:
        check()
    except Exception as error:  # noqa: BLE001 (the edge: any error of a check is its result)
        logger.warning("health check of the %s failed: %s", name, error)
        fault = f"{type(error).__name__}: {error}".strip()
    return CheckResult(name, (time.perf_counter() - started_at) * 1000, fault)


class HealthMonitor:
    """Keep the latest results for MAX_AGE_SECONDS. Thread-safe: one thread runs the checks while others wait."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._results: tuple[CheckResult, ...] = ()
        self._checked_at = 0.0

    def results(self) -> tuple[CheckResult, ...]:
        """Return results that are at most MAX_AGE_SECONDS old."""
        with self._lock:
            if not self._results or time.monotonic() - self._checked_at > MAX_AGE_SECONDS:
                self._results = tuple(run_check(name, check) for name, check in CHECKS.items())
                self._checked_at = time.monotonic()
            return self._results


MONITOR = HealthMonitor()


def may_see_details(request: HttpRequest) -> bool:
    """Return whether the client is on this machine or sends METRICS_TOKEN.

    A request that came through a proxy counts as remote, even if the proxy runs on this machine and is not named in
    TRUSTED_PROXIES.
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
    """Answer that the process runs, without using anything else."""
    return JsonResponse({"status": "ok"})


@require_safe
def ready(request: HttpRequest) -> HttpResponse:
    """Answer 200 if database and engine work, else 503. Without the cache: 200, and `degraded` in the details."""
    results = MONITOR.results()
    failed = {result.name for result in results if result.fault}
    is_ready = not failed.intersection(REQUIRED)
    content: dict[str, object] = {"status": "ok" if is_ready else "not ready"}
    if may_see_details(request):
        content["degraded"] = bool(failed)
        content["checks"] = {result.name: result.as_json() for result in results}
    response = JsonResponse(content, status=200 if is_ready else 503)
    add_never_cache_headers(response)
    return response


@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Answer in Prometheus's text format: this process, then recognition in all processes. No personal data."""
    if not may_see_details(request):
        message = "Ask from this machine, or send METRICS_TOKEN as a bearer token."
        return JsonResponse({"code": "not_allowed", "message": message, "extra": {}}, status=403)
    response = HttpResponse(generate_latest() + recognition_metrics.text(), content_type=CONTENT_TYPE_LATEST)
    add_never_cache_headers(response)
    return response
