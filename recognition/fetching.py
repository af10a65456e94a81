"""Download model files that no package contains: resumed after a break, checked, and stored only when complete."""

import http.client
import shutil
import urllib.error
import urllib.request
from hashlib import sha256
from http import HTTPStatus
from pathlib import Path

from recognition.engine.errors import EngineError, ModelDamaged
from recognition.engine.networks.model_files import ModelFile

_CHUNK_BYTES = 1 << 16
_TIMEOUT_SECONDS = 30


class CannotFetch(EngineError):
    """The publisher cannot be reached, or does not send the file."""

    default_code = "cannot_fetch"


def intact(path: Path, model: ModelFile) -> bool:
    """Return whether `path` is the published file, by size and SHA-256."""
    return path.is_file() and path.stat().st_size == model.size and _digest(path) == model.sha256


def fetch(model: ModelFile, folder: Path) -> bool:
    """Download `model` into `folder`. Return False if it is there already.

    An incomplete download is kept beside it (`.part`) and continued. Raises CannotFetch, and ModelDamaged where the
    download is not the published file; it is then deleted.
    """
    target, part = folder / model.name, folder / (model.name + ".part")
    if intact(target, model):
        return False
    folder.mkdir(parents=True, exist_ok=True)
    if not intact(part, model):
        _download(model, part)
    _check(part, model)
    part.replace(target)
    return True


def copy(model: ModelFile, source: Path, folder: Path) -> bool:
    """Copy `model` from the folder `source` into `folder`, for machines without a network. Otherwise as `fetch`."""
    target, part = folder / model.name, folder / (model.name + ".part")
    if intact(target, model):
        return False
    if not (source / model.name).is_file():
        msg = f"{model.name} is not in {source}: put it there first (it comes from {model.address})"
        raise CannotFetch(msg)
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source / model.name, part)
    _check(part, model)
    part.replace(target)
    return True


def _check(part: Path, model: ModelFile) -> None:
    """Delete `part` and raise ModelDamaged unless it is the published file."""
    if intact(part, model):
        return
    received = f"{part.stat().st_size} bytes, SHA-256 {_digest(part)[:12]}…"
    part.unlink()
    msg = (
        f"{model.name} is not the published file ({received}; expected {model.size} bytes, "
        f"SHA-256 {model.sha256[:12]}…). Run the command again, or put the file into FACE_MODELS_DIR yourself."
    )
    raise ModelDamaged(msg, extra={"file": model.name})


def _download(model: ModelFile, part: Path) -> None:
    """Append the missing bytes to `part`, at most the published size and one chunk. Raises CannotFetch."""
    loaded = part.stat().st_size if part.exists() else 0
    if loaded >= model.size:
        part.unlink()
        loaded = 0
    headers = {"Range": f"bytes={loaded}-"} if loaded else {}
    request = urllib.request.Request(model.address, headers=headers)  # noqa: S310 - our own constants, all https
    try:
        with urllib.request.urlopen(request, timeout=_TIMEOUT_SECONDS) as response:  # noqa: S310 - as above
            continues = response.status == HTTPStatus.PARTIAL_CONTENT
            with part.open("ab" if continues else "wb") as file:
                while file.tell() <= model.size and (chunk := response.read(_CHUNK_BYTES)):
                    file.write(chunk)
    except (OSError, http.client.HTTPException) as error:
        msg = (
            f"{model.name} cannot be downloaded from {model.address}: {error}. Run the command again to continue, or "
            "put the file into FACE_MODELS_DIR."
        )
        raise CannotFetch(msg, extra={"file": model.name}) from error
    if part.stat().st_size < model.size:
        size = part.stat().st_size
        msg = f"{model.name} stopped after {size} of {model.size} bytes: run the command again to continue"
        raise CannotFetch(msg, extra={"file": model.name})


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        digest = sha256()
        while chunk := file.read(_CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()
