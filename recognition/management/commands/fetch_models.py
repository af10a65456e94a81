"""Get YuNet and OpenCV's SSD, the detectors that no package carries."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from recognition import fetching
from recognition.engine.errors import EngineError
from recognition.engine.networks.model_files import FETCHED


class Command(BaseCommand):
    """`manage.py fetch_models [--from FOLDER]`."""

    help = (
        "Gets the face detectors YuNet and SSD from their publishers into FACE_MODELS_DIR and checks their size and "
        "SHA-256. What is there already is left; a broken load goes on where it stopped."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """`--from`."""
        parser.add_argument(
            "--from", dest="source", type=Path, help="take the files from this folder, not the network"
        )

    def handle(self, **options: Any) -> None:
        """Fetch every file, tell about each, and fail at the end if one is missing."""
        folder, source, failed = Path(settings.FACE_MODELS_DIR), options["source"], []
        for model in FETCHED:
            try:
                got = fetching.copy(model, source, folder) if source else fetching.fetch(model, folder)
            except EngineError as error:
                failed.append(error.message)
                continue
            what = "got" if got else "was there already"
            self.stdout.write(f"{model.name} ({model.licence}, {model.size} bytes): {what}, checked")
        if failed:
            raise CommandError("\n".join(failed))
