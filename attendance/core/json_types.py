"""JSON values for the TypedDicts that describe what pages, sockets and the API answer.

The metadata of `Annotated` is what the API's schema adds to a type: a format, a length, a class of choices, a help
text.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, TypedDict


class Format(StrEnum):
    """A format of a string, as JSON Schema calls it."""

    UUID = "uuid"
    DATE = "date"
    DATE_TIME = "date-time"


@dataclass(frozen=True, slots=True)
class Length:
    """The number of items of a list."""

    items: int


Id = Annotated[str, Format.UUID]
Day = Annotated[str, Format.DATE]
Moment = Annotated[str, Format.DATE_TIME]
FrameBox = Annotated[list[int], Length(4), "Left, top, right, bottom: pixels of the frame as it was sent."]
ImageBox = Annotated[list[int], Length(4), "Left, top, right, bottom: pixels of the picture, turned upright."]


class IdAndName(TypedDict):
    id: Id
    name: str
