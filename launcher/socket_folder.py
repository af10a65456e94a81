"""The folder of the embedded servers' sockets: entered by this user only, with a path that is short enough."""

from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path

from config.embedded_addresses import EmbeddedAddresses
from launcher.postgresql import SOCKET_NAME
from launcher.processes import LaunchError

# Bytes. The kernel allows 107 in the address of a socket; PostgreSQL's lock file beside it has a longer name.
LONGEST_PATH = 90


def find_socket_folder(var: Path) -> Path:
    """Return a private folder for sockets, made if necessary.

    It is `var/run`; if that path is too long the folder of the last start, then one under `/run/user`, then a new
    temporary one. Raises LaunchError if all are too long.
    """
    user_folder = Path(f"/run/user/{os.geteuid()}")
    candidates = [var / "run", Path(EmbeddedAddresses.load(var).sockets)]
    if user_folder.is_dir() and is_private(user_folder):
        digest = hashlib.sha256(os.fsencode(var.resolve())).hexdigest()[:12]
        candidates.append(user_folder / f"rollcall-{digest}")
    for folder in candidates:
        if is_short_enough(folder) and make_private(folder):
            return folder
    for parent in (tempfile.gettempdir(), "/var/tmp"):  # noqa: S108 (mkdtemp makes a private folder in it)
        folder = Path(tempfile.mkdtemp(prefix="rollcall-", dir=parent))
        if is_short_enough(folder) and is_private(folder):
            return folder
        folder.rmdir()
    sentence = f"the path of {var} is too long for sockets, and so is {parent}: set TMPDIR to a short path"
    raise LaunchError(sentence)


def is_short_enough(folder: Path) -> bool:
    return len(os.fsencode(folder / SOCKET_NAME)) < LONGEST_PATH


def make_private(folder: Path) -> bool:
    """Make the folder if necessary; return whether it can be used by this user only."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError:
        return False
    return is_private(folder)


def is_private(folder: Path) -> bool:
    """Return whether a folder, itself not a link, belongs to this user and cannot be entered by others."""
    status = folder.lstat()
    return (
        folder.is_dir()
        and not folder.is_symlink()
        and status.st_uid == os.geteuid()
        and not status.st_mode & 0o077
    )
