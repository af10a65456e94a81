"""Consent to face recognition, its withdrawal, and the erasure of a student's face data."""

from uuid import UUID

from django.utils import timezone
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from attendance.api.base import ApiView, found
from attendance.api.documents import documented
from attendance.api.fields import DayField, Strict
from attendance.core.policy import Action
from attendance.models import Consent, Student
from attendance.people import consents
from attendance.privacy import erasure


class ConsentShown(serializers.ModelSerializer[Consent]):
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


class ConsentGiven(Strict):
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


class ErasureAsked(Strict):
    reason = serializers.CharField(max_length=300)


class Consents(ApiView):
    queryset = Consent.objects.all()

    @documented(responses=ConsentShown(many=True))
    def get(self, _request: Request, student: UUID) -> Response:
        """Every consent of the student, newest first, with those that were withdrawn."""
        self.require(Action.MANAGE_SCHOOL)
        row = found(Student.objects.all(), student, "no_such_student")
        return self.listed(row.consents.all(), ConsentShown)

    @documented(request=ConsentGiven, responses={201: ConsentShown})
    def post(self, _request: Request, student: UUID) -> Response:
        """Record a consent; from now on photographs may be taken and the student recognised."""
        person = self.require(Action.MANAGE_SCHOOL)
        consent = consents.give(
            student_id=student, actor=person, now=timezone.now(), **self.given(ConsentGiven)
        )
        return self.shown(ConsentShown, consent, status.HTTP_201_CREATED)


class Withdrawal(ApiView):
    queryset = Consent.objects.all()

    @documented(request=None, responses={204: None})
    def post(self, _request: Request, student: UUID) -> Response:
        """Withdraw every standing consent: photographs and templates go at once, the register stays."""
        person = self.require(Action.MANAGE_SCHOOL)
        consents.withdraw(student_id=student, actor=person, now=timezone.now())
        return Response(status=status.HTTP_204_NO_CONTENT)


class Erasure(ApiView):
    queryset = Student.objects.all()

    @documented(request=ErasureAsked, responses={204: None})
    def post(self, _request: Request, student: UUID) -> Response:
        """Erase the student's face data and contact; the register stays true."""
        person = self.require(Action.MANAGE_SCHOOL)
        erasure.erase(student_id=student, actor=person, now=timezone.now(), **self.given(ErasureAsked))
        return Response(status=status.HTTP_204_NO_CONTENT)
