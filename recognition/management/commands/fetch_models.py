"""`manage.py fetch_models`: download YuNet and OpenCV's SSD, the detectors that no package contains."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from recognition import fetching
from recognition.engine.errors import EngineError
from recognition.engine.networks.model_files import FETCHED


class Command(BaseCommand):
    """`manage.py fetch_models`; with `--from FOLDER` from a folder instead of the network."""

    help = (
        "Downloads the face detectors YuNet and SSD from their publishers into FACE_MODELS_DIR and checks their size "
        "and SHA-256. Files that are there already are kept; an interrupted download continues where it stopped."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--from", dest="source", type=Path, help="take the files from this folder, not the network"
        )

    def handle(self, **options: Any) -> None:
        """Fetch every file and print its result. Raises CommandError at the end if one is missing."""
        folder, source, failed = Path(settings.FACE_MODELS_DIR), options["source"], []
        for model in FETCHED:
            try:
                fetched = fetching.copy(model, source, folder) if source else fetching.fetch(model, folder)
            except EngineError as error:
                failed.append(error.message)
                continue
            result = "fetched" if fetched else "already there"
            self.stdout.write(f"{model.name} ({model.licence}, {model.size} bytes): {result}, checked")
        if failed:
            raise CommandError("\n".join(failed))
