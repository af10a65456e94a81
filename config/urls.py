"""The root URL patterns: health, metrics, admin, API and pages."""

from django.urls import include, path, re_path

from attendance.admin import site as office
from attendance.api import errors
from attendance.api.schema import Docs, Schema
from config import health

handler400, handler500 = "attendance.api.errors.bad_request", "attendance.api.errors.fault"
urlpatterns = [
    path("healthz/live", health.live, name="health-live"),
    path("healthz/ready", health.ready, name="health-ready"),
    path("metrics", health.metrics, name="metrics"),
    path("admin/", office.urls),
    path("api/v1/", include("attendance.api.urls")),
    path("api/schema/", Schema.as_view(), name="schema"),
    path("api/docs/", Docs.as_view(url_name="schema"), name="docs"),
    re_path("^api/", errors.unknown_address),
    path("", include("attendance.web.urls")),
]
