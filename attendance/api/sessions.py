"""Sessions: planning, opening and signing, and the register of a session."""

from typing import Any
from uuid import UUID

from django.db.models import Count, Q, QuerySet
from django.utils import timezone
from django_filters import rest_framework as filters
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from attendance.api.base import ApiView, get_row
from attendance.api.documents import documented, serializer_of
from attendance.api.fields import MomentField, StrictSerializer
from attendance.api.lists import Ordering
from attendance.calendar import sessions
from attendance.core import visibility
from attendance.core.policy import Action
from attendance.live import camera_state
from attendance.live.camera_state import LatestState
from attendance.models import Session
from attendance.register import opening, signing, state
from attendance.register.description import RegisterState


class ClassNameOut(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    name = serializers.CharField()


class SessionOut(serializers.ModelSerializer[Session]):
    school_class = ClassNameOut(read_only=True)
    marked = serializers.IntegerField(
        read_only=True,
        default=None,
        allow_null=True,
        help_text="Students who have a mark; in lists only.",
    )

    class Meta:
        model = Session
        fields = (
            "id",
            "school_class",
            "title",
            "date",
            "starts_at",
            "ends_at",
            "state",
            "opened_at",
            "signed_at",
            "version",
            "marked",
        )
        read_only_fields = fields


class SessionIn(StrictSerializer):
    school_class = serializers.UUIDField(source="class_id")
    starts_at = MomentField()
    ends_at = MomentField()
    title = serializers.CharField(max_length=120, required=False, allow_blank=True, default="")


class StartNowIn(StrictSerializer):
    school_class = serializers.UUIDField(source="class_id")
    minutes = serializers.IntegerField(min_value=1, max_value=720, required=False, default=60)


class OpeningIn(StrictSerializer):
    reason = serializers.CharField(
        max_length=300,
        required=False,
        allow_blank=True,
        default="",
        help_text="Why a signed register is opened again.",
    )


class SigningIn(StrictSerializer):
    unmarked = serializers.CharField(
        max_length=2,
        required=False,
        allow_null=True,
        default=None,
        help_text="The code for every student without a mark; null leaves them without.",
    )
    students = serializers.ListField(
        child=serializers.UUIDField(),
        max_length=10_000,
        required=False,
        allow_null=True,
        default=None,
        help_text="Who had no mark when the person confirmed. If others have none now, the answer is 409 `conflict` "
        "with `added` and `removed` in `extra`. Null: not checked.",
    )


class SessionFilter(filters.FilterSet):  # type: ignore[misc]  # django_filters is untyped here
    date = filters.DateFilter()
    date_from = filters.DateFilter(field_name="date", lookup_expr="gte")
    date_to = filters.DateFilter(field_name="date", lookup_expr="lte")
    school_class = filters.UUIDFilter(field_name="school_class")
    state = filters.ChoiceFilter(choices=Session.State.choices)
    ordering = Ordering(fields=(("starts_at", "starts_at"), ("school_class__name", "school_class")))

    class Meta:
        model = Session
        fields: tuple[str, ...] = ()


class SessionView(ApiView):
    """Base of the views below /sessions/{id}/."""

    queryset = Session.objects.all()

    def session(self, key: UUID, action: Action) -> Session:
        """Return the session. Raises `Refused` where there is none or the person may not."""
        self.require(action)
        row = get_row(_sessions(), key, "no_such_session")
        self.require(action, row)
        return row


class SessionList(ApiView):
    queryset = Session.objects.all()
    filterset_class = SessionFilter

    @documented(responses=SessionOut(many=True))
    def get(self, _request: Request) -> Response:
        """The sessions of the days on which you teach the class, newest first; all for the office and viewers."""
        person = self.require(Action.VIEW_SESSION)
        return self.page(_with_marks(visibility.sessions(person).select_related("school_class")), SessionOut)

    @documented(request=SessionIn, responses={201: SessionOut})
    def post(self, _request: Request) -> Response:
        """Plan a session."""
        person = self.require(Action.RUN_SESSION)
        row = sessions.create(actor=person, **self.body(SessionIn))
        return self.answer(SessionOut, row, status.HTTP_201_CREATED)


class SessionStart(ApiView):
    queryset = Session.objects.all()

    @documented(request=StartNowIn, responses=SessionOut)
    def post(self, _request: Request) -> Response:
        """Start a session of the class now, or give the one that is open."""
        person = self.require(Action.RUN_SESSION)
        row = opening.start_now(actor=person, now=timezone.now(), **self.body(StartNowIn))
        return self.answer(SessionOut, row)


class SessionDetail(SessionView):
    @documented(responses=SessionOut)
    def get(self, _request: Request, session: UUID) -> Response:
        """One session."""
        return self.answer(SessionOut, self.session(session, Action.VIEW_SESSION))


class SessionOpening(SessionView):
    @documented(operation_id="sessions_open_create", request=OpeningIn, responses=SessionOut)
    def post(self, _request: Request, session: UUID) -> Response:
        """Open the register. A signed one needs a `reason`, and its signature stays."""
        current, body = self.session(session, Action.RUN_SESSION), self.body(OpeningIn)
        if current.is_signed:
            row = signing.reopen(session_id=session, actor=self.person, now=timezone.now(), **body)
        else:
            row = opening.open_session(session_id=session, actor=self.person, now=timezone.now())
        return self.answer(SessionOut, row)


class SessionSigning(SessionView):
    @documented(request=SigningIn, responses=SessionOut)
    def post(self, _request: Request, session: UUID) -> Response:
        """Sign the register. With `unmarked` all students without a mark get that code."""
        self.session(session, Action.RUN_SESSION)
        row = signing.sign(session_id=session, actor=self.person, now=timezone.now(), **self.body(SigningIn))
        return self.answer(SessionOut, row)


class RegisterDetail(SessionView):
    @documented(responses=serializer_of(RegisterState))
    def get(self, _request: Request, session: UUID) -> Response:
        """The whole register, as the dashboard socket sends it."""
        row = self.session(session, Action.VIEW_SESSION)
        return Response(state.register_state(row, user=self.person))


class LatestResults(SessionView):
    @documented(operation_id="sessions_latest_retrieve", responses=serializer_of(LatestState))
    def get(self, _request: Request, session: UUID) -> Response:
        """The newest result of each connected camera that is at most ten seconds old."""
        row = self.session(session, Action.VIEW_SESSION)
        return Response(camera_state.latest_state(row, user=self.person, now=timezone.now()))


def _with_marks(rows: QuerySet[Session]) -> QuerySet[Session]:
    return rows.annotate(marked=Count("marks", filter=Q(marks__code__isnull=False))).order_by(
        "-starts_at", "-pk"
    )


def _sessions() -> QuerySet[Session]:
    return Session.objects.select_related("school_class")
