"""The cache of encoded photographs: a second attempt is not encoded again, and erasure empties every cache."""

from __future__ import annotations

import datetime as dt
import os
import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest
from django.core.cache import cache
from django.db import transaction
from django.utils import timezone

from attendance import tasks
from attendance.core import db_threads
from attendance.core.errors import Refused
from attendance.faces import enrolment, photograph_cache, photographs, templates
from attendance.faces.enrolment import Verdict
from attendance.live import runtime, still_images
from attendance.models import CachedEncoding, Consent, Photograph, Space, Student
from attendance.people import consents
from attendance.privacy import erasure
from recognition.encoding_cache import key_of, name_of
from recognition.engine import SPACE, Detection, Engine, Face
from recognition.engine.images.image import decode
from recognition.engine.types import Pixels
from recognition.shared_engine import ENGINE, engine
from recognition.telemetry.monitor import MONITOR
from tests import material
from tests.recognition.test_encoding_cache import face
from tests.sockets.serving import database_url, wait_for
from tests.world import World, photograph, vector

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def empty_cache() -> None:
    photograph_cache.PHOTOGRAPH_CACHE.close()


@pytest.fixture(scope="module", autouse=True)
def engine_stops() -> Iterator[None]:
    yield
    ENGINE.close()


@pytest.fixture
def encoded(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Record how many faces the engine encodes in each call."""
    calls: list[int] = []
    kind = type(engine())
    encode = kind.encode

    def counting(self: Engine, rgb: Pixels, detections: list[Detection]) -> list[Face]:
        calls.append(len(detections))
        return encode(self, rgb, detections)

    monkeypatch.setattr(kind, "encode", counting)
    return calls


def picture(number: int = 0, person: str = "obama") -> bytes:
    return material.people()[person][number].read_bytes()


def enrol(world: World, student: Student, data: bytes, reason: str = "") -> Verdict:
    return enrolment.enrol(
        student_id=student.pk, data=data, actor=world.registrar, now=world.now, override_reason=reason
    )


def name(data: bytes) -> str:
    return name_of(enrolment.digest_of(data), SPACE)


def held_back(world: World) -> bytes:
    """Enrol two photographs of a person for Ann; a third one for Bea is held back and returned."""
    for number in (0, 1):
        assert enrol(world, world.ann, picture(number)).accepted
    assert enrol(world, world.bea, picture(2)).code == "looks_like_another"
    return picture(2)


def empty_memory() -> None:
    """Empty the memory, so that only Redis and the database are left, as for another process."""
    photograph_cache.PHOTOGRAPH_CACHE.close()


@pytest.mark.parametrize("forget", [lambda: None, empty_memory], ids=["from memory", "from Redis"])
def test_held_back_photograph_is_not_encoded_again_with_a_reason(
    world: World, encoded: list[int], forget: Callable[[], None]
) -> None:
    data = held_back(world)
    before = len(encoded)
    forget()
    held = enrol(world, world.bea, data)
    verdict = enrol(world, world.bea, data, reason="Identical twins.")
    assert verdict.accepted
    assert len(encoded) == before
    assert (verdict.crop, held.code) == (held.crop, "looks_like_another")
    kept = Photograph.objects.get(student=world.bea)
    # What is stored is what a fresh look gives, to the last digit.
    cache.delete(key_of(name(data)))
    empty_memory()
    fresh = enrolment._analyse(data, enrolment.digest_of(data))
    assert isinstance(fresh, enrolment.Candidate)
    assert len(encoded) == before + 1
    assert fresh.crop == verdict.crop
    sealed = kept.templates.get().sealed
    stored = templates.unseal(sealed, kept.pk, world.bea.pk, SPACE)
    assert stored.tobytes() == fresh.face.template.tobytes()


def test_photograph_is_not_encoded_again_for_the_right_student(world: World, encoded: list[int]) -> None:
    data = held_back(world)
    before = len(encoded)
    assert enrol(world, world.ann, data).accepted
    assert len(encoded) == before
    assert CachedEncoding.objects.filter(name=name(data)).count() == 2


def test_refused_photograph_and_missing_consent_leave_no_entry(world: World) -> None:
    assert enrol(world, world.dan, picture()).code == "no_consent"
    group = material.need("faces", "groups", "obama_and_biden.jpg").read_bytes()
    assert enrol(world, world.ann, group).code == "several_faces"
    assert enrol(world, world.ann, picture(4)).code == "hidden"
    assert not CachedEncoding.objects.exists()
    assert cache.keys("encoding:*") == []  # type: ignore[attr-defined]


def test_identified_faces_leave_no_entry(world: World) -> None:
    """Neither faces of students nor of others are cached by `/identify`, group photographs and cameras."""
    assert enrol(world, world.ann, picture()).accepted
    before = MONITOR.figures().counters
    group = material.need("faces", "groups", "obama_and_biden.jpg").read_bytes()
    sights, _ = still_images.analyse([group], class_id=world.school_class.pk, on=world.session.date)
    assert len(sights) >= 2
    loaded = engine()
    for rgb in map(decode, (group, picture(1))):
        first, again = (loaded.encode(rgb, loaded.detect(rgb)) for _ in range(2))
        assert first[0].template is not again[0].template
    after = MONITOR.figures().counters
    for counter in ("encoding_hits", "encoding_misses", "encoding_bytes_sent"):
        assert after[counter] == before[counter]
    assert cache.keys("encoding:*") == [key_of(name(picture()))]  # type: ignore[attr-defined]
    assert list(CachedEncoding.objects.values_list("name", flat=True)) == [name(picture())]


def remove_the_photograph(world: World) -> None:
    kept = Photograph.objects.get(student=world.bea)
    photographs.remove(photograph_id=kept.pk, actor=world.registrar)


def withdraw(world: World) -> None:
    consents.withdraw(student_id=world.bea.pk, actor=world.registrar, now=world.now)


def erase(world: World) -> None:
    erasure.erase(student_id=world.bea.pk, actor=world.registrar, reason="asked", now=world.now)


def expire(world: World) -> None:
    Consent.objects.filter(student=world.bea).update(expires_on=world.session.date - dt.timedelta(days=1))
    tasks.delete_expired.run()


@pytest.mark.parametrize("remove", [remove_the_photograph, withdraw, erase, expire])
def test_deleted_student_leaves_memory_and_redis_and_others_stay(
    world: World, remove: Callable[[World], None]
) -> None:
    photograph(world.bea, vector(1))
    for student, content in ((world.bea, "b"), (world.cem, "c")):
        with transaction.atomic():
            photograph_cache.keep(student.pk, content, SPACE, face(1))
    remove(world)
    assert cache.keys("encoding:*") == [key_of(name_of("c", SPACE))]  # type: ignore[attr-defined]
    assert list(CachedEncoding.objects.values_list("student", flat=True)) == [world.cem.pk]
    assert MONITOR.figures().gauges["encodings"] == 1
    assert photograph_cache.find("b", SPACE) is None
    assert photograph_cache.find("c", SPACE) is not None


def test_erasure_deletes_entries_of_photographs_that_were_not_accepted(world: World) -> None:
    data = held_back(world)
    # It was brought for Ann as well: then it is encoded again when it comes again, and no copy is left.
    photograph_cache.keep(world.ann.pk, enrolment.digest_of(data), SPACE, face(1))
    erase(world)
    assert cache.get(key_of(name(data))) is None
    assert not CachedEncoding.objects.filter(name=name(data)).exists()
    assert CachedEncoding.objects.filter(student=world.ann).count() == 2


def test_entry_that_is_a_day_old_is_not_used_and_is_deleted(world: World) -> None:
    photograph_cache.keep(world.ann.pk, "a", SPACE, face(1))
    CachedEncoding.objects.update(created_at=timezone.now() - dt.timedelta(hours=23, minutes=59))
    assert photograph_cache.find("a", SPACE) is not None
    photograph_cache.delete_expired(now=timezone.now())
    assert CachedEncoding.objects.exists()
    CachedEncoding.objects.update(created_at=timezone.now() - dt.timedelta(hours=24))
    assert photograph_cache.find("a", SPACE) is None
    photograph_cache.delete_expired(now=timezone.now())
    assert not CachedEncoding.objects.exists()


def test_failed_enrolment_leaves_no_entry(world: World) -> None:
    Space.objects.create(name="another-network/1", active=True)
    with pytest.raises(Refused):
        enrol(world, world.ann, picture())
    assert not CachedEncoding.objects.exists()
    assert cache.keys("encoding:*") == []  # type: ignore[attr-defined]


ANOTHER_PROCESS = """
import sys, django
django.setup()
from attendance.faces import photograph_cache
from recognition.engine import SPACE
from recognition.telemetry.monitor import MONITOR
for line in sys.stdin:
    if line.strip() == "tidy":
        photograph_cache.photograph_cache().drop_invalid()
    else:
        print(photograph_cache.find(line.strip(), SPACE) is not None, end=" ")
    print(int(MONITOR.figures().gauges.get("encodings", 0)), flush=True)
"""


class Other:
    """A second process with a memory of its own."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", ANOTHER_PROCESS],
            cwd=material.ROOT,
            env={**os.environ, "DATABASE_URL": database_url()},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def ask(self, line: str) -> str:
        """Send a digest, or `tidy`; return whether the process has its face (not for `tidy`) and how many it holds."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(f"{line}\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().strip()

    def end(self) -> None:
        self.process.communicate(timeout=20)


@pytest.fixture
def other() -> Iterator[Other]:
    process = Other()
    yield process
    process.end()


def test_other_process_does_not_use_its_entry_after_a_withdrawal(world: World, other: Other) -> None:
    for content in ("a", "b"):
        photograph_cache.keep(world.bea.pk, content, SPACE, face(1))
    assert other.ask("a") == "True 1"
    assert other.ask("b") == "True 2"
    cache.delete_many([key_of(name_of(content, SPACE)) for content in ("a", "b")])
    assert other.ask("a") == "True 2"
    with transaction.atomic():
        withdraw(world)
        assert other.ask("a") == "True 2"
    assert other.ask("a") == "False 1"
    assert other.ask("tidy") == "0"
    assert other.ask("b") == "False 0"


def test_maintenance_deletes_invalid_entries_from_memory(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runtime, "MAINTENANCE_SECONDS", 0.01)
    photograph_cache.keep(world.bea.pk, "b", SPACE, face(1))
    runtime.MAINTENANCE.get()
    try:
        CachedEncoding.objects.all().delete()
        wait_for(lambda: MONITOR.figures().gauges["encodings"] == 0)
    finally:
        runtime.MAINTENANCE.close()
        runtime.LIVE_PIPELINE.close()
        db_threads.DB_THREADS.close()
