"""`manage.py messages`: update the message catalogues from the sources; `--compile` only writes the `.mo` files."""

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from attendance.web import catalogues


class Command(BaseCommand):
    help = "Update locale/*.po from the sources, list texts without translation, and compile."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--compile", action="store_true", help="only write the .mo files")

    def handle(self, **options: Any) -> None:
        root = settings.BASE_DIR
        for language in catalogues.languages(root) if not options["compile"] else ():
            for domain in catalogues.DOMAINS:
                catalogues.update(root, language, domain)
                for text in catalogues.lacking(root, language, domain):
                    self.stdout.write(f"{language} {domain} lacks: {text!r}")
        written = catalogues.compile_all(root)
        if options["verbosity"]:
            self.stdout.write(f"{len(written)} catalogues compiled")
