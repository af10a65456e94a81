"""Import of students from a spreadsheet: `plan` shows what each line would change, `write` does all or nothing."""

import csv
import datetime as dt
import io
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
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
from attendance.models import (
    SchoolClass,
    SchoolSettings,
    Student,
    User,
    cleaned,
    folded,
    identity,
    number_key,
)
from attendance.people import matching, memberships, students
from attendance.people.cells import plain, wrongly_decoded
from attendance.people.matching import SchoolIndex

MOST_ROWS = 2000
# The headings that are understood, by field.
HEADERS: Mapping[str, tuple[str, ...]] = {
    "given_name": ("given name", "first name", "forename"),
    "family_name": ("family name", "last name", "surname"),
    "external_id": ("external id", "number", "id", "student id", "student number", "upn"),
    "contact_email": ("contact email", "email", "e-mail", "guardian's email"),
    "classes": ("classes", "class", "form", "group"),
    "left_on": ("left on", "left"),
}
LENGTHS = {"given_name": 120, "family_name": 120, "external_id": 80}
# Beginnings that no name or number has; a spreadsheet would run the cell as a formula.
FORMULA = ("=", "+", "@")
# A long number as a spreadsheet shortens it: 1.23457E+11.
SHORTENED = re.compile(r"\d[.,]?\d*[eE]\+\d+")
# The first line in which Excel names the delimiter.
SEPARATOR_LINE = re.compile(r"sep=(.)\r?\n?", re.IGNORECASE)


class Outcome(StrEnum):
    NEW = "new"
    CHANGED = "changed"
    SAME = "same"
    QUESTION = "question"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True, eq=False)
class PlannedLine:
    """What one line of the file will change, and why. `values` and `joins` (classes) will be written.

    `classes` are all that the line names, `others` further classes of the student. `has_left`: the student left the
    school, and the line says nothing about it.
    """

    line: int
    name: str
    outcome: Outcome
    message: str
    student_id: UUID | None = None
    values: Mapping[str, Any] = field(default_factory=dict)
    joins: tuple[UUID, ...] = ()
    classes: tuple[UUID, ...] = ()
    others: tuple[UUID, ...] = ()
    has_left: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Choices:
    """What the person chose: end memberships in other classes, and readmit students who have left."""

    end_others: bool = False
    readmit: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Context:
    """What all lines have in common: the rows of the school, the first day of memberships, and the choices."""

    index: SchoolIndex
    on: dt.date
    choices: Choices


def plan(text: str, *, on: dt.date, choices: Choices | None = None) -> list[PlannedLine]:
    """Return what importing the text would change, line by line. Raises `Refused` if the file cannot be read."""
    rows = _rows(text)
    context = Context(matching.read_index(on), on, choices or Choices())
    planned = [_plan_line(line, values, context) for line, values in rows]
    repeated = _repeated(planned, [values for _line, values in rows])
    return [
        replace(row, outcome=Outcome.REFUSED, message=repeated[row.line]) if row.line in repeated else row
        for row in planned
    ]


def write(text: str, *, on: dt.date, actor: User, choices: Choices | None = None) -> list[PlannedLine]:
    """Import the text in one transaction; memberships start on `on`. Raises `Refused` if any line is refused."""
    policy.require(actor, Action.MANAGE_SCHOOL)
    with transaction.atomic():
        planned = plan(text, on=on, choices=choices)
        refused = sum(row.outcome == Outcome.REFUSED for row in planned)
        if refused:
            sentence = ngettext(
                "%(n)d row cannot be imported, so nothing was imported.",
                "%(n)d rows cannot be imported, so nothing was imported.",
                refused,
            )
            raise Refused("not_clean", sentence % {"n": refused})
        for row in planned:
            _write(row, on, actor, choices or Choices())
        audit.record(actor, "students_imported", SchoolSettings.load(), lines=len(planned))
        return planned


def _write(row: PlannedLine, on: dt.date, actor: User, choices: Choices) -> None:
    student_id = row.student_id
    if student_id is None:
        student_id = students.create(actor=actor, **row.values).pk
    elif row.values:
        students.change(student_id=student_id, actor=actor, **row.values)
    if row.others and choices.end_others:
        memberships.end_others(student_id=student_id, keep=row.classes, starts_on=on, actor=actor)
    for class_id in row.joins:
        memberships.add(student_id=student_id, class_id=class_id, starts_on=on, actor=actor)


def _repeated(planned: list[PlannedLine], values: list[dict[str, str]]) -> dict[int, str]:
    """Return the message for each line that may mean the same student as another line, by line number."""
    groups: dict[str, list[tuple[PlannedLine, str]]] = {}
    for row, cells in zip(planned, values, strict=True):
        number = cells.get("external_id", "")
        keys = {f"name {folded(row.name)}", *([f"number {cleaned(number)}"] if number else [])}
        for key in keys | ({f"student {row.student_id}"} if row.student_id else set()):
            groups.setdefault(key, []).append((row, number))
    reasons: dict[int, str] = {}
    for key, group in groups.items():
        lines = group if not key.startswith("name ") else [pair for pair in group if _is_double(pair, group)]
        if len(lines) > 1:
            reasons |= _reasons([row.line for row, _number in lines])
    return reasons


def _is_double(pair: tuple[PlannedLine, str], group: list[tuple[PlannedLine, str]]) -> bool:
    """Return whether a line may mean the same student as another line of that name: not if their numbers differ."""
    row, number = pair
    for other, others_number in group:
        if other is row or Outcome.NEW not in {row.outcome, other.outcome}:
            continue
        if not number or not others_number or number_key(number) == number_key(others_number):
            return True
    return False


def _reasons(lines: list[int]) -> dict[int, str]:
    sentence = _("Lines %(lines)s may be the same student. Keep one of them, or add the number of each.")
    message = sentence % {"lines": ", ".join(map(str, lines))}
    return dict.fromkeys(lines, message)


def _rows(text: str) -> list[tuple[int, dict[str, str]]]:
    separator_line = SEPARATOR_LINE.match(text)
    lines = text.splitlines()[bool(separator_line) :]
    header = next((line for line in lines if line.strip()), "")
    delimiter = separator_line[1] if separator_line else max(",;\t", key=header.count)
    # With an empty `newline` lines may end as on any system.
    file = io.StringIO(text[separator_line.end() :] if separator_line else text, newline="")
    reader = csv.reader(file, delimiter=delimiter, strict=True)
    try:
        table = [(reader.line_num, row) for row in reader if any(cell.strip() for cell in row)]
    except csv.Error as error:
        message = _("Line %(line)d cannot be read as CSV: %(fault)s.")
        raise Refused("not_csv", message % {"line": reader.line_num, "fault": error}) from error
    if len(table) < 2:
        raise Refused("empty", _("The file has no rows below the header. Check that it is the right file."))
    if len(table) > MOST_ROWS + 1:
        raise Refused(
            "too_many", _("At most %(most)d students at a time. Split the file.") % {"most": MOST_ROWS}
        )
    columns = _columns(table[0][1])
    return [
        (line, {name: plain(row[column]) if column < len(row) else "" for name, column in columns.items()})
        for line, row in table[1:]
    ]


def _columns(header: Iterable[str]) -> dict[str, int]:
    names = {alias: name for name, aliases in HEADERS.items() for alias in aliases}
    columns: dict[str, int] = {}
    for column, cell in enumerate(header):
        name = names.get(folded(plain(cell).replace("_", " ")))
        if name is not None:
            columns.setdefault(name, column)
    if "given_name" not in columns:
        raise Refused(
            "no_header",
            _(
                "The first line must name the columns: given_name, family_name, number, email, class, left_on."
            ),
        )
    return columns


def _plan_line(line: int, values: dict[str, str], context: Context) -> PlannedLine:
    index = context.index
    name = f"{values['given_name']} {values.get('family_name', '')}".strip()
    try:
        fields = _cleaned(values)
        classes = _classes(values.get("classes", ""), index)
        student = matching.student_of(name, values.get("external_id", ""), index)
    except Refused as refusal:
        return PlannedLine(line, name, Outcome.REFUSED, refusal.message)
    if student is None:
        message = "; ".join(filter(None, (_namesakes(name, index), _joining(classes))))
        return PlannedLine(line, name, Outcome.NEW, message, None, fields, _keys(classes), _keys(classes))
    return _plan_change(line, student, fields, classes, context)


def _plan_change(
    line: int, student: Student, fields: dict[str, Any], classes: list[SchoolClass], context: Context
) -> PlannedLine:
    """Return what a line changes of a student whom the school has."""
    choices = context.choices
    has_left = student.left_on is not None and student.left_on < context.on and "left_on" not in fields
    if has_left and choices.readmit:
        fields = {**fields, "left_on": None}
    changed = {key: value for key, value in fields.items() if getattr(student, key) != value}
    current = [row.school_class for row in context.index.memberships.get(student.pk, ())]
    joins = [row for row in classes if row not in current]
    others = [row for row in current if classes and row not in classes]
    messages = [*_changes(student, changed), _joining(joins), _in_others(others, choices)]
    is_question = bool(others) and not choices.end_others
    if has_left and not choices.readmit:
        is_question = True
        messages.append(_("left on %(day)s; returning?") % {"day": student.left_on})
    message = "; ".join(filter(None, messages))
    outcome = Outcome.QUESTION if is_question else Outcome.CHANGED if message else Outcome.SAME
    return PlannedLine(
        line,
        _full_name(student, fields),
        outcome,
        message,
        student.pk,
        changed,
        joins=_keys(joins),
        classes=_keys(classes),
        others=_keys(others),
        has_left=has_left,
    )


def _keys(classes: list[SchoolClass]) -> tuple[UUID, ...]:
    return tuple(row.pk for row in classes)


def _full_name(student: Student, fields: Mapping[str, Any]) -> str:
    return f"{fields['given_name']} {fields.get('family_name', student.family_name)}".strip()


def _changes(student: Student, changed: Mapping[str, Any]) -> list[str]:
    """Return what changes, with the former name, because a number may have belonged to another student."""
    labels = {key: Student._meta.get_field(key).verbose_name for key in changed}  # type: ignore[union-attr]
    shown = [f"{labels[key]}: {'–' if value is None else value}" for key, value in changed.items()]
    if {"given_name", "family_name"} & changed.keys():
        shown.append(_("was %(name)s") % {"name": student.name})
    return shown


def _namesakes(name: str, index: SchoolIndex) -> str:
    """Return a note about other students of the same name, who have other numbers."""
    numbers = [student.external_id or "–" for student in index.by_name.get(identity(name), ())]
    return (
        _("another student of this name has the number %(numbers)s") % {"numbers": ", ".join(numbers)}
        if numbers
        else ""
    )


def _in_others(rows: list[SchoolClass], choices: Choices) -> str:
    """Return what happens to memberships in classes that the line does not name."""
    if not rows:
        return ""
    classes = ", ".join(row.name for row in rows)
    sentence = _("leaves %(classes)s") if choices.end_others else _("is also in %(classes)s")
    return sentence % {"classes": classes}


def _joining(rows: list[SchoolClass]) -> str:
    return _("joins %(classes)s") % {"classes": ", ".join(row.name for row in rows)} if rows else ""


def _cleaned(values: Mapping[str, str]) -> dict[str, Any]:
    """Return the fields to store. An empty cell changes nothing. Raises `Refused` for a cell that cannot be stored."""
    if not values["given_name"]:
        raise Refused("no_name", _("The given name is missing."))
    fields: dict[str, Any] = {}
    for name, value in values.items():
        if not value or name == "classes":
            continue
        if wrongly_decoded(value):
            raise Refused(
                "bad_letters",
                _("The text “%(value)s” is damaged. Save the file again as “CSV UTF-8”.")
                % {"value": value[:40]},
            )
        if name == "external_id" and SHORTENED.fullmatch(value):
            sentence = _("“%(value)s” was shortened by the spreadsheet. Format the column as text.")
            raise Refused("bad_number", sentence % {"value": value})
        if name in LENGTHS and (len(value) > LENGTHS[name] or value.startswith(FORMULA)):
            raise Refused("bad_cell", _("“%(value)s” is not a valid name or number.") % {"value": value[:40]})
        fields[name] = _day(value) if name == "left_on" else value
    if "contact_email" in fields:
        _check_email(fields["contact_email"])
    return fields


def _day(value: str) -> dt.date:
    try:
        return dt.date.fromisoformat(value)
    except ValueError as error:
        raise Refused(
            "bad_date", _("Write the date as 2026-07-31, not “%(value)s”.") % {"value": value}
        ) from error


def _check_email(value: str) -> None:
    try:
        validate_email(value)
    except ValidationError as error:
        raise Refused("bad_email", _("“%(value)s” is not an email address.") % {"value": value}) from error


def _classes(cell: str, index: SchoolIndex) -> list[SchoolClass]:
    parts = filter(None, (part.strip() for part in cell.split(";")))
    return list(dict.fromkeys(matching.class_of(part, index) for part in parts))
