#!/usr/bin/env python
"""Run a management command; `python manage.py help` lists them."""

import os
import sys

from django.core.exceptions import ImproperlyConfigured


def main() -> None:
    """Run one command. Wrong settings end it with a list of errors, not with a traceback."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    from django.conf import settings
    from django.core.management import execute_from_command_line

    try:
        settings.INSTALLED_APPS  # noqa: B018 (loads the settings, so that an error in them is reported here)
    except ImproperlyConfigured as error:
        sys.exit(str(error))
    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
