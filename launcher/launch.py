"""`make run`: run all of Rollcall on one machine until Ctrl-C.

The launcher starts the servers for which the settings name no other address (PostgreSQL, Valkey), prepares the database
while the web server loads its engine, and tells the web server to accept connections. It stops everything in order: web
server, worker, timer, Valkey, PostgreSQL. It has one thread, so that the kernel ends its children when it ends for any
reason.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

from django.core.exceptions import ImproperlyConfigured

from config.addresses import host_of
from config.embedded_addresses import EmbeddedAddresses
from config.secret_files import make_secrets, read_secret
from launcher import certificates, probe, start_checks
from launcher.embedded import EmbeddedConfig
from launcher.options import Options
from launcher.postgresql import start_postgres
from launcher.processes import Child, LaunchError, spawn
from launcher.socket_folder import find_socket_folder
from launcher.valkey import start_valkey

READY_SECONDS = 60.0

# Web server, worker and one command of manage.py may each use a full pool of database connections at the same time.
# The others are for tools such as pg_dump and for PostgreSQL's superuser.
POOLED_PROCESSES = 3
OTHER_CONNECTIONS = 20

# How the processes are stopped: signals, each with the seconds to wait after it.
WEB_STOP = ((signal.SIGTERM, 3.5), (signal.SIGKILL, 0.5))
# A job that the worker has begun continues from its row at the next start, so there is no need to wait for it.
WORKER_STOP = ((signal.SIGTERM, 1.0), (signal.SIGQUIT, 0.5), (signal.SIGKILL, 0.5))
TIMER_STOP = ((signal.SIGTERM, 0.5), (signal.SIGKILL, 0.5))

CELERY = [sys.executable, "-m", "celery", "--app", "config.celery"]
WORKER = [*CELERY, "worker", "--pool=threads", "--concurrency=2", "--loglevel=INFO", "--without-gossip"]
TIMER = [*CELERY, "beat", "--loglevel=INFO", "--pidfile="]

# Django writes the reason for which a command of manage.py fails behind this word.
COMMAND_ERROR = "CommandError: "


@dataclass(slots=True, eq=False)
class Launcher:
    """The running processes. They are stopped in this order: `processes`, then `servers`, the first started first."""

    options: Options
    var: Path
    servers: list[Child] = field(default_factory=list)
    processes: list[Child] = field(default_factory=list)
    environment: dict[str, str] = field(default_factory=lambda: dict(os.environ))

    def run(self) -> None:
        """Start everything, print the address, and wait until a signal arrives or a process ends.

        Raises LaunchError if something cannot start or ends by itself; everything is stopped before that.
        """
        from config import settings

        started_at = time.monotonic()
        has_public_url = settings.env.is_given("PUBLIC_URL")
        self.check_start(settings.TRUSTED_PROXIES, has_public_url=has_public_url)
        for warning in settings.SETTINGS_WARNINGS:
            print_line(f"warning: {warning}")
        make_secrets(settings.SECRETS_DIR)
        try:
            pool = settings.DB_POOL_SIZE + settings.DB_MAX_OVERFLOW
            self.start_servers(database=settings.EMBEDDED_DATABASE, cache=settings.EMBEDDED_REDIS, pool=pool)
            self.set_environment(settings.env.is_given)
            origins = settings.PUBLIC_URL if has_public_url else self.options.origins()
            self.start_web_server(origins)
            administrator = self.prepare()
            self.check_children()
            self.load_demonstration()
            self.accept_connections(origins)
            self.print_summary(administrator, time.monotonic() - started_at)
            self.wait()
        finally:
            self.stop()

    def check_start(self, proxies: tuple[str, ...], *, has_public_url: bool) -> None:
        """Raise LaunchError for options that cannot work, before anything is started. Locks the data folder."""
        options = self.options
        start_checks.check_encryption(options.host, https=options.https, proxies=proxies)
        if proxies and not has_public_url:
            raise LaunchError("TRUSTED_PROXIES is set: set PUBLIC_URL too, to the address that people type")
        if options.demo and not Path(options.demo).is_dir():
            sentence = f"DEMO={options.demo} is not a folder; name one with a sub-folder per person"
            raise LaunchError(sentence)
        start_checks.lock_folder(self.var, options.origins()[0])
        for port in (options.port, options.tls_port) if options.https else (options.port,):
            start_checks.check_port(options.host, port)

    def start_servers(self, *, database: bool, cache: bool, pool: int) -> None:
        """Start PostgreSQL (`database`) and Valkey (`cache`) if wanted.

        `pool` is the largest number of connections that one process opens.
        """
        connections = max(POOLED_PROCESSES * pool + OTHER_CONNECTIONS, 100)
        config = EmbeddedConfig(self.var, find_socket_folder(self.var), max_connections=connections)
        password = read_secret(config.secrets, "database_password")
        EmbeddedAddresses.for_sockets(config.sockets, password).save(self.var)
        if cache:
            print_line("starting Valkey ...")
            self.servers.append(start_valkey(config))
        if database:
            print_line("starting PostgreSQL ...")
            self.servers.append(start_postgres(config))

    def set_environment(self, is_given: Callable[[str], bool]) -> None:
        """Set PUBLIC_URL for the processes unless it is given, and the files of the keys that it then needs."""
        self.environment["PYTHONUNBUFFERED"] = "1"
        if is_given("PUBLIC_URL"):
            return
        self.environment["PUBLIC_URL"] = " ".join(self.options.origins())
        # With a public address the settings need keys; these are the keys of this installation.
        for name in ("SECRET_KEY", "FACE_DATA_KEYS"):
            if not is_given(name):
                self.environment[f"{name}_FILE"] = str(self.var / "secrets" / name.lower())

    def start_web_server(self, origins: Sequence[str]) -> None:
        """Start the web server. It loads its engine and waits for a line before it accepts connections."""
        command = [sys.executable, "-m", "launcher.server", "--wait"]
        command += ["--host", self.options.host, "--port", str(self.options.port)]
        if self.options.https:
            folder = self.var / "tls"
            names = list(dict.fromkeys(host_of(origin).strip("[]") for origin in origins))
            certificates.write_certificates(folder, names)
            command += ["--tls-port", str(self.options.tls_port), "--tls-folder", str(folder)]
        self.start_process("web", command, WEB_STOP, stdin=subprocess.PIPE)

    def start_process(
        self,
        name: str,
        command: list[str],
        stop_signals: tuple[tuple[signal.Signals, float], ...],
        *,
        niceness: int = 0,
        stdin: int = subprocess.DEVNULL,
    ) -> None:
        """Start one of Rollcall's processes, with its log in `var/log`; see `processes.spawn`."""
        child = spawn(
            name,
            command,
            log=self.var / "log" / f"{name}.log",
            env=self.environment,
            stop_signals=stop_signals,
            niceness=niceness,
            stdin=stdin,
        )
        self.processes.append(child)

    def prepare(self) -> dict[str, str]:
        """Run `manage.py prepare`; return `administrator` and `password`, both empty but at the first start."""
        print_line("preparing database and static files ...")
        output = self.run_command(
            "prepare", output=subprocess.PIPE, failure="the database could not be prepared"
        )
        administrator: dict[str, str] = json.loads(output.splitlines()[-1])
        return administrator

    def load_demonstration(self) -> None:
        """Load the demonstration school if it is asked for; the command prints the teacher's name and password."""
        if self.options.demo:
            print_line("loading the demonstration school ...")
            failure = "the demonstration school could not be loaded"
            self.run_command("load_demo", self.options.demo, failure=failure)

    def run_command(self, *arguments: str, failure: str, output: int | None = None) -> str:
        """Run a command of manage.py; print what it writes to standard error as it arrives.

        Its standard output goes to the terminal or, with `output=PIPE`, is returned; that may be 64 KB at most. Raises
        LaunchError with the command's reason or, if it gives none, with `failure`.
        """
        reason = f"{failure}; see the messages above"
        with subprocess.Popen(  # noqa: S603 (our own command)
            [sys.executable, "manage.py", *arguments],
            env=self.environment,
            stdout=output,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            errors="replace",
        ) as process:
            assert process.stderr is not None
            try:
                for line in process.stderr:
                    if line.startswith(COMMAND_ERROR):
                        reason = line.removeprefix(COMMAND_ERROR).strip()
                    else:
                        print(line, end="", file=sys.stderr, flush=True)
                text = process.stdout.read() if process.stdout else ""
            except BaseException:
                process.kill()
                raise
        if process.returncode:
            raise LaunchError(reason)
        return text

    def accept_connections(self, origins: Sequence[str]) -> None:
        """Tell the web server to accept connections; when it is ready, start worker and timer."""
        print_line("starting web server and worker ...")
        start_signal = self.processes[0].process.stdin
        assert start_signal is not None
        # If the web server has ended, `wait_until_ready` notices it and shows the end of its log.
        with suppress(BrokenPipeError), start_signal:
            start_signal.write(b"accept connections\n")
        self.wait_until_ready(origins[0])
        self.start_process("worker", WORKER, WORKER_STOP, niceness=10)
        self.start_process("beat", TIMER, TIMER_STOP, niceness=10)

    def wait_until_ready(self, origin: str) -> None:
        """Ask the web server until it answers that database and engine work."""
        url, host = self.options.health_url(), origin.partition("://")[2]
        authority = self.var / "tls" / "ca.pem" if self.options.https else None
        deadline = time.monotonic() + READY_SECONDS
        while probe.request_status(url, host=host, authority=authority) != 200:
            self.check_children()
            if time.monotonic() > deadline:
                sentence = f"the web server is not ready after {READY_SECONDS:.0f} s; the end of its log:"
                raise LaunchError(sentence + self.processes[0].log_tail())
            time.sleep(0.1)

    def print_summary(self, administrator: dict[str, str], seconds: float) -> None:
        """Print the addresses and, at the first start, the administrator's name and one-time password."""
        origins = self.environment["PUBLIC_URL"].split()
        print_line(f"ready in {seconds:.1f} s at {'  '.join(origins[:4])}")
        if self.options.https:
            fingerprint = certificates.fingerprint((self.var / "tls" / "ca.pem").read_bytes())
            explanation = f"http://{host_of(origins[0])}:{self.options.port}"
            print_line(f"on other devices open {explanation} first: it explains how to trust the certificate")
            print_line(f"the certificate's fingerprint (SHA-256) is {fingerprint}")
        if administrator["administrator"]:
            name, password = administrator["administrator"], administrator["password"]
            print_line(f"administrator: {name}   one-time password: {password}")
        print_line(f"logs are in {self.var / 'log'}; press Ctrl-C to stop")

    def wait(self) -> None:
        """Wait for a signal; raise LaunchError if a process ends by itself."""
        while True:
            self.check_children()
            time.sleep(0.3)

    def check_children(self) -> None:
        """Raise LaunchError if a process has ended by itself."""
        for child in (*self.servers, *self.processes):
            if not child.running:
                sentence = f"{child.name} ended unexpectedly (status {child.process.returncode}), so Rollcall stops; "
                sentence += "the end of its log:" + child.log_tail()
                raise LaunchError(sentence)

    def stop(self) -> None:
        """Stop web server, worker, timer, Valkey and PostgreSQL, in this order, and wait for each."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        if self.processes or self.servers:
            print_line("stopping ...")
        for child in (*self.processes, *self.servers):
            child.stop()


def print_line(text: str) -> None:
    """Print a line for the person at the terminal."""
    print(f"rollcall: {text}", flush=True)


def interrupt(_number: int, _frame: FrameType | None) -> None:
    """Handle Ctrl-C, SIGTERM and a closed terminal in the same way."""
    raise KeyboardInterrupt


def main() -> None:
    """Run until stopped. If something cannot start, print why and end with status 1 (wrong settings: 2)."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    # SIGINT too, because a shell starts a background process with SIGINT ignored.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, interrupt)
    try:
        from config import settings

        Launcher(Options.parse(), settings.VAR_DIR).run()
    except KeyboardInterrupt:
        print_line("stopped")
    except LaunchError as error:
        print_line(str(error))
        sys.exit(1)
    except ImproperlyConfigured as error:
        print_line(str(error))
        sys.exit(2)


if __name__ == "__main__":
    main()
