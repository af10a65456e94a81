"""The configuration as an application: it brings the system checks and a few commands."""

from django.apps import AppConfig


class ConfigConfig(AppConfig):
    name = "config"
    verbose_name = "Configuration"

    def ready(self) -> None:
        """Registers the checks."""
        from config import checks  # noqa: F401 (its import registers them)
