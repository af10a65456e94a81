"""The attendance application: students, classes, sessions and marks."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class AttendanceConfig(AppConfig):
    name = "attendance"
    verbose_name = _("Attendance")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from attendance import system_checks  # noqa: F401 - importing it registers the checks
