"""Enrolment photographs: upload, list, image and removal."""

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.http import HttpResponse
from django.urls import reverse
from django.utils import timezone
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from attendance.api.base import ApiView, get_row
from attendance.api.documents import documented, field_of
from attendance.api.fields import StrictSerializer
from attendance.api.images import (
    IMAGE_RESPONSE,
    ImageView,
    UploadView,
    image_response,
    upload_bytes,
    upload_slot,
)
from attendance.core.errors import Refused
from attendance.core.policy import Action
from attendance.faces import enrolment, photographs
from attendance.models import Photograph, Student


class PhotographOut(serializers.ModelSerializer[Photograph]):
    student = serializers.UUIDField(source="student_id", read_only=True)
    quality = serializers.DictField(child=serializers.FloatField(), read_only=True)
    image = serializers.SerializerMethodField()

    class Meta:
        model = Photograph
        fields = ("id", "student", "created_at", "quality", "image")
        read_only_fields = fields

    def get_image(self, photograph: Photograph) -> str:
        return reverse("api:photograph-image", args=[photograph.pk])


class PhotographIn(StrictSerializer):
    photograph = serializers.FileField(
        allow_empty_file=True,
        help_text="JPEG, PNG, WebP, HEIC or AVIF, upright or with its EXIF orientation.",
    )
    override_reason = serializers.CharField(
        max_length=300,
        required=False,
        allow_blank=True,
        default="",
        help_text="Why it is accepted although it looks like another student (twins), or unlike the student's own. "
        "Kept in the audit record: write no names.",
    )


class VerdictOut(serializers.Serializer[enrolment.Verdict]):
    """The verdict on an uploaded photograph."""

    accepted = serializers.BooleanField()
    code = serializers.CharField()
    message = serializers.CharField()
    photograph = PhotographOut(allow_null=True)
    faces = serializers.IntegerField()
    similar = serializers.SerializerMethodField()

    @field_of(
        {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "student": {"type": "string", "format": "uuid"},
                    "name": {"type": "string"},
                    "distance": {"type": "number"},
                    "photograph": {"type": ["string", "null"], "format": "uuid"},
                },
            },
        }
    )
    def get_similar(self, verdict: enrolment.Verdict) -> list[dict[str, Any]]:
        return similar(verdict)


def similar(verdict: enrolment.Verdict) -> list[dict[str, Any]]:
    return [
        {
            "student": str(s.student.pk),
            "name": s.student.name,
            "distance": round(s.distance, 4),
            "photograph": str(s.photograph.pk) if s.photograph else None,
        }
        for s in verdict.similar
    ]


class PhotographList(UploadView):
    queryset = Photograph.objects.all()

    @documented(responses=PhotographOut(many=True))
    def get(self, _request: Request, student: UUID) -> Response:
        """The student's photographs, oldest first."""
        self.require(Action.VIEW_FACES)
        row = get_row(Student.objects.all(), student, "no_such_student")
        self.require(Action.VIEW_FACES, row)
        return self.page(_of(row), PhotographOut)

    @documented(request={"multipart/form-data": PhotographIn}, responses={201: VerdictOut})
    def post(self, _request: Request, student: UUID) -> Response:
        """Send one photograph. 201 where it was accepted; else a refusal whose code and message say what to do.

        The codes: no_consent, no_face, several_faces, too_small, blurred, too_dark, too_bright, turned_away,
        hidden, unsure, duplicate_photograph, looks_like_another (`extra.similar` says whom, by which photograph),
        unlike_own (`extra.own` is the nearest photograph of the student's; it can come with looks_like_another), and
        those of files that are no image. Where `extra.overridable` is true, repeat with `override_reason` if a
        person has compared the photographs and it is this student.
        """
        self.require(Action.ENROL)
        row = get_row(Student.objects.all(), student, "no_such_student")
        person = self.require(Action.ENROL, row)
        body = self.body(PhotographIn)
        with upload_slot():
            verdict = enrolment.enrol(
                student_id=row.pk,
                data=upload_bytes(body["photograph"]),
                actor=person,
                now=timezone.now(),
                override_reason=body["override_reason"],
            )
        if not verdict.accepted:
            extra = {
                "faces": verdict.faces,
                "similar": similar(verdict),
                "own": str(verdict.own.pk) if verdict.own else None,
                "overridable": verdict.overridable,
            }
            raise Refused(verdict.code, verdict.message, extra)
        return self.answer(VerdictOut, verdict, status.HTTP_201_CREATED)


class PhotographDetail(ApiView):
    queryset = Photograph.objects.all()

    @documented(responses={204: None})
    def delete(self, _request: Request, photograph: UUID) -> Response:
        """Remove a photograph and its template. The student is no longer recognised by it."""
        person = self.require(Action.ENROL)
        photographs.remove(photograph_id=photograph, actor=person)
        return Response(status=status.HTTP_204_NO_CONTENT)


class PhotographImage(ImageView):
    queryset = Photograph.objects.all()

    @documented(responses=IMAGE_RESPONSE)
    def get(self, _request: Request, photograph: UUID) -> HttpResponse:
        """The crop that is kept. Each view is noted in the audit record."""
        self.require(Action.VIEW_FACES)
        row = get_row(Photograph.objects.select_related("student", "crop"), photograph, "no_such_photograph")
        person = self.require(Action.VIEW_FACES, row.student)
        return image_response(photographs.read(row, person))


def _of(student: Student) -> QuerySet[Photograph]:
    return student.photographs.all()
