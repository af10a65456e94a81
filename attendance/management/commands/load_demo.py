"""`manage.py load_demo DIR`: load a demonstration school from a folder of photographs."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from attendance import demonstration
from attendance.core.errors import Refused


class Command(BaseCommand):
    help = "Loads a demonstration school from a folder with one sub-folder of photographs per person."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("folder", type=Path, help="one sub-folder per person, with photographs in it")

    def handle(self, *_args: Any, **options: Any) -> None:
        now = timezone.now()
        try:
            self._load(demonstration.people(options["folder"]))
            session = demonstration.session_today(now=now)
        except Refused as refusal:
            raise CommandError(refusal.message) from None
        staff = demonstration.staff(now=now)
        local = timezone.localtime(session.starts_at)
        self.stdout.write(f"Class {demonstration.CLASS_NAME}, session today at {local:%H:%M}.")
        self.stdout.write(f"Teacher: {staff.username}")
        self.stdout.write(
            f"Password: {staff.password}"
            if staff.password
            else f"Password: the teacher's own; `manage.py changepassword {staff.username}` sets another"
        )

    def _load(self, folders: list[Path]) -> None:
        accepted = 0
        for line in demonstration.load(folders, now=timezone.now()):
            if line.reason:
                self.stdout.write(f"  {line.person}, {line.file}: {line.reason}")
            accepted += not line.reason
        self.stdout.write(f"{len(folders)} students, {accepted} photographs.")
