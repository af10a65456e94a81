"""`manage.py engine_info`: show on what the engine runs here, in which precision and why, and what is missing."""

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from recognition.engine import Engine, EngineError
from recognition.engine.detectors.ssd import cuda_devices
from recognition.engine.networks.model_files import (
    CENTERFACE_FILE,
    ENCODER_FILE,
    FETCHED,
    FIVE_POINTS_FILE,
    MMOD_FILE,
    present,
)


class Command(BaseCommand):
    """`manage.py engine_info`, with `--json` for programs."""

    help = "Shows what the face engine runs on, in which precision and why, and what is not available."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="one JSON object instead of lines")

    def handle(self, **options: Any) -> None:
        """Load an engine as the settings say, and print its description."""
        models = Path(settings.FACE_MODELS_DIR)
        try:
            with Engine.load(
                detector=settings.FACE_DETECTION_MODEL,
                precision=settings.FACE_PRECISION,
                device=settings.FACE_DEVICE,
                workers=settings.FACE_RECOGNITION_WORKERS,
                scale=settings.FACE_DETECTION_SCALE,
                models_dir=models,
            ) as engine:
                info = engine.info()
        except EngineError as error:
            msg = f"{error.code}: {error.message}"
            raise CommandError(msg) from error
        files = (ENCODER_FILE, FIVE_POINTS_FILE, MMOD_FILE, CENTERFACE_FILE, *FETCHED)
        info["files"] = {model.name: present(model, models) for model in files}
        info["opencv_cuda_devices"] = cuda_devices()
        if options["json"]:
            self.stdout.write(json.dumps(info))
        else:
            self._print(info)

    def _print(self, info: dict[str, Any]) -> None:
        reasons, files = info.pop("reasons"), info.pop("files")
        for name, value in info.items():
            self.stdout.write(f"{name.replace('_', ' ')}: {value}")
        self.stdout.write("why:")
        for reason in reasons:
            self.stdout.write(f"  {reason}")
        self.stdout.write("model files:")
        for name, is_present in files.items():
            status = (
                "present" if is_present else "missing (manage.py fetch_models, or the folder FACE_MODELS_DIR)"
            )
            self.stdout.write(f"  {name}: {status}")
