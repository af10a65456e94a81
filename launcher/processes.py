"""Child processes that end when their parent does, inherit none of its files, and can be stopped step by step."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

PR_SET_PDEATHSIG = 1
NOBODY = 65534  # user and group id

# Bytes. A log that is longer when its process starts is renamed; one old log is kept.
LOG_LIMIT = 8 * 1024 * 1024


class LaunchError(RuntimeError):
    """Rollcall cannot start or go on; the text is a sentence for the person at the terminal."""


@dataclass(frozen=True, slots=True, eq=False)
class Child:
    """A child process. `stop_signals` end it, the gentlest first, each with the seconds to wait after it."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path | None
    stop_signals: tuple[tuple[signal.Signals, float], ...] = ((signal.SIGTERM, 5.0), (signal.SIGKILL, 5.0))

    @property
    def running(self) -> bool:
        return self.process.poll() is None

    def stop(self) -> None:
        """Send the signals one after the other until the process has ended."""
        for number, seconds in self.stop_signals:
            if not self.running:
                return
            self.process.send_signal(number)
            try:
                self.process.wait(seconds)
            except subprocess.TimeoutExpired:
                continue

    def log_tail(self, lines: int = 8) -> str:
        """Return the last lines of its log, indented, to be added to an error message."""
        if self.log is None:
            return ""
        text = self.log.read_text(encoding="utf-8", errors="replace").splitlines()
        return "".join(f"\n    {line}" for line in text[-lines:])


def spawn(
    name: str,
    command: Sequence[str | Path],
    *,
    log: Path | None,
    env: Mapping[str, str],
    death_signal: signal.Signals = signal.SIGKILL,
    niceness: int = 0,
    stop_signals: tuple[tuple[signal.Signals, float], ...] | None = None,
    stdin: int = subprocess.DEVNULL,
) -> Child:
    """Start a child in its own session: Ctrl-C at the terminal reaches the launcher only, which stops all in order.

    The kernel sends it `death_signal` when this process ends for any reason. Call from the main thread: the kernel
    watches the thread that started the child. Without `log` the child writes to the output of this process.
    """
    output = None if log is None else open_log(log)
    try:
        process = subprocess.Popen(  # noqa: S603 (our own binaries, no shell)
            [str(part) for part in command],
            stdin=stdin,
            stdout=output,
            stderr=subprocess.STDOUT if output is not None else None,
            env=dict(env),
            start_new_session=True,
            preexec_fn=child_setup(death_signal, niceness),  # noqa: PLW1509 (this process has one thread)
        )
    finally:
        if output is not None:
            os.close(output)
    return Child(name, process, log, stop_signals) if stop_signals else Child(name, process, log)


def open_log(path: Path) -> int:
    """Return a descriptor that appends to a log of mode 0600; rename a log over LOG_LIMIT first."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if path.exists() and path.stat().st_size > LOG_LIMIT:
        path.replace(path.with_suffix(".old.log"))
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)


def child_setup(death_signal: signal.Signals, niceness: int = 0) -> Callable[[], None]:
    """Return what a child runs before its program, so that it never outlives its parent (on Linux only)."""
    if sys.platform != "linux":
        return lambda: None
    parent = os.getpid()
    libc = ctypes.CDLL(None)

    def set_up() -> None:
        libc.prctl(PR_SET_PDEATHSIG, int(death_signal), 0, 0, 0)
        if os.getppid() != parent:  # the parent ended between the fork and the line above
            os._exit(1)
        if niceness:
            os.nice(niceness)

    return set_up


def unprivileged_prefix(death_signal: signal.Signals, *, uid: int | None = None) -> tuple[list[str], int]:
    """Return how a command must begin if its program refuses to run as root, and the uid that must own its files.

    For an ordinary user the prefix is empty. Root enters a user namespace, where its user is called nobody and keeps
    its files. If the kernel forbids that, as in containers, the program runs as nobody and keeps only
    CAP_DAC_OVERRIDE, which ignores file permissions. Raises LaunchError if neither works.
    """
    uid = os.geteuid() if uid is None else uid
    if uid != 0:
        return [], uid
    namespace = ["unshare", "--user", f"--map-user={NOBODY}"]
    # A change of user clears the parent-death signal, so it is set again afterwards.
    as_nobody = [
        "setpriv",
        *(f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"),
        *("--inh-caps=+dac_override", "--ambient-caps=+dac_override"),
        f"--pdeathsig={death_signal.name.removeprefix('SIG')}",
    ]
    for prefix, owner in ((namespace, 0), (as_nobody, NOBODY)):
        if command_succeeds([*prefix, "true"]):
            return prefix, owner
    sentence = (
        "PostgreSQL refuses to run as root, and this system allows neither user namespaces nor setpriv: "
        "run Rollcall as an ordinary user, or set DATABASE_URL"
    )
    raise LaunchError(sentence)


def command_succeeds(command: Sequence[str]) -> bool:
    """Return whether a command exists and ends with status 0 within ten seconds."""
    try:
        return subprocess.run(command, capture_output=True, check=False, timeout=10).returncode == 0  # noqa: S603
    except (FileNotFoundError, PermissionError):
        return False
