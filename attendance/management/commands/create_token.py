"""`manage.py create_token USER`: print a new API token for another system, once."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from attendance.access import tokens
from attendance.core.errors import Refused
from attendance.models import User


class Command(BaseCommand):
    help = "Prints a new API token of a user. It is shown once and cannot be read again."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("user", help="the user's login name")
        parser.add_argument(
            "--name", default="", help="which system will use it; the present time if not given"
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        user = User.objects.filter(username__iexact=options["user"]).first()
        if user is None:
            message = f"There is no user “{options['user']}”."
            raise CommandError(message)
        name = options["name"] or f"shell {timezone.localtime():%Y-%m-%d %H:%M:%S.%f}"
        try:
            _token, plain = tokens.create(user=user, name=name, actor=None)
        except Refused as refusal:
            raise CommandError(refusal.message) from None
        self.stdout.write(plain)
