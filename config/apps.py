"""The configuration as a Django application: its system checks and management commands."""

from django.apps import AppConfig


class ConfigConfig(AppConfig):
    name = "config"
    verbose_name = "Configuration"

    def ready(self) -> None:
        """Import the system checks, which registers them."""
        from config import checks  # noqa: F401
