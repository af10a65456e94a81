"""Marks: written through the register's one door, listed, with their history and evidence."""

from typing import Any
from uuid import UUID

from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django_filters import rest_framework as filters
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from attendance import register
from attendance.api import shapes
from attendance.api.base import ApiView, found
from attendance.api.documents import documented, field_of
from attendance.api.fields import MomentField, Strict
from attendance.api.images import PICTURE, PictureView, picture
from attendance.api.lists import Ordering
from attendance.api.sessions import SessionView
from attendance.core import audit, blob_store, policy, visibility
from attendance.core.errors import Refused
from attendance.core.policy import Action
from attendance.live import not_this_student
from attendance.models import (
    ApiToken,
    Category,
    Evidence,
    Mark,
    MarkEvent,
    OnPremises,
    Session,
    Source,
    Status,
)
from attendance.register import state


class MarkShown(serializers.ModelSerializer[Mark]):
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


class Taking(Strict):
    """What may come with any change of a mark."""

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


class Marking(Taking):
    code = serializers.CharField(
        max_length=10, help_text="A letter, or `arrived`: the clock says present or late."
    )


class Remaining(Strict):
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


class StudentMark(SessionView):
    """PUT and DELETE of one student's mark in one session."""

    @documented(request=Marking, responses=shapes.MarkResult)
    def put(self, _request: Request, session: UUID, student: UUID) -> Response:
        """Write or change a mark. The same `nonce` again changes nothing.

        `revision`, if given, is the one you saw (0: no mark); if another stands, the answer is 409 `conflict` with the
        present mark in `extra.mark`.
        """
        self.session(session, Action.MARK)
        return self._marked(session, student, self.given(Marking))

    @documented(request=Taking, parameters=[Taking], responses=shapes.MarkResult)
    def delete(self, request: Request, session: UUID, student: UUID) -> Response:
        """Take a mark back. The optional fields may stand in the address or in the body."""
        self.session(session, Action.MARK)
        taking = Taking(data={**request.query_params.dict(), **_dictionary(request.data)})
        taking.is_valid(raise_exception=True)
        return self._marked(session, student, {"code": None, **taking.validated_data})

    def _marked(self, session: UUID, student: UUID, said: dict[str, Any]) -> Response:
        token = self.request.auth if isinstance(self.request.auth, ApiToken) else None
        result = register.mark(
            register.MarkRequest(
                session_id=session,
                student_id=student,
                source=Source.TEACHER if token is None else Source.API,
                actor=self.person,
                token=token,
                now=timezone.now(),
                **said,
            )
        )
        answer = result_shown(result)
        if result.refused:
            raise result.refusal(answer)
        return Response(answer)


class RemainingMarks(SessionView):
    @documented(request=Remaining, responses=shapes.RemainingShown)
    def post(self, _request: Request, session: UUID) -> Response:
        """Give every unmarked student one letter; 409 where their number is no longer `expected`."""
        self.session(session, Action.MARK)
        results = register.mark_remaining(
            session_id=session, actor=self.person, now=timezone.now(), **self.given(Remaining)
        )
        version = results[-1].version if results else Session.objects.get(pk=session).version
        return Response({"marked": sum(each.written for each in results), "version": version})


class Marks(ApiView):
    queryset = Mark.objects.all()
    filterset_class = MarkFilter

    @documented(responses=MarkShown(many=True))
    def get(self, _request: Request) -> Response:
        """Marks of the sessions that you may see, the latest change first."""
        person = self.require(Action.VIEW_SESSION)
        return self.listed(_with_all(visibility.marks(person)).order_by("-changed_at", "-pk"), MarkShown)


class OneMark(ApiView):
    queryset = Mark.objects.all()

    @documented(responses=MarkShown)
    def get(self, _request: Request, mark: UUID) -> Response:
        """One mark as it stands."""
        self.require(Action.VIEW_SESSION)
        row = found(_with_all(Mark.objects.all()), mark, "no_such_mark")
        self.require(Action.VIEW_SESSION, row.session)
        return self.shown(MarkShown, row)


class NotThisPerson(ApiView):
    queryset = Mark.objects.all()

    @documented(request=None, responses=shapes.NotThisPersonShown)
    def post(self, _request: Request, mark: UUID) -> Response:
        """The camera took somebody else for this student: the mark is taken back, and the face in its evidence is
        not taken for the student again in this session."""
        person = self.require(Action.MARK)
        blocked = not_this_student.by_teacher(mark_id=mark, actor=person, now=timezone.now())
        return Response({"outcome": "taken_back", "blocked": blocked})


class EvidenceShown(serializers.ModelSerializer[Evidence]):
    looks = serializers.IntegerField(source="samples", read_only=True)
    image = serializers.SerializerMethodField()

    class Meta:
        model = Evidence
        fields = (
            "id", "distance", "margin", "confidence", "looks", "photographs",
            "camera", "space", "expires_at", "image",
        )  # fmt: skip
        read_only_fields = fields

    def get_image(self, evidence: Evidence) -> str | None:
        return None if evidence.crop_id is None else reverse("api:evidence-image", args=[evidence.pk])


class EventShown(serializers.ModelSerializer[MarkEvent]):
    from_category = serializers.SerializerMethodField()
    to_category = serializers.SerializerMethodField()
    from_code = serializers.SerializerMethodField()
    to_code = serializers.SerializerMethodField()
    actor = serializers.SerializerMethodField()
    evidence = serializers.SerializerMethodField()

    class Meta:
        model = MarkEvent
        fields = (
            "id", "revision", "from_code", "from_category", "to_code", "to_category", "note", "minutes_late",
            "left_at", "actor", "source", "reason", "seen_at", "stored_at", "late_upload", "evidence",
        )  # fmt: skip
        read_only_fields = fields

    def get_from_code(self, event: MarkEvent) -> str | None:
        return event.from_letter or None

    def get_to_code(self, event: MarkEvent) -> str | None:
        return event.to_letter or None

    @field_of(serializers.ChoiceField(Category.choices, allow_null=True))
    def get_from_category(self, event: MarkEvent) -> str | None:
        return event.from_category or None

    @field_of(serializers.ChoiceField(Category.choices, allow_null=True))
    def get_to_category(self, event: MarkEvent) -> str | None:
        return event.to_category or None

    def get_actor(self, event: MarkEvent) -> str | None:
        return None if event.actor is None else event.actor.shown_name

    @field_of(EvidenceShown(allow_null=True))
    def get_evidence(self, event: MarkEvent) -> Any:
        evidence = getattr(event, "evidence", None)
        shown = evidence is not None and self.context["faces"]
        return EvidenceShown(evidence).data if shown else None


class History(ApiView):
    queryset = MarkEvent.objects.all()

    @documented(responses=EventShown(many=True))
    def get(self, _request: Request, mark: UUID) -> Response:
        """Every change of a mark, oldest first; the evidence for those who may see faces."""
        self.require(Action.VIEW_SESSION)
        row = found(Mark.objects.select_related("session"), mark, "no_such_mark")
        self.require(Action.VIEW_SESSION, row.session)
        self.faces = policy.may(self.person, Action.VIEW_FACES, row.session)
        return self.listed(row.events.select_related("actor", "evidence"), EventShown)

    def get_serializer_context(self) -> dict[str, Any]:
        return {**super().get_serializer_context(), "faces": getattr(self, "faces", False)}


class EvidenceImage(PictureView):
    queryset = Evidence.objects.all()

    @documented(responses=PICTURE)
    def get(self, _request: Request, evidence: UUID) -> HttpResponse:
        """Face seen by the camera, until it expires. Each look is noted in the audit."""
        self.require(Action.VIEW_FACES)
        rows = Evidence.objects.select_related("event__session", "crop")
        row = found(rows.filter(expires_at__gt=timezone.now()), evidence, "no_such_evidence")
        person = self.require(Action.VIEW_FACES, row.event.session)
        if row.crop is None:
            raise Refused("no_such_evidence", _("The image has expired or was deleted."))
        audit.record_view(person, "evidence_viewed", row)
        return picture(blob_store.read(row.crop, owner=row.event.student_id))


def result_shown(result: register.Result) -> dict[str, Any]:
    """What became of a mark, with the mark as the register shows it."""
    mark = None
    if result.mark is not None:
        has = Exists(Evidence.objects.filter(event__mark=OuterRef("pk")))
        rows = Mark.objects.select_related("code", "marked_by").annotate(has_evidence=has)
        mark = state.mark_state(rows.get(pk=result.mark.pk))
    return {
        "outcome": result.outcome.value,
        "reason": str(result.reason),
        "mark": mark,
        "version": result.version,
    }


def _dictionary(data: Any) -> dict[str, Any]:
    if not isinstance(data, dict):
        raise Refused("malformed", _("The body must be an object."))
    return {str(name): value for name, value in data.items()}


def _with_all(rows: QuerySet[Mark]) -> QuerySet[Mark]:
    return rows.select_related("session", "code", "marked_by")
