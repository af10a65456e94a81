"""What must hold before anything is started; each breach is one sentence that says what to do."""

from __future__ import annotations

import fcntl
import getpass
import json
import os
import socket
import time
from collections.abc import Sequence
from pathlib import Path

from config.addresses import is_loopback
from launcher.processes import ServerFailedError


def hold(var: Path, address: str) -> int:
    """Takes the lock on a `var` folder and returns its descriptor; it lasts as long as this process and no longer.

    Raises ServerFailedError with who holds it. Children never inherit the descriptor.
    """
    try:
        var.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(var / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    except PermissionError as why:
        sentence = f"{var} belongs to another user ({why.strerror}): use a clone of your own, or set VAR_DIR"
        raise ServerFailedError(sentence) from None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        sentence = f"{var} is in use by {holder(var)}; stop that one, or give this one a folder with VAR_DIR="
        raise ServerFailedError(sentence) from None
    note = {"pid": os.getpid(), "user": user_name(), "since": time.strftime("%H:%M"), "address": address}
    os.ftruncate(descriptor, 0)
    os.write(descriptor, json.dumps(note).encode())
    return descriptor


def holder(var: Path) -> str:
    """Who holds the lock, in words."""
    try:
        note = json.loads((var / "lock").read_text(encoding="utf-8"))
        return (
            f"process {note['pid']} of {note['user']}, which serves {note['address']} since {note['since']}"
        )
    except (OSError, ValueError, KeyError):
        return "another `make run` that is just starting"


def user_name() -> str:
    """The name of this user; its number where it has none."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(os.geteuid())


def refuse_open_plain(host: str, *, https: bool, proxies: Sequence[str]) -> None:
    """Raises where passwords and faces would travel over the network in the open."""
    if https or proxies or is_loopback(host):
        return
    sentence = (
        f"HOST={host} would send passwords and faces over the network in the open, and browsers give no camera "
        "to plain http. Add HTTPS=1 (Rollcall makes the certificate), or put a TLS proxy in front and name it "
        "in TRUSTED_PROXIES"
    )
    raise ServerFailedError(sentence)


def refuse_taken_port(host: str, port: int) -> None:
    """Raises where something else listens at the port, or where this user may not."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
            probe.listen(1)
    except PermissionError:
        sentence = f"port {port} is only for root; choose one above 1023, for example PORT=8000"
    except OSError as why:
        sentence = f"port {port} at {host} cannot be used ({why.strerror}); choose another, for example PORT={port + 1}"
    else:
        return
    raise ServerFailedError(sentence)
