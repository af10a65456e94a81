"""Students out of a spreadsheet: read, held against what is there, shown row by row, and written all or not at all."""

import csv
import datetime as dt
import io
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from attendance.core import audit, policy
from attendance.core.errors import Refused
from attendance.core.policy import Action
from attendance.models import Membership, SchoolClass, SchoolSettings, Student, User, folded
from attendance.people import memberships, students

MOST_ROWS = 2000
MOST_BYTES = 2 * 1024 * 1024
HEADERS: Mapping[str, tuple[str, ...]] = {
    "given_name": ("given name", "first name", "forename"),
    "family_name": ("family name", "last name", "surname"),
    "external_id": ("external id", "number", "id", "student id", "student number", "upn"),
    "contact_email": ("contact email", "email", "e-mail", "guardian's email"),
    "classes": ("classes", "class", "form", "group"),
    "left_on": ("left on", "left"),
}
LENGTHS = {"given_name": 120, "family_name": 120, "external_id": 80}
FORMULA = ("=", "+", "@")
"""No name or number begins so; a spreadsheet would run it."""


class Outcome(StrEnum):
    NEW = "new"
    CHANGED = "changed"
    SAME = "same"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True, eq=False)
class Planned:
    """What will become of one line of the file, and why. `values` and `joins` are what will be written."""

    line: int
    name: str
    outcome: Outcome
    message: str
    student_id: UUID | None = None
    values: Mapping[str, Any] = field(default_factory=dict)
    joins: tuple[UUID, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Known:
    """What the school holds already, read once for the whole file."""

    by_number: Mapping[str, Student]
    by_name: Mapping[str, list[Student]]
    classes: Mapping[str, SchoolClass]
    members: frozenset[tuple[UUID, UUID]]


def text_of(data: bytes) -> str:
    """The text of a file as spreadsheets write it: UTF-8, UTF-16 with its mark, else Windows-1252."""
    if len(data) > MOST_BYTES:
        raise Refused("too_large", _("The file is larger than 2 MB. Split it."))
    try:
        return data.decode("utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252", errors="replace")


def plan(text: str, *, on: dt.date) -> list[Planned]:
    """What importing the text would do, line by line. Raises `Refused` where the file as a whole cannot be read."""
    rows = _rows(text)
    known = _known(on)
    repeated = Counter(_key(values) for _line, values in rows)
    return [_planned(line, values, known, repeated[_key(values)] > 1) for line, values in rows]


def write(text: str, *, on: dt.date, actor: User) -> list[Planned]:
    """Import the text in one transaction, from day `on`; with one refused line nothing is written at all."""
    policy.require(actor, Action.MANAGE_SCHOOL)
    with transaction.atomic():
        planned = plan(text, on=on)
        refused = sum(row.outcome == Outcome.REFUSED for row in planned)
        if refused:
            sentence = ngettext(
                "%(n)d line cannot be imported, so nothing was.",
                "%(n)d lines cannot be imported, so nothing was.",
                refused,
            )
            raise Refused("not_clean", sentence % {"n": refused})
        for row in planned:
            _write(row, on, actor)
        audit.record(actor, "students_imported", SchoolSettings.load(), lines=len(planned))
        return planned


def _write(row: Planned, on: dt.date, actor: User) -> None:
    student_id = row.student_id
    if student_id is None:
        student_id = students.create(actor=actor, **row.values).pk
    elif row.values:
        students.change(student_id=student_id, actor=actor, **row.values)
    for class_id in row.joins:
        memberships.add(student_id=student_id, class_id=class_id, starts_on=on, actor=actor)


def _rows(text: str) -> list[tuple[int, dict[str, str]]]:
    lines = text.splitlines()
    first = next((line for line in lines if line.strip()), "")
    reader = csv.reader(io.StringIO(text), delimiter=max(",;\t", key=first.count), strict=True)
    try:
        table = [(reader.line_num, row) for row in reader if any(cell.strip() for cell in row)]
    except csv.Error as fault:
        message = _("Line %(line)d cannot be read as CSV: %(fault)s.")
        raise Refused("not_csv", message % {"line": reader.line_num, "fault": fault}) from fault
    if len(table) < 2:
        raise Refused("empty", _("There is no line below the header. Is this the right file?"))
    if len(table) > MOST_ROWS + 1:
        raise Refused(
            "too_many", _("At most %(most)d students at a time. Split the file.") % {"most": MOST_ROWS}
        )
    columns = _columns(table[0][1])
    return [
        (line, {name: plain(row[at]) if at < len(row) else "" for name, at in columns.items()})
        for line, row in table[1:]
    ]


def plain(cell: str) -> str:
    """A cell without spaces around it, and without the apostrophe that keeps spreadsheets from running it."""
    stripped = " ".join(cell.split())
    return stripped[1:].strip() if stripped.startswith("'") else stripped


def _columns(header: Iterable[str]) -> dict[str, int]:
    names = {alias: name for name, aliases in HEADERS.items() for alias in aliases}
    found: dict[str, int] = {}
    for at, cell in enumerate(header):
        name = names.get(folded(cell.replace("_", " ")))
        if name is not None:
            found.setdefault(name, at)
    if "given_name" not in found:
        raise Refused(
            "no_header",
            _(
                "The first line must name the columns: given_name, family_name, number, email, class, left_on."
            ),
        )
    return found


def _key(values: Mapping[str, str]) -> str:
    number = values.get("external_id", "")
    return f"#{number}" if number else folded(f"{values['given_name']} {values.get('family_name', '')}")


def _known(on: dt.date) -> Known:
    by_number: dict[str, Student] = {}
    by_name: dict[str, list[Student]] = {}
    for student in Student.objects.all():
        by_name.setdefault(folded(student.name), []).append(student)
        if student.external_id:
            by_number[student.external_id] = student
    classes: dict[str, SchoolClass] = {}
    for row in SchoolClass.objects.filter(archived_at=None):
        classes[folded(row.name)] = row
        if row.external_id:
            classes.setdefault(folded(row.external_id), row)
    members = Membership.objects.on(on).values_list("student_id", "school_class_id")
    return Known(by_number, by_name, classes, frozenset(members))


def _planned(line: int, values: dict[str, str], known: Known, repeated: bool) -> Planned:
    name = f"{values['given_name']} {values.get('family_name', '')}".strip()
    try:
        if repeated:
            raise Refused("repeated", _("This student stands in the file more than once."))
        cleaned = _cleaned(values)
        joins = _classes(values.get("classes", ""), known)
        student = _match(values, known)
    except Refused as refused:
        return Planned(line, name, Outcome.REFUSED, refused.message)
    if student is None:
        return Planned(
            line, name, Outcome.NEW, _joining(joins), None, cleaned, tuple(row.pk for row in joins)
        )
    changed = {key: value for key, value in cleaned.items() if getattr(student, key) != value}
    new = [row for row in joins if (student.pk, row.pk) not in known.members]
    said = [*(f"{Student._meta.get_field(key).verbose_name}: {value}" for key, value in changed.items())]  # type: ignore[union-attr]
    message = "; ".join([*said, *([_joining(new)] if new else [])])
    outcome = Outcome.CHANGED if message else Outcome.SAME
    return Planned(line, name, outcome, message, student.pk, changed, tuple(row.pk for row in new))


def _joining(rows: list[SchoolClass]) -> str:
    return _("joins %(classes)s") % {"classes": ", ".join(row.name for row in rows)} if rows else ""


def _cleaned(values: Mapping[str, str]) -> dict[str, Any]:
    """The fields to be stored; an empty cell says nothing, so that it never empties what is there."""
    if not values["given_name"]:
        raise Refused("no_name", _("The given name is missing."))
    cleaned: dict[str, Any] = {}
    for name, value in values.items():
        if not value or name == "classes":
            continue
        if name in LENGTHS and (len(value) > LENGTHS[name] or value.startswith(FORMULA)):
            raise Refused("bad_cell", _("“%(value)s” is no name or number.") % {"value": value[:40]})
        cleaned[name] = _day(value) if name == "left_on" else value
    if "contact_email" in cleaned:
        _check_email(cleaned["contact_email"])
    return cleaned


def _day(value: str) -> dt.date:
    try:
        return dt.date.fromisoformat(value)
    except ValueError as fault:
        raise Refused(
            "bad_date", _("Write the date as 2026-07-31, not “%(value)s”.") % {"value": value}
        ) from fault


def _check_email(value: str) -> None:
    try:
        validate_email(value)
    except ValidationError as fault:
        raise Refused("bad_email", _("“%(value)s” is no email address.") % {"value": value}) from fault


def _classes(cell: str, known: Known) -> list[SchoolClass]:
    found = []
    for part in filter(None, (part.strip() for part in cell.split(";"))):
        row = known.classes.get(folded(part))
        if row is None:
            raise Refused("no_such_class", _("There is no class “%(name)s”. Add it first.") % {"name": part})
        found.append(row)
    return list(dict.fromkeys(found))


def _match(values: Mapping[str, str], known: Known) -> Student | None:
    """By number; else the one student of that name whose number does not say otherwise."""
    number = values.get("external_id", "")
    if number in known.by_number:
        return known.by_number[number]
    same = known.by_name.get(folded(f"{values['given_name']} {values.get('family_name', '')}"), [])
    if number:
        same = [student for student in same if student.external_id is None]
    if len(same) > 1:
        raise Refused("ambiguous", _("There are several students of this name. Write the number."))
    return same[0] if same else None
