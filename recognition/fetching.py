"""Gets the model files that no package carries from their publishers: checked, resumed, never half there."""

import http.client
import shutil
import urllib.error
import urllib.request
from hashlib import sha256
from http import HTTPStatus
from pathlib import Path

from recognition.engine.errors import EngineError, ModelDamaged
from recognition.engine.networks.model_files import ModelFile

_CHUNK = 1 << 16
_TIMEOUT = 30


class CannotFetch(EngineError):
    """The publisher could not be reached, or did not send the file."""

    default_code = "cannot_fetch"


def intact(path: Path, model: ModelFile) -> bool:
    """Whether `path` is the published file: its size, then its SHA-256."""
    return path.is_file() and path.stat().st_size == model.size and _digest(path) == model.sha256


def fetch(model: ModelFile, folder: Path) -> bool:
    """Have `model` in `folder`; False where it already was.

    What was loaded before a break is kept beside it (`.part`) and continued. Raises CannotFetch, and
    ModelDamaged where what came is not the published file (nothing is kept of that).
    """
    target, part = folder / model.name, folder / (model.name + ".part")
    if intact(target, model):
        return False
    folder.mkdir(parents=True, exist_ok=True)
    if not intact(part, model):
        _load(model, part)
    _admit(part, model)
    part.replace(target)
    return True


def copy(model: ModelFile, source: Path, folder: Path) -> bool:
    """`fetch` from a folder instead of the network: for machines that have none."""
    target, part = folder / model.name, folder / (model.name + ".part")
    if intact(target, model):
        return False
    if not (source / model.name).is_file():
        msg = f"{model.name} is not in {source}: put it there first (it comes from {model.address})"
        raise CannotFetch(msg)
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source / model.name, part)
    _admit(part, model)
    part.replace(target)
    return True


def _admit(part: Path, model: ModelFile) -> None:
    if intact(part, model):
        return
    found = f"{part.stat().st_size} bytes, SHA-256 {_digest(part)[:12]}…"
    part.unlink()
    msg = (
        f"{model.name} is not the published file ({found}; expected {model.size} bytes, "
        f"SHA-256 {model.sha256[:12]}…). Run the command again, or put the file into FACE_MODELS_DIR yourself."
    )
    raise ModelDamaged(msg, extra={"file": model.name})


def _load(model: ModelFile, part: Path) -> None:
    """Append to `part` what it lacks, at most the published size and one chunk."""
    have = part.stat().st_size if part.exists() else 0
    if have >= model.size:
        part.unlink()
        have = 0
    headers = {"Range": f"bytes={have}-"} if have else {}
    request = urllib.request.Request(model.address, headers=headers)  # noqa: S310 - our own constants, all https
    try:
        with urllib.request.urlopen(request, timeout=_TIMEOUT) as answer:  # noqa: S310 - as above
            continues = answer.status == HTTPStatus.PARTIAL_CONTENT
            with part.open("ab" if continues else "wb") as file:
                while file.tell() <= model.size and (chunk := answer.read(_CHUNK)):
                    file.write(chunk)
    except (OSError, http.client.HTTPException) as error:
        msg = (
            f"{model.name} cannot be loaded from {model.address}: {error}. Run the command again to go on, or put "
            "the file into FACE_MODELS_DIR."
        )
        raise CannotFetch(msg, extra={"file": model.name}) from error
    if part.stat().st_size < model.size:
        size = part.stat().st_size
        msg = f"{model.name} broke off after {size} of {model.size} bytes: run the command again to go on"
        raise CannotFetch(msg, extra={"file": model.name})


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        digest = sha256()
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()
