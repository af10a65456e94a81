"""Sessions: planned, started, closed, and the whole register of one."""

from typing import Any
from uuid import UUID

from django.db.models import Count, Q, QuerySet
from django.utils import timezone
from django_filters import rest_framework as filters
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from attendance import register
from attendance.api import shapes
from attendance.api.base import ApiView, found
from attendance.api.documents import documented
from attendance.api.fields import MomentField, Strict
from attendance.api.lists import Ordering
from attendance.calendar import sessions
from attendance.core import visibility
from attendance.core.policy import Action
from attendance.live import camera_state
from attendance.models import Session
from attendance.register import state


class ClassNamed(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    name = serializers.CharField()


class SessionShown(serializers.ModelSerializer[Session]):
    school_class = ClassNamed(read_only=True)
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


class SessionPlanned(Strict):
    school_class = serializers.UUIDField(source="class_id")
    starts_at = MomentField()
    ends_at = MomentField()
    title = serializers.CharField(max_length=120, required=False, allow_blank=True, default="")


class SessionNow(Strict):
    school_class = serializers.UUIDField(source="class_id")
    minutes = serializers.IntegerField(min_value=1, max_value=720, required=False, default=60)


class Opening(Strict):
    reason = serializers.CharField(
        max_length=300,
        required=False,
        allow_blank=True,
        default="",
        help_text="Why a signed register is opened again.",
    )


class Signing(Strict):
    unmarked = serializers.CharField(
        max_length=2,
        required=False,
        allow_null=True,
        default=None,
        help_text="The letter for every student without a mark; null leaves them without.",
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
    """Base of everything below /sessions/{id}/."""

    queryset = Session.objects.all()

    def session(self, key: UUID, action: Action) -> Session:
        """The session, if the person may do this to it."""
        self.require(action)
        row = found(_described(), key, "no_such_session")
        self.require(action, row)
        return row


class Sessions(ApiView):
    queryset = Session.objects.all()
    filterset_class = SessionFilter

    @documented(responses=SessionShown(many=True))
    def get(self, _request: Request) -> Response:
        """The sessions of the days on which you teach the class, newest first; all for the office and viewers."""
        person = self.require(Action.VIEW_SESSION)
        return self.listed(
            _with_marks(visibility.sessions(person).select_related("school_class")), SessionShown
        )

    @documented(request=SessionPlanned, responses={201: SessionShown})
    def post(self, _request: Request) -> Response:
        """Plan a session."""
        person = self.require(Action.RUN_SESSION)
        row = sessions.create(actor=person, **self.given(SessionPlanned))
        return self.shown(SessionShown, row, status.HTTP_201_CREATED)


class StartNow(ApiView):
    queryset = Session.objects.all()

    @documented(request=SessionNow, responses=SessionShown)
    def post(self, _request: Request) -> Response:
        """Start a session of the class now, or give the one that is open."""
        person = self.require(Action.RUN_SESSION)
        row = register.start_now(actor=person, now=timezone.now(), **self.given(SessionNow))
        return self.shown(SessionShown, row)


class OneSession(SessionView):
    @documented(responses=SessionShown)
    def get(self, _request: Request, session: UUID) -> Response:
        """One session."""
        return self.shown(SessionShown, self.session(session, Action.VIEW_SESSION))


class Start(SessionView):
    @documented(operation_id="sessions_open_create", request=Opening, responses=SessionShown)
    def post(self, _request: Request, session: UUID) -> Response:
        """Open the register; open already, nothing happens. A signed one needs a `reason`, and its signature stays."""
        current, given = self.session(session, Action.RUN_SESSION), self.given(Opening)
        if current.is_signed:
            row = register.reopen(session_id=session, actor=self.person, now=timezone.now(), **given)
        else:
            row = register.open_session(session_id=session, actor=self.person, now=timezone.now())
        return self.shown(SessionShown, row)


class Sign(SessionView):
    @documented(request=Signing, responses=SessionShown)
    def post(self, _request: Request, session: UUID) -> Response:
        """Sign the register. Only here does “not seen” become a code, if you say which."""
        self.session(session, Action.RUN_SESSION)
        row = register.sign(session_id=session, actor=self.person, now=timezone.now(), **self.given(Signing))
        return self.shown(SessionShown, row)


class Register(SessionView):
    @documented(responses=shapes.RegisterShown)
    def get(self, _request: Request, session: UUID) -> Response:
        """The whole register, as the dashboard socket sends it."""
        row = self.session(session, Action.VIEW_SESSION)
        return Response(state.register_state(row, user=self.person))


class Latest(SessionView):
    @documented(operation_id="sessions_latest_retrieve", responses=shapes.LatestShown)
    def get(self, _request: Request, session: UUID) -> Response:
        """What each connected camera showed last, if that is at most ten seconds ago."""
        row = self.session(session, Action.VIEW_SESSION)
        return Response(camera_state.latest_state(row, user=self.person, now=timezone.now()))


def _with_marks(rows: QuerySet[Session]) -> QuerySet[Session]:
    return rows.annotate(marked=Count("marks", filter=Q(marks__code__isnull=False))).order_by(
        "-starts_at", "-pk"
    )


def _described() -> QuerySet[Session]:
    return Session.objects.select_related("school_class")
