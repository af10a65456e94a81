"""A school of people of LFW on its own servers, for benchmarks that use the sockets."""

from __future__ import annotations

import base64
import datetime as dt
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from config import secret_files
from config.embedded_addresses import EmbeddedAddresses
from launcher.embedded import EmbeddedConfig
from launcher.postgresql import start_postgres
from launcher.socket_folder import find_socket_folder
from launcher.valkey import start_valkey

ROOT = Path(__file__).resolve().parent.parent.parent
STUDENTS, ENROLLED = 30, 3


@dataclass(frozen=True, slots=True, eq=False)
class Room:
    """A class: the key of each student, and their images that are not enrolled."""

    class_id: str
    students: tuple[str, ...]
    probes: tuple[tuple[Path, ...], ...]


@contextmanager
def servers() -> Iterator[None]:
    """Run PostgreSQL and Valkey in a temporary folder, and set up Django for them. Once in a process."""
    var = Path(tempfile.mkdtemp(prefix="rollcall-bench-"))
    secret_files.make_secrets(var / "secrets")
    config = EmbeddedConfig(var=var, sockets=find_socket_folder(var), durable=False)
    password = secret_files.read_secret(config.secrets, "database_password")
    addresses = EmbeddedAddresses.for_sockets(config.sockets, password)
    os.environ |= {
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "VAR_DIR": str(var),
        "DATABASE_URL": addresses.database_url,
        "REDIS_URL": addresses.redis_url,
        "SECRET_KEY": "only-for-benchmarks-" * 3,
        "FACE_DATA_KEYS": base64.b64encode(os.urandom(32)).decode(),
        "FACE_MODELS_DIR": str(ROOT / "var" / "models"),
    }
    children = [start_valkey(config), start_postgres(config)]
    try:
        import django
        from django.core.management import call_command

        django.setup()
        call_command("migrate", verbosity=0)
        yield
    finally:
        for child in reversed(children):
            child.stop()
        shutil.rmtree(var, ignore_errors=True)


def enrol(people: Sequence[tuple[Path, ...]], classes: int) -> list[Room]:
    """Create classes of thirty with three photographs each: only their templates, without the checks of enrolment."""
    from attendance.models import Membership, SchoolClass
    from recognition.engine.images.image import decode
    from recognition.shared_engine import ENGINE, engine
    from tests import world

    rooms = []
    for number in range(classes):
        school_class = SchoolClass.objects.create(name=f"Class {number}")
        keys, probes = [], []
        for at in range(number * STUDENTS, (number + 1) * STUDENTS):
            student = world.student(f"Student {at}")
            given = world.consent(student).given_on
            Membership.objects.create(student=student, school_class=school_class, starts_on=given)
            for path in people[at][:ENROLLED]:
                faces = engine().analyse(decode(path.read_bytes()))
                if faces:
                    middle = min(faces, key=lambda face: abs(sum(face.box[::2]) - 250))
                    world.photograph(student, middle.template)
            keys.append(str(student.pk))
            probes.append(people[at][ENROLLED:])
        rooms.append(Room(str(school_class.pk), tuple(keys), tuple(probes)))
    ENGINE.close()
    return rooms


def sessions(rooms: Sequence[Room], count: int) -> list[tuple[str, int]]:
    """Create open sessions of the classes in turn; return each session's key and its class's number."""
    from uuid import UUID

    from django.utils import timezone

    from attendance.models import Session

    now, created = timezone.now(), []
    for number in range(count):
        start = now - dt.timedelta(seconds=number + Session.objects.count())
        session = Session.objects.create(
            school_class_id=UUID(rooms[number % len(rooms)].class_id),
            starts_at=start,
            ends_at=start + dt.timedelta(hours=1),
            date=timezone.localdate(start),
            state=Session.State.OPEN,
            opened_at=start,
        )
        created.append((str(session.pk), number % len(rooms)))
    return created


def administrator_token() -> str:
    """Return a token for all cameras of a benchmark."""
    from attendance.access import tokens
    from attendance.models import User

    user = User.objects.create_user("camera", password=None, role="administrator")
    return tokens.create(user=user, name="benchmark", actor=None)[1]


@contextmanager
def served(*command: str) -> Iterator[tuple[int, subprocess.Popen[bytes]]]:
    """Run a server process; yield its port and process once it accepts connections."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    process = subprocess.Popen(
        [sys.executable, "-m", *command, "--port", str(port)],
        cwd=ROOT,
        env={**os.environ, "PUBLIC_URL": f"http://127.0.0.1:{port}"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        while process.poll() is None:
            with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
                break
            threading.Event().wait(0.1)
        yield port, process
    finally:
        process.send_signal(signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            process.wait(10)
        process.kill()
        process.wait()
