"""Consent to face recognition, its withdrawal, and the erasure of a student's face data."""

from uuid import UUID

from django.utils import timezone
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from attendance.api.base import ApiView, get_row
from attendance.api.documents import documented
from attendance.api.fields import DayField, StrictSerializer
from attendance.core.policy import Action
from attendance.models import Consent, Student
from attendance.people import consents
from attendance.privacy import erasure


class ConsentOut(serializers.ModelSerializer[Consent]):
    student = serializers.UUIDField(source="student_id", read_only=True)

    class Meta:
        model = Consent
        fields = (
            "id",
            "student",
            "given_by",
            "given_on",
            "expires_on",
            "version",
            "recorded_at",
            "withdrawn_at",
        )
        read_only_fields = fields


class ConsentIn(StrictSerializer):
    given_by = serializers.CharField(
        max_length=160, help_text="Parent or guardian, or the student if 18 or over."
    )
    given_on = DayField()
    expires_on = DayField(required=False, allow_null=True, default=None)
    version = serializers.CharField(
        max_length=20,
        required=False,
        allow_null=True,
        default=None,
        help_text="Of the form; else the school's.",
    )


class ErasureIn(StrictSerializer):
    reason = serializers.CharField(max_length=300)


class ConsentList(ApiView):
    queryset = Consent.objects.all()

    @documented(responses=ConsentOut(many=True))
    def get(self, _request: Request, student: UUID) -> Response:
        """Every consent of the student, newest first, with those that were withdrawn."""
        self.require(Action.MANAGE_SCHOOL)
        row = get_row(Student.objects.all(), student, "no_such_student")
        return self.page(row.consents.all(), ConsentOut)

    @documented(request=ConsentIn, responses={201: ConsentOut})
    def post(self, _request: Request, student: UUID) -> Response:
        """Record a consent. From now on the student may be photographed and recognised."""
        person = self.require(Action.MANAGE_SCHOOL)
        consent = consents.give(student_id=student, actor=person, now=timezone.now(), **self.body(ConsentIn))
        return self.answer(ConsentOut, consent, status.HTTP_201_CREATED)


class ConsentWithdrawal(ApiView):
    queryset = Consent.objects.all()

    @documented(request=None, responses={204: None})
    def post(self, _request: Request, student: UUID) -> Response:
        """Withdraw all valid consents. Photographs and templates are deleted at once; the register stays."""
        person = self.require(Action.MANAGE_SCHOOL)
        consents.withdraw(student_id=student, actor=person, now=timezone.now())
        return Response(status=status.HTTP_204_NO_CONTENT)


class StudentErasure(ApiView):
    queryset = Student.objects.all()

    @documented(request=ErasureIn, responses={204: None})
    def post(self, _request: Request, student: UUID) -> Response:
        """Erase the student's face data and contact details; the register stays."""
        person = self.require(Action.MANAGE_SCHOOL)
        erasure.erase(student_id=student, actor=person, now=timezone.now(), **self.body(ErasureIn))
        return Response(status=status.HTTP_204_NO_CONTENT)
