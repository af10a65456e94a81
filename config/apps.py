"""The configuration as an application: it brings the system checks and `manage.py settings_table`."""

from django.apps import AppConfig


class ConfigConfig(AppConfig):
    name = "config"
    verbose_name = "Configuration"
