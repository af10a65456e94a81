"""Students by CSV: a dry run with a verdict a line, all or nothing, and cells that no spreadsheet runs."""

from __future__ import annotations

import csv
import io

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from attendance.admin.csv_export import RISKY, safe
from attendance.core.errors import Refused
from attendance.models import Membership, Student
from attendance.people import imports
from attendance.people.imports import Outcome
from tests import world as small
from tests.world import World

pytestmark = pytest.mark.django_db

PAGE = "/admin/attendance/student/import/"
HEADER = "given_name,family_name,number,email,class\n"


def plan(text: str) -> list[tuple[str, Outcome]]:
    return [(row.name, row.outcome) for row in imports.plan(text, on=timezone.localdate())]


def sent(client: Client, text: str) -> str:
    form = {
        "file": SimpleUploadedFile("students.csv", text.encode()),
        "starts_on": timezone.localdate().isoformat(),
    }
    return client.post(PAGE, form).content.decode()


def test_the_dry_run_writes_nothing_and_the_import_all(world: World, office: Client) -> None:
    text = HEADER + "Zoë,Quill,77,z@example.org,7 North;7 South\nAnn,Ash,1,,7 North\n"
    before = Student.objects.count()
    shown = sent(office, text)
    assert "1 new, 1 to be changed" in shown
    assert Student.objects.count() == before
    confirm = {"text": text, "starts_on": timezone.localdate().isoformat()}
    assert office.post(PAGE, confirm).status_code == 302
    zoe = Student.objects.get(external_id="77")
    assert (zoe.family_name, zoe.contact_email, zoe.memberships.count()) == ("Quill", "z@example.org", 2)
    world.ann.refresh_from_db()
    assert (world.ann.external_id, world.ann.memberships.count()) == ("1", 1)


def test_importing_twice_is_the_same_as_once(world: World) -> None:
    text = HEADER + "Zoë,Quill,77,,7 North\nIra,,,,\n"
    on = timezone.localdate()
    imports.write(text, on=on, actor=world.registrar)
    students, members = Student.objects.count(), Membership.objects.count()
    again = imports.write(text, on=on, actor=world.registrar)
    assert [row.outcome for row in again] == [Outcome.SAME, Outcome.SAME]
    assert (Student.objects.count(), Membership.objects.count()) == (students, members)


def test_with_one_refused_line_nothing_is_written(world: World, office: Client) -> None:
    text = HEADER + "Zoë,Quill,77,,7 North\nIra,Ivory,78,,No Such Class\n"
    before = Student.objects.count()
    assert "There is no class “No Such Class”" in sent(office, text)
    answer = office.post(PAGE, {"text": text, "starts_on": timezone.localdate().isoformat()})
    assert "so nothing was" in answer.content.decode()
    assert Student.objects.count() == before


@pytest.mark.parametrize(
    "line",
    [
        ",Quill,1,,",
        "=cmd(),Quill,1,,",
        "Zoë,Quill,1,not an address,",
        "Zoë,Quill,1,,Nowhere",
        f"{'x' * 121},Quill,1,,",
    ],
)
def test_a_line_that_cannot_be_right_is_refused(world: World, line: str) -> None:
    assert [outcome for _name, outcome in plan(HEADER + line + "\n")] == [Outcome.REFUSED]


def test_the_same_student_twice_in_a_file_is_refused(world: World) -> None:
    assert plan(HEADER + "A,B,9,,\nC,D,9,,\n") == [("A B", Outcome.REFUSED), ("C D", Outcome.REFUSED)]


def test_a_name_that_several_bear_needs_the_number(world: World) -> None:
    small.student("Ann Ash")
    assert plan(HEADER + "ann,ASH,,,\n") == [("ann ASH", Outcome.REFUSED)]


def test_files_as_spreadsheets_write_them_are_read(world: World) -> None:
    lines = "First name;Surname;Number\nZoë;Quill;77\n"
    for encoding in ("utf-8-sig", "utf-16", "cp1252"):
        assert plan(imports.text_of(lines.encode(encoding))) == [("Zoë Quill", Outcome.NEW)]


@pytest.mark.parametrize("text", ["", "given_name\n", "name,class\nAnn,7\n", 'given_name\n"open\n'])
def test_a_file_that_is_no_list_is_a_sentence(world: World, office: Client, text: str) -> None:
    with pytest.raises(Refused):
        imports.plan(text, on=timezone.localdate())
    assert "errorlist" in sent(office, text)


def test_too_many_lines_are_refused_before_they_are_looked_at(world: World) -> None:
    with pytest.raises(Refused) as refusal:
        imports.plan("given_name\n" + "x\n" * (imports.MOST_ROWS + 1), on=timezone.localdate())
    assert refusal.value.code == "too_many"


@pytest.mark.parametrize("first", RISKY)
def test_a_cell_that_a_spreadsheet_would_run_is_exported_as_text_and_read_back(first: str) -> None:
    cell = f"{first}HYPERLINK(1)"
    assert safe(cell).startswith("'")
    assert imports.plain(safe(cell)) == cell.strip()


def test_what_is_exported_can_be_imported_and_changes_nothing(world: World, office: Client) -> None:
    small.student("-Risky Name")
    every = [str(key) for key in Student.objects.values_list("pk", flat=True)]
    answer = office.post(
        "/admin/attendance/student/", {"action": "export_students", "_selected_action": every}
    )
    text = answer.content.decode("utf-8-sig")
    rows = list(csv.reader(io.StringIO(text)))
    assert len(rows) == len(every) + 1
    assert not any(cell.startswith(RISKY) for row in rows for cell in row)
    assert {outcome for _name, outcome in plan(text)} == {Outcome.SAME}
