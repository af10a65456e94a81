"""Where the embedded servers and the secrets of one installation lie. Starts nothing."""

from __future__ import annotations

import base64
import json
import os
import secrets
from dataclasses import asdict, dataclass
from pathlib import Path
from urllib.parse import quote

SECRET_NAMES = ("secret_key", "face_data_keys", "database_password", "database_owner_password")


def read_secret(folder: Path, name: str) -> str:
    """The secret, or nothing where none has been made yet (or this user may not read it)."""
    try:
        return (folder / name).read_text(encoding="ascii").strip()
    except (FileNotFoundError, PermissionError):
        return ""


def make_secrets(folder: Path) -> None:
    """Makes what is missing: 32 random bytes each, in a folder and files that only this user can read."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for name in SECRET_NAMES:
        if not (folder / name).exists():
            write_private(folder / name, base64.urlsafe_b64encode(secrets.token_bytes(32)))


def write_private(path: Path, content: bytes) -> None:
    """Writes a file with mode 0600, whole or not at all: a half-written key would lock the school's data."""
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    aside.rename(path)


@dataclass(frozen=True, slots=True, eq=False)
class Addresses:
    """How to reach the embedded servers of one `var` folder."""

    database_url: str
    redis_url: str
    sockets: str

    @classmethod
    def of(cls, var: Path) -> Addresses:
        """Of the servers that run, as the launcher noted them; else of the place where they would be."""
        try:
            noted = json.loads((var / "servers.json").read_text(encoding="utf-8"))
            return cls(**noted)
        except (FileNotFoundError, PermissionError, ValueError, TypeError):
            return cls.in_folder(var / "run", read_secret(var / "secrets", "database_password"))

    @classmethod
    def in_folder(cls, sockets: Path, password: str) -> Addresses:
        """Of servers whose sockets lie in a folder."""
        place = quote(str(sockets))
        return cls(
            database_url=f"postgresql://rollcall:{quote(password)}@/rollcall?host={place}",
            redis_url=f"unix://{place}/valkey.sock",
            sockets=str(sockets),
        )

    def note(self, var: Path) -> None:
        """Leaves the addresses where `manage.py` finds them while the servers run (mode 0600: a password)."""
        write_private(var / "servers.json", json.dumps(asdict(self)).encode())
