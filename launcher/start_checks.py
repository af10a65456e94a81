"""Checks before anything is started. Each raises LaunchError with one sentence that says what to do."""

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
from launcher.processes import LaunchError


def lock_folder(var: Path, address: str) -> int:
    """Lock a `var` folder until this process ends, and return the lock's descriptor.

    `address` is where this launcher will serve; it is shown to a second launcher that finds the folder locked. Child
    processes do not inherit the descriptor.
    """
    try:
        var.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(var / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    except PermissionError as error:
        sentence = (
            f"the data folder {var} belongs to another user ({error.strerror}): "
            "set VAR_DIR to another folder, or use a clone of your own"
        )
        raise LaunchError(sentence) from None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        sentence = (
            f"the data folder {var} is in use by {describe_lock_owner(var)}: "
            "stop that one, or set VAR_DIR to another folder"
        )
        raise LaunchError(sentence) from None
    owner = {"pid": os.getpid(), "user": user_name(), "since": time.strftime("%H:%M"), "address": address}
    os.ftruncate(descriptor, 0)
    os.write(descriptor, json.dumps(owner).encode())
    return descriptor


def describe_lock_owner(var: Path) -> str:
    """Return process number, user, address and start time of the launcher that has locked the folder."""
    try:
        owner = json.loads((var / "lock").read_text(encoding="utf-8"))
        return f"process {owner['pid']} of {owner['user']}, which has served {owner['address']} since {owner['since']}"
    except (OSError, ValueError, KeyError):
        return "another `make run` that is just starting"


def user_name() -> str:
    """Return the name of this user, or its number if it has no name."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(os.geteuid())


def check_encryption(host: str, *, https: bool, proxies: Sequence[str]) -> None:
    """Raise if passwords and faces would be sent over the network without encryption."""
    if https or proxies or is_loopback(host):
        return
    sentence = (
        f"HOST={host} would send passwords and faces over the network without encryption, and browsers allow no "
        "camera on plain http. Add HTTPS=1 (Rollcall makes the certificate), or use a TLS proxy and name it in "
        "TRUSTED_PROXIES"
    )
    raise LaunchError(sentence)


def check_port(host: str, port: int) -> None:
    """Raise if another program listens at the port, or if this user may not."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_STREAM) as test_socket:
            test_socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            test_socket.bind((host, port))
            test_socket.listen(1)
    except PermissionError:
        sentence = f"port {port} is only for root; choose one above 1023, for example PORT=8000"
    except OSError as error:
        sentence = (
            f"port {port} at {host} cannot be used ({error.strerror}); "
            f"choose another, for example PORT={port + 1}"
        )
    else:
        return
    raise LaunchError(sentence)
