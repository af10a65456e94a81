"""What a paired device may see of a register: who is on the premises, and counts. No absences, portraits or reasons."""

from typing import Literal, TypedDict

from attendance.core.json_types import Id, IdAndName, Moment
from attendance.models import OnPremises
from attendance.register.description import (
    CodeState,
    MarkState,
    Message,
    RegisterCounts,
    RegisterState,
    SessionMessage,
    SessionState,
)


class DeviceMark(TypedDict):
    mark: Id
    code: str | None
    status: str | None
    at: Moment


class DeviceStudent(TypedDict):
    id: Id
    name: str
    mark: DeviceMark


class DeviceState(TypedDict):
    """The `register` message for a device."""

    type: Literal["register"]
    version: int
    session: SessionState
    codes: list[CodeState]
    counts: RegisterCounts
    students: list[DeviceStudent]


class DeviceMarkMessage(TypedDict):
    """The `mark` or `unmark` message for a device: without category, person, note and lateness."""

    type: Literal["mark", "unmark"]
    student: IdAndName
    status: str | None
    on_premises: str | None
    code: str | None
    at: Moment
    mark: Id
    version: int


class VersionMessage(TypedDict):
    """Says only that something happened."""

    type: Literal["version"]
    version: int


DeviceMessage = DeviceMarkMessage | SessionMessage | VersionMessage


class BoardStudent(TypedDict):
    id: Id
    name: str
    at: Moment


class Board(TypedDict):
    """What a projector shows: who is on the premises, the latest arrival first, and how many are still to come."""

    version: int
    session: SessionState
    here: list[BoardStudent]
    expected: int
    to_come: int


def state_for_device(state: RegisterState) -> DeviceState:
    return {
        "type": state["type"],
        "version": state["version"],
        "session": state["session"],
        "codes": state["codes"],
        "counts": state["counts"],
        "students": [
            {"id": student["id"], "name": student["name"], "mark": _mark_for_device(mark)}
            for student in state["students"]
            if (mark := student["mark"]) is not None and mark["on_premises"] == OnPremises.YES
        ],
    }


def _mark_for_device(mark: MarkState) -> DeviceMark:
    return {"mark": mark["mark"], "code": mark["code"], "status": mark["status"], "at": mark["at"]}


def message_for_device(message: Message) -> DeviceMessage:
    """Return what a device may show of an event; of an event that it may not see, only the version."""
    if message["type"] == "session":
        return message
    if message["type"] == "reviews":
        return {"type": "version", "version": message["version"]}
    return {
        "type": message["type"],
        "student": message["student"],
        "status": message["status"],
        "on_premises": message["on_premises"],
        "code": message["code"],
        "at": message["at"],
        "mark": message["mark"],
        "version": message["version"],
    }


def board(state: RegisterState) -> Board:
    shown = state_for_device(state)
    students: list[BoardStudent] = [
        {"id": student["id"], "name": student["name"], "at": student["mark"]["at"]}
        for student in shown["students"]
    ]
    students.sort(key=lambda student: student["at"], reverse=True)
    return {
        "version": shown["version"],
        "session": shown["session"],
        "here": students,
        "expected": shown["counts"]["expected"],
        "to_come": shown["counts"]["unmarked"],
    }
