"""Import and export of students: preview, all or nothing, encodings, formulas."""

from __future__ import annotations

import csv
import datetime as dt
import html
import io

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from attendance.core.errors import Refused
from attendance.models import Membership, Student
from attendance.people import imports, students
from attendance.people.cells import FORMULA_STARTS, plain, safe, text_of
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


def test_import_preview_writes_nothing_and_import_all(world: World, office: Client) -> None:
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


def test_import_twice_is_the_same_as_once(world: World) -> None:
    text = HEADER + "Zoë,Quill,77,,7 North\nIra,,,,\n"
    on = timezone.localdate()
    imports.write(text, on=on, actor=world.registrar)
    students, members = Student.objects.count(), Membership.objects.count()
    again = imports.write(text, on=on, actor=world.registrar)
    assert [row.outcome for row in again] == [Outcome.SAME, Outcome.SAME]
    assert (Student.objects.count(), Membership.objects.count()) == (students, members)


def test_import_with_one_refused_line_writes_nothing(world: World, office: Client) -> None:
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
def test_import_refuses_an_invalid_line(world: World, line: str) -> None:
    assert [outcome for _name, outcome in plan(HEADER + line + "\n")] == [Outcome.REFUSED]


def test_import_refuses_a_student_twice_in_a_file(world: World) -> None:
    assert plan(HEADER + "A,B,9,,\nC,D,9,,\n") == [("A B", Outcome.REFUSED), ("C D", Outcome.REFUSED)]


def test_import_needs_the_number_for_a_shared_name(world: World) -> None:
    small.student("Ann Ash")
    assert plan(HEADER + "ann,ASH,,,\n") == [("ann ASH", Outcome.REFUSED)]


def test_import_reads_files_of_spreadsheets(world: World) -> None:
    lines = "First name;Surname;Number\nZoë;Quill;77\n"
    for encoding in ("utf-8-sig", "utf-16", "cp1252"):
        assert plan(text_of(lines.encode(encoding))) == [("Zoë Quill", Outcome.NEW)]


@pytest.mark.parametrize("text", ["", "given_name\n", "name,class\nAnn,7\n", 'given_name\n"open\n'])
def test_import_of_other_files_says_what_to_do(world: World, office: Client, text: str) -> None:
    with pytest.raises(Refused):
        imports.plan(text, on=timezone.localdate())
    assert "errorlist" in sent(office, text)


def test_import_refuses_too_many_lines_unread(world: World) -> None:
    with pytest.raises(Refused) as refusal:
        imports.plan("given_name\n" + "x\n" * (imports.MOST_ROWS + 1), on=timezone.localdate())
    assert refusal.value.code == "too_many"


@pytest.mark.parametrize("first", FORMULA_STARTS)
def test_export_escapes_formulas_and_import_reads_them_back(first: str) -> None:
    cell = f"{first}HYPERLINK(1)"
    assert safe(cell).startswith("'")
    assert plain(safe(cell)) == cell.strip()


def test_import_of_an_export_changes_nothing(world: World, office: Client) -> None:
    small.student("-Risky Name")
    every = [str(key) for key in Student.objects.values_list("pk", flat=True)]
    answer = office.post(
        "/admin/attendance/student/", {"action": "export_students", "_selected_action": every}
    )
    text = answer.content.decode("utf-8-sig")
    rows = list(csv.reader(io.StringIO(text)))
    assert len(rows) == len(every) + 1
    assert not any(cell.startswith(FORMULA_STARTS) for row in rows for cell in row)
    assert {outcome for _name, outcome in plan(text)} == {Outcome.SAME}


def made(given: str, family: str, number: str | None = None) -> Student:
    return Student.objects.create(given_name=given, family_name=family, external_id=number)


def messages(text: str) -> list[str]:
    return [row.message for row in imports.plan(text, on=timezone.localdate())]


@pytest.mark.parametrize(
    ("numbers", "outcomes"),
    [
        (("1", "2"), [Outcome.REFUSED, Outcome.REFUSED]),
        (("1", ""), [Outcome.REFUSED, Outcome.REFUSED]),
        (("007", "7"), [Outcome.REFUSED, Outcome.REFUSED]),
        (("", ""), [Outcome.REFUSED, Outcome.REFUSED]),
    ],
)
def test_import_refuses_both_of_two_lines_for_one_student(
    world: World, numbers: tuple[str, str], outcomes: list[Outcome]
) -> None:
    made("Eva", "Elmwood")
    text = "given_name,family_name,number\n" + "".join(f"Eva,Elmwood,{number}\n" for number in numbers)
    assert [outcome for _name, outcome in plan(text)] == outcomes
    assert all("Lines 2, 3 may be the same student" in message for message in messages(text))


def test_import_needs_numbers_for_two_new_students_of_one_name(world: World) -> None:
    header = "given_name,family_name,number\n"
    assert {o for _n, o in plan(header + "Eva,Oak,1\nEva,Oak,2\n")} == {Outcome.NEW}
    for second in ("Eva,Oak,", "Éva,Oak,", "Eva,Oak,01"):
        assert {o for _n, o in plan(f"{header}Eva,Oak,1\n{second}\n")} == {Outcome.REFUSED}, second


@pytest.mark.parametrize("name", ["Zoe,Ash", "ZOË,Ash’s", "Zoe,Ash's"])
def test_import_asks_about_a_similar_name(world: World, name: str) -> None:
    made("Zoë", "Ash", "12")
    made("Zoë", "Ash's")
    text = f"given_name,family_name\n{name}\n"
    assert [outcome for _name, outcome in plan(text)] == [Outcome.REFUSED]
    assert "Is this Zoë Ash" in messages(text)[0]


def test_import_matches_names_in_any_unicode_form_and_case(world: World) -> None:
    made("Zoë", "Ash", "12")
    text = "given_name,family_name,number\nZOE\u0308,Ash\u200b,\n"
    assert [row.student_id for row in imports.plan(text, on=timezone.localdate())] == [
        Student.objects.get(external_id="12").pk
    ]


@pytest.mark.parametrize(("here", "line"), [("00123", "123"), ("123", "00123"), ("123", "123.0")])
def test_import_asks_about_a_number_without_its_zeros(world: World, here: str, line: str) -> None:
    made("Zoe", "Quill", here)
    text = f"given_name,family_name,number\nZoe,Quill,{line}\n"
    assert [outcome for _name, outcome in plan(text)] == [Outcome.REFUSED]
    assert f"A student of this name has the number {here}." in messages(text)[0]


def test_import_distinguishes_numbers_by_case(world: World) -> None:
    upper, lower = made("Zoe", "Quill", "A1"), made("Ira", "Ivory", "a1")
    text = "given_name,family_name,number\nZoe,Quill,A1\nIra,Ivory,a1\n"
    planned = imports.plan(text.replace("a1", "a1 "), on=timezone.localdate())
    assert [row.student_id for row in planned] == [upper.pk, lower.pk]


def test_import_asks_about_number_and_name_of_two_students(world: World) -> None:
    made("Zoe", "Quill", "00123")
    made("Max", "Moor", "123")
    text = "given_name,family_name,number\nZoe,Quill,123\n"
    assert [outcome for _name, outcome in plan(text)] == [Outcome.REFUSED]
    renamed = "given_name,family_name,number\nMax,Lake,123\n"
    assert "was Max Moor" in messages(renamed)[0]


def test_import_keeps_apostrophes_of_names(world: World) -> None:
    made("Jan", "'t Hooft")
    text = "given_name,family_name\nJan,'t Hooft\nPiet,'s-Gravesande\n"
    assert plan(text) == [("Jan 't Hooft", Outcome.SAME), ("Piet 's-Gravesande", Outcome.NEW)]
    assert plain(safe("'t Hooft")) == "'t Hooft"


@pytest.mark.parametrize(
    ("name", "query"),
    [
        ("O’Brien", "o'brien"),
        ("O'Brien", "O’BRIEN"),
        ("Łukasz", "lukasz"),
        ("Sørensen", "sorensen"),
        ("Yıldız", "yildiz"),
        ("Smith–Jones", "smith-jones"),
        ("Müller", "mu\u0308ller"),
    ],
)
def test_search_finds_typographic_variants(world: World, name: str, query: str) -> None:
    made("Someone", name)
    assert [student.family_name for student in Student.objects.search(query)] == [name]


def test_import_finds_classes_by_number_then_by_exact_name(world: World) -> None:
    other = type(world.school_class).objects.create(name="7 NORTH")
    line = "given_name,family_name,class\nZoe,Quill,{}\n"
    assert "“7 north” may be" in messages(line.format("7 north"))[0]
    other.external_id = "7 north"
    other.save()
    planned = imports.plan(line.format("7 north"), on=timezone.localdate())
    assert planned[0].joins == (other.pk,)


def imported(office: Client, text: str, **ticks: str) -> None:
    form = {"text": text, "starts_on": timezone.localdate().isoformat(), **ticks}
    assert office.post(PAGE, form).status_code == 302


def test_import_shows_a_change_of_class_and_ends_the_old_one_if_ticked(world: World, office: Client) -> None:
    text = "given_name,family_name,class\nAnn,Ash,7 South\n"
    assert "is also in 7 North" in sent(office, text)
    assert 'name="end_others"' in sent(office, text)
    imported(office, text)
    assert world.ann.memberships.filter(ends_on=None).count() == 2
    assert "is also in 7 North" in messages(text)[0]
    imported(office, text, end_others="on")
    old = world.ann.memberships.get(school_class=world.school_class)
    assert old.ends_on == timezone.localdate() - dt.timedelta(days=1)
    assert Membership.objects.get(student=world.ann, ends_on=None).school_class == world.other_class
    assert 'name="end_others"' not in sent(office, text)


def test_import_readmits_a_student_who_had_left_if_ticked(world: World, office: Client) -> None:
    day = timezone.localdate() - dt.timedelta(days=9)
    students.change(student_id=world.ann.pk, actor=world.registrar, left_on=day)
    text = "given_name,family_name,class\nAnn,Ash,7 North\n"
    assert plan(text) == [("Ann Ash", Outcome.QUESTION)]
    assert "; returning?" in sent(office, text)
    imported(office, text)
    world.ann.refresh_from_db()
    assert world.ann.left_on == day
    imported(office, text, take_back="on")
    world.ann.refresh_from_db()
    assert world.ann.left_on is None


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        ("given_name\nJosé\n".encode("cp850"), "cannot be read"),
        ("given_name\nJosé\n".encode("mac-roman"), "cannot be read"),
        ("given_name\nJos\ufffd\n".encode(), "cannot be read"),
        (b"PK\x03\x04 workbook", "This is a workbook"),
        ("given_name\nJosÃ©\n".encode(), "is damaged"),
        (b"given_name,number\nZoe,1.23457E+11\n", "was shortened"),
        ("given_name\n\u200b\n".encode(), "The given name is missing"),
    ],
)
def test_import_of_wrong_encoding_says_what_to_do(
    world: World, office: Client, data: bytes, sentence: str
) -> None:
    form = {
        "file": SimpleUploadedFile("students.csv", data),
        "starts_on": timezone.localdate().isoformat(),
    }
    assert sentence in html.unescape(office.post(PAGE, form).content.decode())


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32", "utf-8"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_import_reads_other_encodings_and_line_ends(world: World, encoding: str, end: str) -> None:
    lines = ("sep=;", "\u200bGiven\u00a0name;Surname;Number", "Zo\u00adë;\u202aQuill\u202c;77", "")
    text = text_of(end.join(lines).encode(encoding))
    assert plan(text) == [("Zoë Quill", Outcome.NEW)]
