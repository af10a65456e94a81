"""Students out of a spreadsheet: read, held against what is there, shown row by row, and written all or not at all."""

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
from attendance.people.matching import Known

MOST_ROWS = 2000
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
# 1.23457E+11: what a spreadsheet leaves of a long number.
SHORTENED = re.compile(r"\d[.,]?\d*[eE]\+\d+")
SEPARATOR_LINE = re.compile(r"sep=(.)\r?\n?", re.IGNORECASE)


class Outcome(StrEnum):
    NEW = "new"
    CHANGED = "changed"
    SAME = "same"
    QUESTION = "question"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True, eq=False)
class Planned:
    """What will become of one line of the file, and why. `values` and `joins` are what will be written.

    `classes` are all that the line names, `others` those that the student is in besides; `gone` is one who has left.
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
    gone: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Wishes:
    """What the person ticked: end the other classes of who joins one, take back who had left."""

    end_others: bool = False
    take_back: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Setting:
    """What every line is held against: what the school has, the day from which it holds, and what was ticked."""

    known: Known
    on: dt.date
    wishes: Wishes


def plan(text: str, *, on: dt.date, wishes: Wishes | None = None) -> list[Planned]:
    """Return what importing the text would do, line by line. Raises `Refused` where the whole cannot be read."""
    rows = _rows(text)
    setting = Setting(matching.read(on), on, wishes or Wishes())
    planned = [_planned(line, values, setting) for line, values in rows]
    repeated = _repeated(planned, [values for _line, values in rows])
    return [
        replace(row, outcome=Outcome.REFUSED, message=repeated[row.line]) if row.line in repeated else row
        for row in planned
    ]


def write(text: str, *, on: dt.date, actor: User, wishes: Wishes | None = None) -> list[Planned]:
    """Import the text in one transaction, from day `on`; with one refused line nothing is written at all."""
    policy.require(actor, Action.MANAGE_SCHOOL)
    with transaction.atomic():
        planned = plan(text, on=on, wishes=wishes)
        refused = sum(row.outcome == Outcome.REFUSED for row in planned)
        if refused:
            sentence = ngettext(
                "%(n)d row cannot be imported, so nothing was imported.",
                "%(n)d rows cannot be imported, so nothing was imported.",
                refused,
            )
            raise Refused("not_clean", sentence % {"n": refused})
        for row in planned:
            _write(row, on, actor, wishes or Wishes())
        audit.record(actor, "students_imported", SchoolSettings.load(), lines=len(planned))
        return planned


def _write(row: Planned, on: dt.date, actor: User, wishes: Wishes) -> None:
    student_id = row.student_id
    if student_id is None:
        student_id = students.create(actor=actor, **row.values).pk
    elif row.values:
        students.change(student_id=student_id, actor=actor, **row.values)
    if row.others and wishes.end_others:
        memberships.end_others(student_id=student_id, keep=row.classes, starts_on=on, actor=actor)
    for class_id in row.joins:
        memberships.add(student_id=student_id, class_id=class_id, starts_on=on, actor=actor)


def _repeated(planned: list[Planned], values: list[dict[str, str]]) -> dict[int, str]:
    """Return the lines that may be one student, each with the reason: a student is meant by one line at most."""
    groups: dict[str, list[tuple[Planned, str]]] = {}
    for row, cells in zip(planned, values, strict=True):
        number = cells.get("external_id", "")
        keys = {f"name {folded(row.name)}", *([f"number {cleaned(number)}"] if number else [])}
        for key in keys | ({f"student {row.student_id}"} if row.student_id else set()):
            groups.setdefault(key, []).append((row, number))
    reasons: dict[int, str] = {}
    for key, group in groups.items():
        lines = group if not key.startswith("name ") else [pair for pair in group if _double(pair, group)]
        if len(lines) > 1:
            reasons |= _reasons([row.line for row, _number in lines])
    return reasons


def _double(pair: tuple[Planned, str], group: list[tuple[Planned, str]]) -> bool:
    """Return whether a line may be the same student as another of the name: two numbers tell them apart."""
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
    named = SEPARATOR_LINE.match(text)
    first = next((line for line in text.splitlines()[bool(named) :] if line.strip()), "")
    delimiter = named[1] if named else max(",;\t", key=first.count)
    # With `newline` empty the lines may end as on any system, an old Mac's too.
    file = io.StringIO(text[named.end() :] if named else text, newline="")
    reader = csv.reader(file, delimiter=delimiter, strict=True)
    try:
        table = [(reader.line_num, row) for row in reader if any(cell.strip() for cell in row)]
    except csv.Error as fault:
        message = _("Line %(line)d cannot be read as CSV: %(fault)s.")
        raise Refused("not_csv", message % {"line": reader.line_num, "fault": fault}) from fault
    if len(table) < 2:
        raise Refused("empty", _("The file has no rows below the header. Check that it is the right file."))
    if len(table) > MOST_ROWS + 1:
        raise Refused(
            "too_many", _("At most %(most)d students at a time. Split the file.") % {"most": MOST_ROWS}
        )
    columns = _columns(table[0][1])
    return [
        (line, {name: plain(row[at]) if at < len(row) else "" for name, at in columns.items()})
        for line, row in table[1:]
    ]


def _columns(header: Iterable[str]) -> dict[str, int]:
    names = {alias: name for name, aliases in HEADERS.items() for alias in aliases}
    found: dict[str, int] = {}
    for at, cell in enumerate(header):
        name = names.get(folded(plain(cell).replace("_", " ")))
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


def _planned(line: int, values: dict[str, str], setting: Setting) -> Planned:
    known = setting.known
    name = f"{values['given_name']} {values.get('family_name', '')}".strip()
    try:
        fields = _cleaned(values)
        classes = _classes(values.get("classes", ""), known)
        student = matching.student_of(name, values.get("external_id", ""), known)
    except Refused as refused:
        return Planned(line, name, Outcome.REFUSED, refused.message)
    if student is None:
        message = "; ".join(filter(None, (_namesakes(name, known), _joining(classes))))
        return Planned(line, name, Outcome.NEW, message, None, fields, _keys(classes), _keys(classes))
    return _of_known(line, student, fields, classes, setting)


def _of_known(
    line: int, student: Student, fields: dict[str, Any], classes: list[SchoolClass], setting: Setting
) -> Planned:
    """Return what becomes of a student whom the school has."""
    wishes = setting.wishes
    gone = student.left_on is not None and student.left_on < setting.on and "left_on" not in fields
    if gone and wishes.take_back:
        fields = {**fields, "left_on": None}
    changed = {key: value for key, value in fields.items() if getattr(student, key) != value}
    current = [row.school_class for row in setting.known.memberships.get(student.pk, ())]
    joins = [row for row in classes if row not in current]
    others = [row for row in current if classes and row not in classes]
    messages = [*_changes(student, changed), _joining(joins), _in_others(others, wishes)]
    asked = others and not wishes.end_others
    if gone and not wishes.take_back:
        asked = True
        messages.append(_("left on %(day)s; returning?") % {"day": student.left_on})
    message = "; ".join(filter(None, messages))
    outcome = Outcome.QUESTION if asked else Outcome.CHANGED if message else Outcome.SAME
    return Planned(
        line,
        _full_name(student, fields),
        outcome,
        message,
        student.pk,
        changed,
        joins=_keys(joins),
        classes=_keys(classes),
        others=_keys(others),
        gone=gone,
    )


def _keys(classes: list[SchoolClass]) -> tuple[UUID, ...]:
    return tuple(row.pk for row in classes)


def _full_name(student: Student, fields: Mapping[str, Any]) -> str:
    return f"{fields['given_name']} {fields.get('family_name', student.family_name)}".strip()


def _changes(student: Student, changed: Mapping[str, Any]) -> list[str]:
    """Return what changes, and of a name what it was: a number may have been that of another student."""
    labels = {key: Student._meta.get_field(key).verbose_name for key in changed}  # type: ignore[union-attr]
    shown = [f"{labels[key]}: {'–' if value is None else value}" for key, value in changed.items()]
    if {"given_name", "family_name"} & changed.keys():
        shown.append(_("was %(name)s") % {"name": student.name})
    return shown


def _namesakes(name: str, known: Known) -> str:
    """Return a hint at other students of the same name, who have other numbers."""
    numbers = [student.external_id or "–" for student in known.by_name.get(identity(name), ())]
    return (
        _("another student of this name has the number %(numbers)s") % {"numbers": ", ".join(numbers)}
        if numbers
        else ""
    )


def _in_others(rows: list[SchoolClass], wishes: Wishes) -> str:
    """Return what becomes of the classes that the line does not name."""
    if not rows:
        return ""
    classes = ", ".join(row.name for row in rows)
    sentence = _("leaves %(classes)s") if wishes.end_others else _("is also in %(classes)s")
    return sentence % {"classes": classes}


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
        raise Refused("bad_email", _("“%(value)s” is not an email address.") % {"value": value}) from fault


def _classes(cell: str, known: Known) -> list[SchoolClass]:
    parts = filter(None, (part.strip() for part in cell.split(";")))
    return list(dict.fromkeys(matching.class_of(part, known) for part in parts))
