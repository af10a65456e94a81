"""The secrets of an installation with an embedded database: files in `VAR_DIR/secrets`."""

from __future__ import annotations

import base64
import os
import secrets
from pathlib import Path

SECRET_NAMES = ("secret_key", "face_data_keys", "database_password", "database_owner_password")


def read_secret(folder: Path, name: str) -> str:
    """Return a secret, or an empty string if it does not exist or this user may not read it."""
    try:
        return (folder / name).read_text(encoding="ascii").strip()
    except (FileNotFoundError, PermissionError):
        return ""


def make_secrets(folder: Path) -> None:
    """Write the secrets that do not exist yet: 32 random bytes each, in base64, readable by this user only."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for name in SECRET_NAMES:
        if not (folder / name).exists():
            write_private(folder / name, base64.urlsafe_b64encode(secrets.token_bytes(32)))


def write_private(path: Path, content: bytes) -> None:
    """Write a file with mode 0600, completely or not at all: with half a key the school's data could not be read."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    temporary.rename(path)
