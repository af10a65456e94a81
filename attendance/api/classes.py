"""Classes, memberships and attendance codes."""

from typing import Any
from uuid import UUID

from django.db.models import Count, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django_filters import rest_framework as filters
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from attendance.api.base import ApiView, get_row, today
from attendance.api.documents import documented
from attendance.api.fields import DayField, StrictSerializer
from attendance.api.lists import Ordering
from attendance.core import visibility
from attendance.core.policy import Action
from attendance.models import AttendanceCode, Membership, SchoolClass
from attendance.people import classes, memberships


class ClassOut(serializers.ModelSerializer[SchoolClass]):
    room = serializers.CharField(source="room.name", default="", read_only=True)
    students = serializers.IntegerField(source="member_count", read_only=True, help_text="Members today.")
    archived = serializers.SerializerMethodField()

    class Meta:
        model = SchoolClass
        fields = ("id", "name", "external_id", "room", "students", "archived")
        read_only_fields = fields

    def get_archived(self, school_class: SchoolClass) -> bool:
        return school_class.archived_at is not None


class ClassIn(StrictSerializer):
    name = serializers.CharField(max_length=80)
    external_id = serializers.CharField(max_length=80, required=False, allow_null=True)
    room = serializers.CharField(max_length=80, required=False, allow_blank=True)
    archived = serializers.BooleanField(required=False)


class ClassFilter(filters.FilterSet):  # type: ignore[misc]  # django_filters is untyped here
    name = filters.CharFilter(lookup_expr="icontains")
    external_id = filters.CharFilter()
    archived = filters.BooleanFilter(field_name="archived_at", lookup_expr="isnull", exclude=True)
    ordering = Ordering(fields=(("name", "name"),))

    class Meta:
        model = SchoolClass
        fields: tuple[str, ...] = ()


class ClassList(ApiView):
    queryset = SchoolClass.objects.all()
    filterset_class = ClassFilter

    @documented(responses=ClassOut(many=True))
    def get(self, _request: Request) -> Response:
        """The classes that you teach today; all of them for the office and viewers."""
        person = self.require(Action.VIEW_CLASS)
        return self.page(_with_member_count(visibility.classes(person, today())), ClassOut)

    @documented(request=ClassIn, responses={201: ClassOut})
    def post(self, _request: Request) -> Response:
        """Add a class."""
        person = self.require(Action.MANAGE_SCHOOL)
        row = classes.create(actor=person, **self.body(ClassIn))
        return self.answer(ClassOut, _class(row.pk), status.HTTP_201_CREATED)


class ClassDetail(ApiView):
    queryset = SchoolClass.objects.all()

    @documented(responses=ClassOut)
    def get(self, _request: Request, school_class: UUID) -> Response:
        """One class."""
        self.require(Action.VIEW_CLASS)
        row = _class(school_class)
        self.require(Action.VIEW_CLASS, row)
        return self.answer(ClassOut, row)

    @documented(request=ClassIn, responses=ClassOut)
    def patch(self, _request: Request, school_class: UUID) -> Response:
        """Change the name, room or external id of a class, or archive it or bring it back."""
        person = self.require(Action.MANAGE_SCHOOL)
        classes.change(class_id=school_class, actor=person, **self.body(ClassIn, partial=True))
        return self.answer(ClassOut, _class(school_class))


class MembershipOut(serializers.ModelSerializer[Membership]):
    student = serializers.UUIDField(source="student_id", read_only=True)
    school_class = serializers.UUIDField(source="school_class_id", read_only=True)

    class Meta:
        model = Membership
        fields = ("id", "student", "school_class", "starts_on", "ends_on")
        read_only_fields = fields


class MembershipIn(StrictSerializer):
    student = serializers.UUIDField(source="student_id")
    school_class = serializers.UUIDField(source="class_id")
    starts_on = DayField()
    ends_on = DayField(required=False, allow_null=True, default=None)


class MembershipEndIn(StrictSerializer):
    ends_on = DayField(help_text="The last day.")


class MembershipFilter(filters.FilterSet):  # type: ignore[misc]  # django_filters is untyped here
    student = filters.UUIDFilter(field_name="student")
    school_class = filters.UUIDFilter(field_name="school_class")
    on = filters.DateFilter(method="valid_on", label="Memberships valid on this day")
    ordering = Ordering(fields=(("starts_on", "starts_on"), ("student__sort_key", "student")))

    class Meta:
        model = Membership
        fields: tuple[str, ...] = ()

    def valid_on(self, rows: Any, _name: str, day: Any) -> Any:
        return rows.on(day)


class MembershipList(ApiView):
    queryset = Membership.objects.all()
    filterset_class = MembershipFilter

    @documented(responses=MembershipOut(many=True))
    def get(self, _request: Request) -> Response:
        """Present and past memberships of the classes that you teach today; all of them for the office and viewers."""
        person = self.require(Action.VIEW_CLASS)
        rows = visibility.memberships(person, today()).order_by("-starts_on", "pk")
        return self.page(rows, MembershipOut)

    @documented(request=MembershipIn, responses={201: MembershipOut})
    def post(self, _request: Request) -> Response:
        """Add a student to a class."""
        person = self.require(Action.MANAGE_SCHOOL)
        row = memberships.add(actor=person, **self.body(MembershipIn))
        return self.answer(MembershipOut, row, status.HTTP_201_CREATED)


class MembershipDetail(ApiView):
    queryset = Membership.objects.all()

    @documented(responses=MembershipOut)
    def get(self, _request: Request, membership: UUID) -> Response:
        """One membership."""
        self.require(Action.VIEW_CLASS)
        row = get_row(Membership.objects.select_related("school_class"), membership, "no_such_membership")
        self.require(Action.VIEW_CLASS, row.school_class)
        return self.answer(MembershipOut, row)

    @documented(request=MembershipEndIn, responses=MembershipOut)
    def patch(self, _request: Request, membership: UUID) -> Response:
        """Set the last day of a membership."""
        person = self.require(Action.MANAGE_SCHOOL)
        row = memberships.end(membership_id=membership, actor=person, **self.body(MembershipEndIn))
        return self.answer(MembershipOut, row)


class CodeOut(serializers.ModelSerializer[AttendanceCode]):
    class Meta:
        model = AttendanceCode
        fields = (
            "id",
            "letter",
            "name",
            "status",
            "category",
            "on_premises",
            "colour",
            "for_teachers",
            "shown_to_guardians",
        )
        read_only_fields = fields


class CodeList(ApiView):
    queryset = AttendanceCode.objects.active()

    @documented(responses=CodeOut(many=True))
    def get(self, _request: Request) -> Response:
        """The attendance codes in use."""
        self.require(Action.VIEW_SESSION)
        return self.page(AttendanceCode.objects.active(), CodeOut)


def _with_member_count(rows: QuerySet[SchoolClass]) -> QuerySet[SchoolClass]:
    members = Membership.objects.filter(school_class=OuterRef("pk")).expected(today()).order_by()
    counted = members.values("school_class").annotate(n=Count("student", distinct=True)).values("n")
    return rows.annotate(member_count=Coalesce(Subquery(counted), 0))


def _class(key: UUID) -> SchoolClass:
    return get_row(_with_member_count(SchoolClass.objects.all()), key, "no_such_class")
