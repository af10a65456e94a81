"""The history of a mark, and the evidence behind each change."""

from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.urls import reverse
from django.utils import timezone
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from attendance.api.base import ApiView, get_row
from attendance.api.documents import documented, field_of
from attendance.api.images import IMAGE_RESPONSE, ImageView, image_response
from attendance.core import policy
from attendance.core.policy import Action
from attendance.models import Category, Evidence, Mark, MarkEvent
from attendance.register import evidence as match_evidence


class EvidenceOut(serializers.ModelSerializer[Evidence]):
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


class MarkEventOut(serializers.ModelSerializer[MarkEvent]):
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

    @field_of(EvidenceOut(allow_null=True))
    def get_evidence(self, event: MarkEvent) -> Any:
        evidence = getattr(event, "evidence", None)
        visible = evidence is not None and self.context["faces"]
        return EvidenceOut(evidence).data if visible else None


class MarkHistory(ApiView):
    queryset = MarkEvent.objects.all()

    @documented(responses=MarkEventOut(many=True))
    def get(self, _request: Request, mark: UUID) -> Response:
        """Every change of a mark, oldest first; the evidence for those who may see faces."""
        self.require(Action.VIEW_SESSION)
        row = get_row(Mark.objects.select_related("session"), mark, "no_such_mark")
        self.require(Action.VIEW_SESSION, row.session)
        self.faces = policy.may(self.person, Action.VIEW_FACES, row.session)
        return self.page(row.events.select_related("actor", "evidence"), MarkEventOut)

    def get_serializer_context(self) -> dict[str, Any]:
        return {**super().get_serializer_context(), "faces": getattr(self, "faces", False)}


class EvidenceImage(ImageView):
    queryset = Evidence.objects.all()

    @documented(responses=IMAGE_RESPONSE)
    def get(self, _request: Request, evidence: UUID) -> HttpResponse:
        """Face seen by the camera, until it expires. Each view is noted in the audit record."""
        self.require(Action.VIEW_FACES)
        rows = Evidence.objects.select_related("event__session", "crop")
        row = get_row(rows.filter(expires_at__gt=timezone.now()), evidence, "no_such_evidence")
        person = self.require(Action.VIEW_FACES, row.event.session)
        return image_response(match_evidence.read(row, person))
