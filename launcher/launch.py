"""`make run`: the whole of Rollcall on one machine, from one command, until Ctrl-C.

The launcher starts what the settings do not name elsewhere (PostgreSQL, Valkey), prepares the database while the web
process loads its engine, opens the door, and stops everything in order: intake, worker, beat, Valkey, PostgreSQL. It
runs one thread, so that the kernel ends its children when it dies in whatever way.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

from django.core.exceptions import ImproperlyConfigured

from config import paths
from config.addresses import host_of, is_loopback
from launcher import certificates, embedded, probe, start_checks
from launcher.processes import Child, ServerFailedError, spawn

TLS_PORT_OFFSET = 443
"""PORT=8000 explains, 8443 serves."""

EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 (compared, not bound)
"""Addresses that mean all of this machine's, each with the one to ask ourselves at."""

READY_SECONDS = 60.0
POOLED_PROCESSES = 3

WEB_STOP = ((signal.SIGTERM, 3.5), (signal.SIGKILL, 0.5))
# The job that the worker is in the middle of goes on from its row: it need not be waited for.
WORKER_STOP = ((signal.SIGTERM, 1.0), (signal.SIGQUIT, 0.5), (signal.SIGKILL, 0.5))
BEAT_STOP = ((signal.SIGTERM, 0.5), (signal.SIGKILL, 0.5))


@dataclass(frozen=True, slots=True, eq=False)
class Wish:
    """What the person asked for on the command line."""

    host: str
    port: int
    https: bool
    demo: str

    @classmethod
    def read(cls, given: list[str] | None = None) -> Wish:
        """From `make run`'s variables; an empty one is not given."""
        parser = argparse.ArgumentParser(prog="make run", description="Starts Rollcall. Ctrl-C ends it.")
        parser.add_argument("--host", default="", help="address to listen at (127.0.0.1)")
        parser.add_argument("--port", default="", help="port (8000)")
        parser.add_argument("--https", default="", help="1: serve TLS with a certificate made here")
        parser.add_argument("--demo", default="", help="folder with one sub-folder of photographs per person")
        options = parser.parse_args(given)
        if (
            not (options.port or "8000").isdigit()
            or not 0 < int(options.port or 8000) < 65536 - TLS_PORT_OFFSET
        ):
            sentence = f"PORT={options.port} is no port; write a number, for example PORT=8001"
            raise ServerFailedError(sentence)
        return cls(
            host=options.host or "127.0.0.1",
            port=int(options.port or 8000),
            https=options.https.lower() in ("1", "true", "yes", "on"),
            demo=options.demo,
        )

    @property
    def tls_port(self) -> int:
        return self.port + TLS_PORT_OFFSET

    def origins(self) -> list[str]:
        """The addresses under which browsers will find us, the best to print first."""
        scheme, port = ("https", self.tls_port) if self.https else ("http", self.port)
        names = [self.host, "localhost"] if is_loopback(self.host) else [self.host]
        if self.host in EVERYWHERE:
            # An address works everywhere, a name only where something resolves it.
            names = sorted(
                certificates.local_names(), key=lambda name: (is_loopback(name), not name[0].isdigit())
            )
        shown = (f"[{name}]" if ":" in name else name for name in dict.fromkeys(names))
        return [f"{scheme}://{name}:{port}" for name in shown]


@dataclass(slots=True, eq=False)
class Launcher:
    """The running parts, and the order in which they end: the last started first, but intake before all."""

    wish: Wish
    var: Path
    servers: list[Child] = field(default_factory=list)
    workers: list[Child] = field(default_factory=list)
    environment: dict[str, str] = field(default_factory=lambda: dict(os.environ))

    def run(self) -> None:
        """Starts everything, prints where it is, and waits until somebody or something ends it."""
        from config import settings

        began = time.monotonic()
        self.guard(settings.TRUSTED_PROXIES, named=settings.env.given("PUBLIC_URL"))
        for warning in settings.SETTINGS_WARNINGS:
            say(f"warning: {warning}")
        paths.make_secrets(settings.SECRETS_DIR)
        try:
            pool = settings.DB_POOL_SIZE + settings.DB_MAX_OVERFLOW
            self.start_servers(database=settings.EMBEDDED_DATABASE, cache=settings.EMBEDDED_REDIS, pool=pool)
            self.address_book(settings.env.given)
            origins = settings.PUBLIC_URL if settings.env.given("PUBLIC_URL") else self.wish.origins()
            self.warm(origins)
            first = self.prepare()
            self.check_children()
            self.demonstrate()
            self.open(origins)
            self.banner(first, time.monotonic() - began)
            self.watch()
        finally:
            self.stop()

    def guard(self, proxies: tuple[str, ...], *, named: bool) -> None:
        """Refuses what cannot go well, before anything is started; `named`: PUBLIC_URL is given."""
        start_checks.refuse_open_plain(self.wish.host, https=self.wish.https, proxies=proxies)
        if proxies and not named:
            raise ServerFailedError("behind a proxy PUBLIC_URL must say which address people type")
        if self.wish.demo and not Path(self.wish.demo).is_dir():
            sentence = f"DEMO={self.wish.demo} is no folder; name one with a sub-folder per person"
            raise ServerFailedError(sentence)
        start_checks.hold(self.var, self.wish.origins()[0])
        for port in (self.wish.port, self.wish.tls_port)[: 1 + self.wish.https]:
            start_checks.refuse_taken_port(self.wish.host, port)

    def start_servers(self, *, database: bool, cache: bool, pool: int) -> None:
        """PostgreSQL and Valkey, each where no address is given for it; `pool` is the most that one process opens."""
        room = POOLED_PROCESSES * pool + 20
        place = embedded.Place(self.var, embedded.sockets_folder(self.var), max_connections=max(room, 100))
        password = paths.read_secret(place.secrets, "database_password")
        paths.Addresses.in_folder(place.sockets, password).note(self.var)
        for wanted, name, start in (
            (cache, "Valkey", embedded.start_valkey),
            (database, "PostgreSQL", embedded.start_postgres),
        ):
            if wanted:
                say(f"{name} ...")
                self.servers.append(start(place))

    def address_book(self, given: Callable[[str], bool]) -> None:
        """Tells the children under which addresses they are reached, unless the person has said so."""
        self.environment["PYTHONUNBUFFERED"] = "1"
        if given("PUBLIC_URL"):
            return
        self.environment["PUBLIC_URL"] = " ".join(self.wish.origins())
        # A public address asks for given keys; these are the kept ones of this installation.
        for name in ("SECRET_KEY", "FACE_DATA_KEYS"):
            if not given(name):
                self.environment[f"{name}_FILE"] = str(self.var / "secrets" / name.lower())

    def warm(self, origins: tuple[str, ...] | list[str]) -> None:
        """The web process: it loads the engine while the database is prepared, and waits for a word to open."""
        web = [sys.executable, "-m", "launcher.server", "--wait"]
        web += ["--host", self.wish.host, "--port", str(self.wish.port)]
        if self.wish.https:
            folder = self.var / "tls"
            certificates.prepare(folder, list(dict.fromkeys(host_of(url).strip("[]") for url in origins)))
            web += ["--tls-port", str(self.wish.tls_port), "--tls-folder", str(folder)]
        self.spawn("web", web, WEB_STOP, stdin=subprocess.PIPE)

    def prepare(self) -> dict[str, str]:
        """Tables, static files, the first administrator; what `manage.py prepare` reports."""
        say("database and pages ...")
        done = subprocess.run(
            [sys.executable, "manage.py", "prepare"],
            env=self.environment,
            stdout=subprocess.PIPE,
            check=False,
            text=True,
        )
        if done.returncode:
            raise ServerFailedError("the database could not be prepared; the lines above say why")
        report: dict[str, str] = json.loads(done.stdout.splitlines()[-1])
        return report

    def demonstrate(self) -> None:
        """Loads the demonstration school; the command prints what it did and the teacher's password."""
        if not self.wish.demo:
            return
        say("demonstration school ...")
        command = [sys.executable, "manage.py", "load_demo", self.wish.demo]
        if subprocess.run(command, env=self.environment, check=False).returncode:  # noqa: S603 (our own command)
            raise ServerFailedError("the demonstration school could not be loaded; the lines above say why")

    def open(self, origins: tuple[str, ...] | list[str]) -> None:
        """The door, worker and beat; returns when the door is open and everything behind it answers."""
        say("engine and pages ...")
        waits = self.workers[0].process.stdin
        assert waits is not None
        # A web process that has ended meanwhile is noticed below, with its last words.
        with suppress(BrokenPipeError), waits:
            waits.write(b"open\n")
        celery = [sys.executable, "-m", "celery", "--app", "config.celery"]
        worker = [
            *celery,
            "worker",
            "--pool=threads",
            "--concurrency=2",
            "--loglevel=INFO",
            "--without-gossip",
        ]
        beat = [*celery, "beat", "--loglevel=INFO", "--pidfile="]
        self.await_ready(origins[0])
        self.spawn("worker", worker, WORKER_STOP, niceness=10)
        self.spawn("beat", beat, BEAT_STOP, niceness=10)

    def spawn(
        self,
        name: str,
        command: list[str],
        signals: tuple[tuple[signal.Signals, float], ...],
        *,
        niceness: int = 0,
        stdin: int = subprocess.DEVNULL,
    ) -> None:
        """One of our own processes, with its log under `var/log`; see `processes.spawn`."""
        log = self.var / "log" / f"{name}.log"
        child = spawn(
            name,
            command,
            log=log,
            env=self.environment,
            signals=signals,
            niceness=niceness,
            stdin=stdin,
        )
        self.workers.append(child)

    def await_ready(self, origin: str) -> None:
        """Asks the door until it says that database, cache and engine answer."""
        scheme, port = ("https", self.wish.tls_port) if self.wish.https else ("http", self.wish.port)
        host = EVERYWHERE.get(self.wish.host, self.wish.host)
        url = f"{scheme}://{f'[{host}]' if ':' in host else host}:{port}/healthz/ready"
        authority = self.var / "tls" / "ca.pem" if self.wish.https else None
        deadline = time.monotonic() + READY_SECONDS
        while probe.status(url, host=origin.partition("://")[2], authority=authority) != 200:
            self.check_children()
            if time.monotonic() > deadline:
                raise ServerFailedError("Rollcall does not get ready" + self.workers[0].last_words())
            time.sleep(0.1)

    def banner(self, first: dict[str, str], seconds: float) -> None:
        """Where it is, and who may come in first."""
        origins = self.environment["PUBLIC_URL"].split()
        say(f"ready in {seconds:.1f} s at {'  '.join(origins[:4])}")
        if self.wish.https:
            digest = certificates.fingerprint((self.var / "tls" / "ca.pem").read_bytes())
            say(
                f"devices first open http://{host_of(origins[0])}:{self.wish.port}, which explains the certificate"
            )
            say(f"its fingerprint (SHA-256) is {digest}")
        if first["administrator"]:
            say(f"administrator: {first['administrator']}   one-time password: {first['password']}")
        say(f"logs are in {self.var / 'log'}; Ctrl-C ends everything")

    def watch(self) -> None:
        """Waits for a signal, or for a child to end that should not have."""
        while True:
            self.check_children()
            time.sleep(0.3)

    def check_children(self) -> None:
        """Raises where a part has ended by itself."""
        for child in (*self.servers, *self.workers):
            if not child.running:
                sentence = (
                    f"{child.name} ended by itself (status {child.process.returncode}); all else stops too"
                )
                raise ServerFailedError(sentence + child.last_words())

    def stop(self) -> None:
        """Ends intake, worker, beat, Valkey, PostgreSQL, in this order, and waits for each."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        if self.workers or self.servers:
            say("stopping ...")
        for child in (*self.workers, *self.servers):
            child.stop()


def say(sentence: str) -> None:
    """A line for the person at the terminal."""
    print(f"rollcall: {sentence}", flush=True)


def interrupted(_number: int, _frame: FrameType | None) -> None:
    """Ctrl-C, SIGTERM and a closed terminal all end the launcher in order."""
    raise KeyboardInterrupt


def main() -> None:
    """Runs until it is ended. Faults of start are a sentence and status 1 (settings: 2), never a traceback."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    # SIGINT too: a shell starts what runs in its background with SIGINT ignored.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, interrupted)
    try:
        from config import settings

        Launcher(Wish.read(), settings.VAR_DIR).run()
    except KeyboardInterrupt:
        say("ended")
    except ServerFailedError as why:
        say(str(why))
        sys.exit(1)
    except ImproperlyConfigured as why:
        say(str(why))
        sys.exit(2)


if __name__ == "__main__":
    main()
