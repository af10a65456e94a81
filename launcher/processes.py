"""Child processes that end with their parent, hold none of its files, and are stopped in turn."""

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
NOBODY = 65534
LOG_LIMIT = 8 * 1024 * 1024
"""Bytes after which a log is set aside (one old file is kept) when its process starts."""


class ServerFailedError(RuntimeError):
    """A process did not start or did not stay; the text is a sentence for the person at the terminal."""


@dataclass(frozen=True, slots=True, eq=False)
class Child:
    """A running child: `signals` end it, the friendliest first, each with the seconds it is given."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path | None
    signals: tuple[tuple[signal.Signals, float], ...] = ((signal.SIGTERM, 5.0), (signal.SIGKILL, 5.0))

    @property
    def running(self) -> bool:
        """Whether it has not ended yet."""
        return self.process.poll() is None

    def stop(self) -> None:
        """Ends it and waits until it has ended."""
        for number, seconds in self.signals:
            if not self.running:
                return
            self.process.send_signal(number)
            try:
                self.process.wait(seconds)
            except subprocess.TimeoutExpired:
                continue

    def last_words(self, lines: int = 8) -> str:
        """The end of its log, indented, for a sentence about why it failed."""
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
    signals: tuple[tuple[signal.Signals, float], ...] | None = None,
    stdin: int = subprocess.DEVNULL,
) -> Child:
    """Starts a child in a session of its own (Ctrl-C at the terminal reaches the launcher only, which stops in order).

    The kernel sends it `death_signal` when this process ends in whatever way. Call from the main thread: the kernel
    watches the thread that started the child. With no `log` the child writes where this process writes.
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
            preexec_fn=end_with_parent(death_signal, niceness),  # noqa: PLW1509 (one thread at this time)
        )
    finally:
        if output is not None:
            os.close(output)
    return Child(name, process, log, signals) if signals else Child(name, process, log)


def open_log(path: Path) -> int:
    """A descriptor that appends to a log, readable by this user only; a long log is set aside first."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if path.exists() and path.stat().st_size > LOG_LIMIT:
        path.replace(path.with_suffix(".old.log"))
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)


def end_with_parent(number: signal.Signals, niceness: int = 0) -> Callable[[], None]:
    """What a child runs before its program, so that it never outlives its parent (Linux; elsewhere it may)."""
    if sys.platform != "linux":
        return lambda: None
    parent = os.getpid()
    libc = ctypes.CDLL(None)

    def arm() -> None:
        libc.prctl(PR_SET_PDEATHSIG, int(number), 0, 0, 0)
        if os.getppid() != parent:  # it ended between the fork and the line above
            os._exit(1)
        if niceness:
            os.nice(niceness)

    return arm


def without_root(death_signal: signal.Signals, *, uid: int | None = None) -> tuple[list[str], int]:
    """A command's beginning for a program that refuses to run as root, and the uid that must own its files.

    An ordinary user needs nothing. Root enters a user namespace in which it is called nobody and keeps its files; where
    the kernel forbids that (containers), the program runs as nobody, keeping only the right to pass our folders.
    """
    uid = os.geteuid() if uid is None else uid
    if uid != 0:
        return [], uid
    namespace = ["unshare", "--user", f"--map-user={NOBODY}"]
    # Changing the user clears the parent-death signal, so it is set once more afterwards.
    demoted = [
        "setpriv",
        *(f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"),
        *("--inh-caps=+dac_override", "--ambient-caps=+dac_override"),
        f"--pdeathsig={death_signal.name.removeprefix('SIG')}",
    ]
    for prefix, owner in ((namespace, 0), (demoted, NOBODY)):
        if works([*prefix, "true"]):
            return prefix, owner
    sentence = (
        "PostgreSQL refuses to run as root, and this system allows neither user namespaces nor setpriv: "
        "run Rollcall as an ordinary user, or give DATABASE_URL"
    )
    raise ServerFailedError(sentence)


def works(command: Sequence[str]) -> bool:
    """Whether a command can be run and succeeds."""
    try:
        return subprocess.run(command, capture_output=True, check=False, timeout=10).returncode == 0  # noqa: S603
    except (FileNotFoundError, PermissionError):
        return False
