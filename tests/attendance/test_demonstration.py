"""A demonstration school from a folder: loading it, loading it again, and reports of unusable files."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from attendance.live.gallery_source import DatabaseSource
from attendance.models import (
    Consent,
    Membership,
    Photograph,
    SchoolClass,
    Session,
    Student,
    Teaching,
    Template,
    User,
)
from recognition.shared_engine import ENGINE
from tests import material

pytestmark = pytest.mark.django_db

TABLES = (Student, Consent, Membership, Photograph, Template, SchoolClass, Session, Teaching, User)


@pytest.fixture(scope="module", autouse=True)
def engine_stops() -> Iterator[None]:
    yield
    ENGINE.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two people with three photographs, one of which shows two people, and the hidden files of file managers."""
    people = material.people()
    for name, files in (("barack_h_obama", people["obama"][:1]), ("biden", people["biden"][:1])):
        (tmp_path / name).mkdir()
        for file in files:
            shutil.copy(file, tmp_path / name)
    shutil.copy(material.need("faces", "groups", "obama_and_biden.jpg"), tmp_path / "biden" / "both.jpg")
    (tmp_path / "biden" / ".DS_Store").write_bytes(b"x")
    (tmp_path / "biden" / "notes.txt").write_text("not a picture")
    (tmp_path / ".hidden").mkdir()
    return tmp_path


def load(folder: Path) -> str:
    out = StringIO()
    call_command("load_demo", str(folder), stdout=out)
    return out.getvalue()


def password_in(text: str) -> str:
    return next(line for line in text.splitlines() if line.startswith("Password: ")).removeprefix(
        "Password: "
    )


def test_demonstration_is_loaded_and_a_second_load_adds_nothing(folder: Path) -> None:
    output = load(folder)
    students = {student.name: student for student in Student.objects.all()}
    assert set(students) == {"Barack H Obama", "Biden"}
    assert Photograph.objects.count() == 2
    school_class = SchoolClass.objects.get()
    assert sorted(DatabaseSource().templates(str(school_class.pk))[1]) == sorted(
        str(s.pk) for s in students.values()
    )
    teacher = User.objects.get(username="teacher")
    assert teacher.check_password(password_in(output))
    assert not teacher.must_change_password
    assert Session.objects.get().state == "planned"
    for name in ("both.jpg", "notes.txt"):
        assert f"Biden, {name}: " in output
    assert ".DS_Store" not in output

    before = {table: table.objects.count() for table in TABLES}
    again = load(folder)
    assert {table: table.objects.count() for table in TABLES} == before
    assert "2 students, 2 photographs" in again


def test_password_of_the_teacher_stays_after_the_first_login(folder: Path) -> None:
    first = password_in(load(folder))
    User.objects.update(last_login="2026-01-01T00:00Z")
    assert "changepassword teacher" in load(folder)
    assert User.objects.get(username="teacher").check_password(first)


def test_missing_or_empty_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="no folder"):
        call_command("load_demo", str(tmp_path / "nowhere"))
    with pytest.raises(CommandError, match="one per person"):
        call_command("load_demo", str(tmp_path))


def test_incomplete_faces_of_the_test_material_are_refused() -> None:
    people = material.people()
    output = load(next(iter(people.values()))[0].parent.parent)
    refused = [
        line.split(",")[1].split(":")[0].strip() for line in output.splitlines() if line.startswith("  ")
    ]
    assert refused == ["partial_1.jpg", "partial_2.jpg"]
    assert Student.objects.count() == len(people) >= 2
    assert Photograph.objects.count() == sum(map(len, people.values())) - 2
