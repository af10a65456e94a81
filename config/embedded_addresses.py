"""The addresses of the embedded PostgreSQL and Valkey of one `var` folder. Starts nothing."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from urllib.parse import quote

from config.secret_files import read_secret, write_private

FILE_NAME = "servers.json"
VALKEY_SOCKET = "valkey.sock"


@dataclass(frozen=True, slots=True, eq=False)
class EmbeddedAddresses:
    """`sockets` is the folder of the servers' Unix sockets."""

    database_url: str
    redis_url: str
    sockets: str

    @classmethod
    def load(cls, var: Path) -> EmbeddedAddresses:
        """Return the addresses that the launcher saved for the running servers, else those that it would try first."""
        try:
            saved = json.loads((var / FILE_NAME).read_text(encoding="utf-8"))
            return cls(**saved)
        except (FileNotFoundError, PermissionError, ValueError, TypeError):
            return cls.for_sockets(var / "run", read_secret(var / "secrets", "database_password"))

    @classmethod
    def for_sockets(cls, sockets: Path, password: str) -> EmbeddedAddresses:
        """Return the addresses of servers whose sockets are in a folder; `password` is the database role's."""
        folder = quote(str(sockets))
        return cls(
            database_url=f"postgresql://rollcall:{quote(password)}@/rollcall?host={folder}",
            redis_url=f"unix://{folder}/{VALKEY_SOCKET}",
            sockets=str(sockets),
        )

    def save(self, var: Path) -> None:
        """Write the addresses, which include a password, to a file of mode 0600 where the settings find them."""
        write_private(var / FILE_NAME, json.dumps(asdict(self)).encode())
