"""Marks: writing, lists, history and evidence."""

from typing import Annotated, Any, TypedDict
from uuid import UUID

from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from django_filters import rest_framework as filters
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from attendance import register
from attendance.api.base import ApiView, get_row
from attendance.api.documents import documented, serializer_of
from attendance.api.fields import MomentField, StrictSerializer
from attendance.api.lists import Ordering
from attendance.api.sessions import SessionView
from attendance.core import visibility
from attendance.core.errors import Refused
from attendance.core.policy import Action
from attendance.live import not_this_student
from attendance.models import (
    ApiToken,
    Category,
    Mark,
    OnPremises,
    Session,
    Source,
    Status,
)
from attendance.register import signing
from attendance.register.description import MarkResult
from attendance.register.state import result_state


class MarkOut(serializers.ModelSerializer[Mark]):
    session = serializers.UUIDField(source="session_id", read_only=True)
    student = serializers.UUIDField(source="student_id", read_only=True)
    date = serializers.DateField(source="session.date", read_only=True)
    code = serializers.CharField(source="letter", read_only=True, allow_null=True)
    status = serializers.ChoiceField(Status.choices, source="code.status", default=None, read_only=True)
    category = serializers.ChoiceField(Category.choices, source="code.category", default=None, read_only=True)
    on_premises = serializers.ChoiceField(
        OnPremises.choices, source="code.on_premises", default=None, read_only=True
    )
    by = serializers.SerializerMethodField()

    class Meta:
        model = Mark
        fields = (
            "id", "session", "student", "date", "code", "status", "category", "on_premises", "source", "by",
            "first_seen_at", "changed_at", "minutes_late", "note", "revision",
        )  # fmt: skip
        read_only_fields = fields

    def get_by(self, mark: Mark) -> str | None:
        return None if mark.marked_by is None else mark.marked_by.shown_name


class MarkRemovalIn(StrictSerializer):
    """The fields of any change of a mark."""

    reason = serializers.CharField(max_length=300, required=False, allow_blank=True)
    note = serializers.CharField(max_length=300, required=False, allow_blank=True, allow_null=True)
    nonce = serializers.CharField(max_length=64, required=False, allow_null=True)
    revision = serializers.IntegerField(min_value=0, max_value=2**31 - 1, required=False, allow_null=True)
    seen_at = MomentField(required=False, allow_null=True)
    sent_at = MomentField(
        required=False,
        allow_null=True,
        help_text="Now, by the clock that `seen_at` is from: one that is minutes off makes `seen_at` doubtful.",
    )


class MarkIn(MarkRemovalIn):
    code = serializers.CharField(
        max_length=10, help_text="A letter, or `arrived`: the clock says present or late."
    )


class RemainingMarksIn(StrictSerializer):
    code = serializers.CharField(max_length=2)
    expected = serializers.IntegerField(min_value=0, max_value=10_000)
    students = serializers.ListField(
        child=serializers.UUIDField(),
        max_length=10_000,
        required=False,
        allow_null=True,
        default=None,
        help_text="Who they are. If others are unmarked now, the answer is 409 with `added` and `removed` in `extra`.",
    )
    reason = serializers.CharField(max_length=300, required=False, allow_blank=True)


class RemainingMarksOut(TypedDict):
    marked: int
    version: int


class MarkRejectionOut(TypedDict):
    outcome: Annotated[str, "`taken_back`."]
    blocked: Annotated[
        bool,
        "Whether the face is kept from this student until the session closes; false where no picture "
        "of it is left, or the session is closed.",
    ]


class MarkFilter(filters.FilterSet):  # type: ignore[misc]  # django_filters is untyped here
    session = filters.UUIDFilter(field_name="session")
    student = filters.UUIDFilter(field_name="student")
    school_class = filters.UUIDFilter(field_name="session__school_class")
    date_from = filters.DateFilter(field_name="session__date", lookup_expr="gte")
    date_to = filters.DateFilter(field_name="session__date", lookup_expr="lte")
    code = filters.CharFilter(field_name="code", max_length=2)
    ordering = Ordering(fields=(("changed_at", "changed_at"), ("session__date", "date")))

    class Meta:
        model = Mark
        fields: tuple[str, ...] = ()


class StudentMarkDetail(SessionView):
    """Write and remove one student's mark in one session."""

    @documented(request=MarkIn, responses=serializer_of(MarkResult))
    def put(self, _request: Request, session: UUID, student: UUID) -> Response:
        """Write or change a mark. The same `nonce` again changes nothing.

        `revision`, if given, is the one you saw (0: no mark); if the mark has changed, the answer is 409 `conflict`
        with the present mark in `extra.mark`.
        """
        self.session(session, Action.MARK)
        return self._mark(session, student, self.body(MarkIn))

    @documented(request=MarkRemovalIn, parameters=[MarkRemovalIn], responses=serializer_of(MarkResult))
    def delete(self, request: Request, session: UUID, student: UUID) -> Response:
        """Take a mark back. The optional fields may stand in the address or in the body."""
        self.session(session, Action.MARK)
        serializer = MarkRemovalIn(data={**request.query_params.dict(), **_dictionary(request.data)})
        serializer.is_valid(raise_exception=True)
        return self._mark(session, student, {"code": None, **serializer.validated_data})

    def _mark(self, session: UUID, student: UUID, fields: dict[str, Any]) -> Response:
        token = self.request.auth if isinstance(self.request.auth, ApiToken) else None
        result = register.mark(
            register.MarkRequest(
                session_id=session,
                student_id=student,
                source=Source.TEACHER if token is None else Source.API,
                actor=self.person,
                token=token,
                now=timezone.now(),
                **fields,
            )
        )
        answer = result_state(result)
        if result.refused:
            raise result.refusal({**answer})
        return Response(answer)


class RemainingMarks(SessionView):
    @documented(request=RemainingMarksIn, responses=serializer_of(RemainingMarksOut))
    def post(self, _request: Request, session: UUID) -> Response:
        """Give all unmarked students one code; 409 where their number is no longer `expected`."""
        self.session(session, Action.MARK)
        results = signing.mark_remaining(
            session_id=session, actor=self.person, now=timezone.now(), **self.body(RemainingMarksIn)
        )
        version = results[-1].version if results else Session.objects.get(pk=session).version
        answer: RemainingMarksOut = {"marked": sum(result.written for result in results), "version": version}
        return Response(answer)


class MarkList(ApiView):
    queryset = Mark.objects.all()
    filterset_class = MarkFilter

    @documented(responses=MarkOut(many=True))
    def get(self, _request: Request) -> Response:
        """Marks of the sessions that you may see, the latest change first."""
        person = self.require(Action.VIEW_SESSION)
        return self.page(_with_all(visibility.marks(person)).order_by("-changed_at", "-pk"), MarkOut)


class MarkDetail(ApiView):
    queryset = Mark.objects.all()

    @documented(responses=MarkOut)
    def get(self, _request: Request, mark: UUID) -> Response:
        """One mark as it is now."""
        self.require(Action.VIEW_SESSION)
        row = get_row(_with_all(Mark.objects.all()), mark, "no_such_mark")
        self.require(Action.VIEW_SESSION, row.session)
        return self.answer(MarkOut, row)


class MarkRejection(ApiView):
    queryset = Mark.objects.all()

    @documented(request=None, responses=serializer_of(MarkRejectionOut))
    def post(self, _request: Request, mark: UUID) -> Response:
        """Reject a camera's mark: it is taken back, and the face in its evidence is not matched to the student again in
        this session."""
        person = self.require(Action.MARK)
        blocked = not_this_student.by_teacher(mark_id=mark, actor=person, now=timezone.now())
        answer: MarkRejectionOut = {"outcome": "taken_back", "blocked": blocked}
        return Response(answer)


def _dictionary(data: Any) -> dict[str, Any]:
    if not isinstance(data, dict):
        raise Refused("malformed", _("The body must be an object."))
    return {str(name): value for name, value in data.items()}


def _with_all(rows: QuerySet[Mark]) -> QuerySet[Mark]:
    return rows.select_related("session", "code", "marked_by")
