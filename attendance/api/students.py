"""Students: who they are, whether they may be recognised, and their portrait."""

import datetime as dt
from typing import Any
from uuid import UUID

from django.db.models import Count, Exists, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django_filters import rest_framework as filters
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from attendance.api.base import ApiView, found, today
from attendance.api.documents import documented
from attendance.api.fields import DayField, Strict
from attendance.api.images import PICTURE, PictureView, picture
from attendance.api.lists import Ordering
from attendance.core import policy, visibility
from attendance.core.errors import Refused
from attendance.core.policy import Action
from attendance.faces import photographs
from attendance.models import Photograph, Student
from attendance.people import students


def described(rows: QuerySet[Student], at: dt.datetime) -> QuerySet[Student]:
    """The students with what the serializer shows of them, in the same query."""
    own = Photograph.objects.filter(student=OuterRef("pk")).order_by()
    return rows.annotate(
        photograph_count=Coalesce(Subquery(own.values("student").annotate(n=Count("pk")).values("n")), 0),
        may_be_recognised=Exists(Student.objects.recognisable(at).filter(pk=OuterRef("pk"))),
    )


class StudentShown(serializers.ModelSerializer[Student]):
    """A student. `contact_email` is for the office; `portrait` for those who may see faces."""

    name = serializers.CharField(read_only=True)
    contact_email = serializers.SerializerMethodField()
    recognisable = serializers.BooleanField(source="may_be_recognised", read_only=True)
    photographs = serializers.IntegerField(source="photograph_count", read_only=True)
    portrait = serializers.SerializerMethodField()

    class Meta:
        model = Student
        fields = (
            "id",
            "name",
            "given_name",
            "family_name",
            "external_id",
            "contact_email",
            "left_on",
            "erased_at",
            "recognisable",
            "photographs",
            "portrait",
        )
        read_only_fields = fields

    def get_contact_email(self, student: Student) -> str | None:
        person = self.context["request"].user
        return student.contact_email if policy.may(person, Action.MANAGE_SCHOOL) else None

    def get_portrait(self, student: Student) -> str | None:
        person = self.context["request"].user
        shown = getattr(student, "photograph_count", 0) and policy.may(person, Action.VIEW_FACES)
        return reverse("api:portrait", args=[student.pk]) if shown else None


class StudentWritten(Strict):
    given_name = serializers.CharField(max_length=120)
    family_name = serializers.CharField(max_length=120, required=False, allow_blank=True)
    external_id = serializers.CharField(max_length=80, required=False, allow_null=True)
    contact_email = serializers.EmailField(max_length=254, required=False, allow_blank=True)
    left_on = DayField(required=False, allow_null=True)


class StudentFilter(filters.FilterSet):  # type: ignore[misc]  # django_filters is untyped here
    search = filters.CharFilter(method="by_text", label="Words of the name or of the school's own number")
    school_class = filters.UUIDFilter(method="by_class", label="Members today of this class")
    external_id = filters.CharFilter(field_name="external_id")
    left = filters.BooleanFilter(field_name="left_on", lookup_expr="isnull", exclude=True)
    ordering = Ordering(fields=(("sort_key", "name"), ("created_at", "created_at")))

    class Meta:
        model = Student
        fields: tuple[str, ...] = ()

    def by_text(self, rows: Any, _name: str, text: str) -> Any:
        return rows.search(text)

    def by_class(self, rows: Any, _name: str, key: UUID) -> Any:
        return rows.expected(today(), key)


class Students(ApiView):
    queryset = Student.objects.all()
    filterset_class = StudentFilter

    @documented(responses=StudentShown(many=True))
    def get(self, _request: Request) -> Response:
        """The students of the classes that you teach today; all of them for the office and viewers."""
        person = self.require(Action.VIEW_STUDENT)
        return self.listed(described(visibility.students(person, today()), timezone.now()), StudentShown)

    @documented(request=StudentWritten, responses={201: StudentShown})
    def post(self, _request: Request) -> Response:
        """Add a student."""
        person = self.require(Action.MANAGE_SCHOOL)
        student = students.create(actor=person, **self.given(StudentWritten))
        return self.shown(StudentShown, _described(student.pk), 201)


class OneStudent(ApiView):
    queryset = Student.objects.all()

    @documented(responses=StudentShown)
    def get(self, _request: Request, student: UUID) -> Response:
        """One student."""
        self.require(Action.VIEW_STUDENT)
        row = _described(student)
        self.require(Action.VIEW_STUDENT, row)
        return self.shown(StudentShown, row)

    @documented(request=StudentWritten, responses=StudentShown)
    def patch(self, _request: Request, student: UUID) -> Response:
        """Change the name, the school's own number, the contact, or the day on which the student left."""
        person = self.require(Action.MANAGE_SCHOOL)
        students.change(student_id=student, actor=person, **self.given(StudentWritten, partial=True))
        return self.shown(StudentShown, _described(student))


class Portrait(PictureView):
    queryset = Photograph.objects.all()

    @documented(responses=PICTURE)
    def get(self, _request: Request, student: UUID) -> HttpResponse:
        """The student's newest enrolment photograph. Each look is noted in the audit."""
        self.require(Action.VIEW_FACES)
        row = found(Student.objects.all(), student, "no_such_student")
        person = self.require(Action.VIEW_FACES, row)
        newest = photographs.portrait(row.pk)
        if newest is None:
            raise Refused("no_such_photograph", _("There is no photo of this student."))
        return picture(photographs.read(newest, person))


def _described(key: UUID) -> Student:
    return found(described(Student.objects.all(), timezone.now()), key, "no_such_student")
