"""Templates anew: aside, all at once, and again from where the last attempt ended."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from io import StringIO

import numpy as np
import pytest
from django.core.cache import cache
from django.core.checks import run_checks
from django.core.management import CommandError, call_command

from attendance.core.errors import Refused
from attendance.faces import confusable_pairs, enrolment, photograph_cache, rebuild, templates
from attendance.jobs import queue
from attendance.live.gallery_source import DatabaseSource
from attendance.models import (
    AuditEvent,
    ConfusablePair,
    Consent,
    Job,
    Photograph,
    SchoolClass,
    SchoolSettings,
    Space,
    Student,
    Template,
)
from recognition.engine import SPACE
from recognition.engine.types import Face
from recognition.galleries import SCHOOL
from recognition.shared_engine import ENGINE
from recognition.telemetry.monitor import MONITOR
from tests import material
from tests.recognition.test_encoding_cache import face
from tests.world import World, photograph, vector

pytestmark = pytest.mark.django_db

OLD = "another-network/1"


@pytest.fixture(scope="module", autouse=True)
def engine_stops() -> Iterator[None]:
    yield
    ENGINE.close()


@pytest.fixture(autouse=True)
def empty_cache() -> None:
    photograph_cache.PHOTOGRAPH_CACHE.close()


@pytest.fixture
def analysed(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """Replace the engine: a face for each crop but `no face`. The fixture is the list of crops that were analysed."""
    crops: list[bytes] = []

    def find_face(crop: bytes, _space: str) -> Face | None:
        crops.append(crop)
        return None if crop == b"no face" else face(int.from_bytes(crop, "big") % 1000)

    monkeypatch.setattr(rebuild, "_find_face", find_face)
    return crops


def in_another_space() -> None:
    """Change all templates as if they had been made by an earlier network."""
    Space.objects.update(name=OLD)
    for template in Template.objects.select_related("photograph"):
        assert template.photograph is not None
        kept = template.photograph
        template.sealed = templates.seal(vector(7), kept.pk, kept.student_id, OLD)
        template.save()


def run(*classes: SchoolClass) -> Job:
    job = rebuild.start(classes=classes, actor=None)
    queue.run(job.pk)
    job.refresh_from_db()
    return job


def searched_in(class_id: object) -> list[str]:
    return DatabaseSource().templates(str(class_id))[1]


@pytest.mark.django_db(transaction=True)
def test_rebuilt_templates_recognise_the_same_person(world: World) -> None:
    pictures = material.people()["obama"]
    for student, path in ((world.ann, pictures[0]), (world.ann, pictures[1])):
        verdict = enrolment.enrol(
            student_id=student.pk, data=path.read_bytes(), actor=world.registrar, now=world.now
        )
        assert verdict.accepted
    before, _ = DatabaseSource().templates(str(world.school_class.pk))
    in_another_space()
    job = run()
    assert (job.state, job.result) == ("done", {"made": 2, "unusable": 0, "searched": True})
    after, owners = DatabaseSource().templates(str(world.school_class.pk))
    assert owners == [str(world.ann.pk)] * 2
    # Out of the crop, which was compressed once more, comes very nearly what came out of the photograph.
    assert np.linalg.norm(before - after, axis=1).max() < 0.1
    # The crops were remembered: the space is lost again, and nothing is encoded.
    Template.objects.all().delete()
    hits = MONITOR.figures().counters["encoding_hits"]
    assert run().result["made"] == 2
    assert MONITOR.figures().counters["encoding_hits"] == hits + 2


def test_templates_of_another_space_are_not_searched(world: World, analysed: list[bytes]) -> None:
    photograph(world.ann, vector(1), picture=b"1")
    photograph(world.bea, vector(2), picture=b"2")
    assert len(searched_in(world.school_class.pk)) == len(searched_in(SCHOOL)) == 2
    in_another_space()
    assert searched_in(world.school_class.pk) == searched_in(SCHOOL) == []
    assert confusable_pairs.nearest(vector(7), Student.objects.all(), within=2.0) == ()
    # Half is done, and still nothing of either space is searched.
    run(world.other_class)
    rebuild._make_template(Photograph.objects.earliest("created_at").pk, Space.objects.get(name=SPACE))
    assert searched_in(world.school_class.pk) == []
    assert run().result == {"made": 1, "unusable": 0, "searched": True}
    assert len(searched_in(world.school_class.pk)) == 2


def test_new_space_becomes_active_once_and_the_old_one_is_deleted(
    world: World, analysed: list[bytes]
) -> None:
    for student, picture in ((world.ann, b"1"), (world.eve, b"2")):
        photograph(student, vector(1), picture=picture)
    in_another_space()
    school, versions = SchoolSettings.load().school_gallery_version, versions_of()
    first = run(world.school_class)
    assert first.result == {"made": 1, "unusable": 0, "searched": False}
    assert Space.objects.get(active=True).name == OLD
    assert versions_of() == versions
    last = run(world.other_class)
    assert last.result == {"made": 1, "unusable": 0, "searched": True}
    assert Space.objects.get(active=True).name == SPACE
    assert set(Template.objects.values_list("space__name", flat=True)) == {SPACE}
    assert all(after > before for before, after in zip(versions, versions_of(), strict=True))
    assert SchoolSettings.load().school_gallery_version > school
    event = AuditEvent.objects.get(action="space_changed")
    assert event.details == {"space": SPACE, "removed": 2}
    assert sorted(analysed) == [b"1", b"2"]


def versions_of() -> list[int]:
    return list(SchoolClass.objects.order_by("pk").values_list("gallery_version", flat=True))


def test_second_attempt_continues_where_the_first_ended(
    world: World, analysed: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    for student, picture in ((world.ann, b"1"), (world.bea, b"2"), (world.cem, b"3")):
        photograph(student, vector(1), picture=picture)
    in_another_space()
    job = rebuild.start(actor=None)
    find_face = rebuild._find_face

    def breaks(picture: bytes, space: str) -> Face | None:
        if len(analysed) == 2:
            raise RuntimeError("the power went")
        return find_face(picture, space)

    monkeypatch.setattr(rebuild, "_find_face", breaks)
    queue.run(job.pk)
    job.refresh_from_db()
    assert (job.state, job.progress, job.total) == ("waiting", 2, 3)
    monkeypatch.setattr(rebuild, "_find_face", find_face)
    queue.run(job.pk)
    job.refresh_from_db()
    assert (job.state, job.attempt, job.progress, job.total) == ("done", 2, 3, 3)
    assert job.result == {"made": 1, "unusable": 0, "searched": True}
    assert sorted(analysed) == [b"1", b"2", b"3"]


def test_job_that_was_taken_over_writes_nothing(world: World, analysed: list[bytes]) -> None:
    photograph(world.ann, vector(1), picture=b"1")
    in_another_space()
    job = rebuild.start(actor=None)
    Job.objects.filter(pk=job.pk).update(state="running", attempt=2)
    with pytest.raises(queue.TakenOver):
        rebuild.rebuild(queue.Work(job.pk, 1, {"classes": []}, None))
    assert not Template.objects.filter(space__name=SPACE).exists()


def test_photograph_without_a_face_is_counted_and_delays_nothing(world: World, analysed: list[bytes]) -> None:
    photograph(world.ann, vector(1), picture=b"1")
    photograph(world.bea, vector(2), picture=b"no face")
    in_another_space()
    assert run().result == {"made": 1, "unusable": 1, "searched": True}
    assert searched_in(world.school_class.pk) == [str(world.ann.pk)]


def test_rebuild_that_finds_no_face_changes_nothing(world: World, analysed: list[bytes]) -> None:
    photograph(world.ann, vector(1), picture=b"no face")
    in_another_space()
    job = run()
    assert job.state == "failed"
    assert "Nothing was changed" in job.error
    assert Space.objects.get(active=True).name == OLD
    assert Template.objects.filter(space__name=OLD).count() == 1


@pytest.mark.django_db(transaction=True)
def test_rebuild_makes_no_template_without_valid_consent(
    world: World, analysed: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    for student, picture in ((world.ann, b"1"), (world.bea, b"2")):
        photograph(student, vector(1), picture=picture)
    in_another_space()
    Consent.objects.filter(student=world.ann).update(withdrawn_at=world.now)
    find_face = rebuild._find_face

    def withdrawn_meanwhile(picture: bytes, space: str) -> Face | None:
        Consent.objects.filter(student=world.bea).update(withdrawn_at=world.now)
        return find_face(picture, space)

    monkeypatch.setattr(rebuild, "_find_face", withdrawn_meanwhile)
    run()
    assert analysed == [b"2"]
    assert not Template.objects.filter(space__name=SPACE).exists()
    assert cache.keys("encoding:*") == []  # type: ignore[attr-defined]


def test_damaged_template_is_made_again_and_raises_versions(world: World, analysed: list[bytes]) -> None:
    kept = photograph(world.ann, vector(1), picture=b"1")
    photograph(world.bea, vector(2), picture=b"2")
    Template.objects.filter(photograph=kept).update(sealed=b"damaged")
    assert searched_in(world.school_class.pk) == [str(world.bea.pk)]
    before = versions_of()
    assert run(world.school_class).result == {"made": 1, "unusable": 0, "searched": True}
    assert sorted(searched_in(world.school_class.pk)) == sorted([str(world.ann.pk), str(world.bea.pk)])
    assert versions_of() != before
    assert analysed == [b"1"]
    after = versions_of()
    assert run(world.school_class).result["made"] == 0
    assert versions_of() == after


def test_confusable_pairs_are_found_again_in_the_new_space(
    world: World, analysed: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    twin = face(1)
    monkeypatch.setattr(rebuild, "_find_face", lambda _picture, _space: _unit(twin))
    photograph(world.ann, vector(1), picture=b"1")
    photograph(world.bea, vector(2), picture=b"2")
    in_another_space()
    assert not ConfusablePair.objects.exists()
    run()
    pair = ConfusablePair.objects.get()
    assert {pair.first, pair.second} == {world.ann, world.bea}


def _unit(face: Face) -> Face:
    template = face.template / np.linalg.norm(face.template)
    return Face(face.box, face.score, face.landmarks, face.embedding, template, face.quality)


def test_rebuild_is_started_by_the_office_only(world: World) -> None:
    with pytest.raises(Refused) as refusal:
        rebuild.start(actor=world.teacher)
    assert refusal.value.code == "not_allowed"
    assert not Job.objects.exists()
    job = rebuild.start(classes=[world.school_class], actor=world.registrar)
    assert job.payload == {"classes": [str(world.school_class.pk)]}
    assert AuditEvent.objects.filter(action="templates_rebuilt", actor=world.registrar).exists()


def test_system_check_warns_while_templates_must_be_rebuilt(world: World, analysed: list[bytes]) -> None:
    def warnings() -> list[str]:
        warning_messages = [
            message for message in run_checks(databases=["default"]) if message.id == "attendance.W001"
        ]
        return [str(message.hint) for message in warning_messages]

    assert warnings() == []
    photograph(world.ann, vector(1), picture=b"1")
    assert warnings() == []
    in_another_space()
    (hint,) = warnings()
    assert "manage.py rebuild_templates" in hint
    run()
    assert warnings() == []


def test_worker_has_a_handler_for_rebuilds() -> None:
    arguments = [
        sys.executable,
        "-c",
        "import django; django.setup(); from attendance.jobs import queue; from attendance import tasks; ",
    ]
    arguments[-1] += f"print(queue._handlers[{rebuild.KIND!r}].__module__)"
    done = subprocess.run(arguments, cwd=material.ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == rebuild.__name__


def command(*classes: str) -> str:
    out = StringIO()
    call_command("rebuild_templates", *classes, stdout=out)
    return out.getvalue()


def test_rebuild_command_runs_the_job_and_reports(world: World, analysed: list[bytes]) -> None:
    photograph(world.ann, vector(1), picture=b"1")
    photograph(world.eve, vector(1), picture=b"no face")
    in_another_space()
    assert (
        command("7 North")
        == "1 template was made. They are used once the templates of the other classes are ready.\n"
    )
    assert command() == ("0 templates were made. 1 photo can no longer be used: replace it.\n")
    with pytest.raises(CommandError, match="9 West"):
        command("9 West")


def test_rebuild_command_reports_errors(
    world: World, analysed: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    photograph(world.ann, vector(1), picture=b"no face")
    in_another_space()
    with pytest.raises(CommandError, match="Nothing was changed"):
        command()

    def broken(_picture: bytes, _space: str) -> Face | None:
        raise RuntimeError("a bug")

    monkeypatch.setattr(rebuild, "_find_face", broken)
    with pytest.raises(CommandError, match=r"RuntimeError\. A worker will try again"):
        command()
