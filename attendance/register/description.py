"""The members of a register, its marks and its events, typed once for pages, sockets and the API.

`attendance.register.state` fills them. The API's schema is derived from these types.
"""

from typing import Annotated, Literal, TypedDict

from attendance.core.json_types import Day, Id, IdAndName, Moment
from attendance.models import Attempt, Category, OnPremises, Session, Source, Status
from attendance.register.outcomes import Outcome

SessionState = TypedDict(
    "SessionState",
    {
        "id": Id,
        "class": IdAndName,
        "title": str,
        "state": Annotated[str, Session.State],
        "was_signed": Annotated[bool, "Then each change needs a reason."],
        "date": Day,
        "starts_at": Moment,
        "ends_at": Moment,
    },
)


class CodeMembers(TypedDict):
    """What a mark repeats of its attendance code; all null where the mark was undone."""

    code: Annotated[str | None, "Null: taken back."]
    status: Annotated[str | None, Status]
    category: Annotated[str | None, Category]
    on_premises: Annotated[str | None, OnPremises]


class MarkState(CodeMembers):
    mark: Annotated[Id, "The mark's id."]
    at: Annotated[Moment, "Of the last change."]
    source: Annotated[str, Source]
    by: Annotated[str | None, "Null: the camera, or a device."]
    note: str
    revision: int
    minutes_late: int | None
    evidence: bool


ByHand = Literal["left", "no_consent", "no_photograph", "photograph_again"]


class StudentState(TypedDict):
    id: Id
    name: str
    number: Annotated[str | None, "The school's own."]
    portrait: Annotated[str | None, "An address, for those who may see faces."]
    recognisable: bool
    by_hand: Annotated[ByHand | None, "Why the camera cannot know the student; null where it can."]
    left_on: Day | None
    photographs: int
    mark: MarkState | None


class CodeState(TypedDict):
    letter: str
    name: str
    status: Annotated[str, Status]
    category: Annotated[str, Category]
    on_premises: Annotated[str, OnPremises]
    for_teachers: bool


class ChosenCodes(TypedDict):
    """The letters that pages offer with one tap; None where the school chose none."""

    present: str | None
    late: str | None
    not_seen: str | None


class RegisterCounts(TypedDict):
    """How many students are expected, have a mark of each status, and have none."""

    expected: int
    present: int
    late: int
    absent: int
    excused: int
    not_expected: int
    unmarked: int


class AttemptState(TypedDict):
    student: IdAndName
    source: Annotated[str, Source]
    reason: Annotated[str, Attempt.Reason]
    count: int
    last_at: Moment


class RegisterState(TypedDict):
    type: Literal["register"]
    version: int
    session: SessionState
    codes: list[CodeState]
    chosen_codes: ChosenCodes
    counts: RegisterCounts
    students: list[StudentState]
    reviews: Annotated[int, "Faces that wait for a decision."]
    attempts: list[AttemptState]


class MarkResult(TypedDict):
    """What became of a request to mark."""

    outcome: Annotated[str, Outcome]
    reason: Annotated[str, "Empty where the mark was written."]
    mark: MarkState | None
    version: Annotated[int, "Of the register."]


class MarkMessage(CodeMembers):
    """The event of both sockets that a mark was written or undone."""

    type: Literal["mark", "unmark"]
    student: IdAndName
    at: Moment
    mark: Id
    source: str
    by: str | None
    note: str
    revision: int
    minutes_late: int | None
    version: int


class SessionMessage(TypedDict):
    """The event that a session was opened, signed or changed."""

    type: Literal["session"]
    session: SessionState
    version: int


class ReviewsMessage(TypedDict):
    """The event that the number of undecided faces changed."""

    type: Literal["reviews"]
    waiting: int
    version: int


Message = MarkMessage | SessionMessage | ReviewsMessage


class Visitor(TypedDict):
    """A student of another class whom an unknown face may show. Without an id: nobody can be marked by it."""

    name: str
    classes: list[str]


class SignedMark(CodeMembers):
    note: str
    minutes_late: int | None
    revision: int
    source: str


class SignedStudent(TypedDict):
    id: Id
    name: str
    external_id: str | None
    mark: SignedMark | None


class SignedRegister(TypedDict):
    """The register as a signature keeps it."""

    session: SessionState
    version: int
    students: list[SignedStudent]
