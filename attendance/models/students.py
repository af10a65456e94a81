"""Students, their memberships of classes, and their consents to face recognition."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any, Self

from django.db import models
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from attendance.models.base import Identified, last_day_not_before_first
from attendance.models.names import folded

if TYPE_CHECKING:
    from attendance.models.school import SchoolClass


class StudentQuerySet(models.QuerySet["Student"]):
    def not_left(self, on: dt.date) -> Self:
        """Return the students who have not left before a day. On `left_on` itself a student is still expected."""
        return self.filter(Q(left_on=None) | Q(left_on__gte=on))

    def active(self, on: dt.date | None = None) -> Self:
        """Return the students who have neither left before a day (today unless given) nor been erased."""
        return self.not_left(on or timezone.localdate()).filter(erased_at=None)

    def expected(self, on: dt.date, classes: Any = None) -> Self:
        """Return the students expected on a day: members of a class on that day who have not left before it.

        `classes` is a class, the key of one, or a queryset of classes; None means any class. Registers, galleries,
        lists, counts and imports all use this rule.
        """
        members = Membership.objects.on(on)
        if isinstance(classes, models.QuerySet):
            members = members.filter(school_class__in=classes)
        elif classes is not None:
            members = members.filter(school_class=classes)
        return self.not_left(on).filter(Exists(members.filter(student=OuterRef("pk"))))

    def in_class(self, school_class: SchoolClass, on: dt.date) -> Self:
        """Return the students expected in a class on a day, in the order of a register."""
        return self.expected(on, school_class).order_by("sort_key", "pk")

    def recognisable(self, at: dt.datetime) -> Self:
        """Return active students with a consent that is valid at that time."""
        active = self.active(timezone.localdate(at))
        return active.filter(Exists(Consent.objects.valid(at).filter(student=OuterRef("pk"))))

    def search(self, text: str) -> Self:
        """Return the students whose name or number contains every word of `text`, without regard to accents."""
        students = self
        for word in folded(text).split():
            students = students.filter(Q(search_key__contains=word))
        return students


class Student(Identified):
    """A student. The row is never deleted: erasure empties face data and contact fields, and the register stays."""

    given_name = models.CharField(_("given name"), max_length=120)
    family_name = models.CharField(_("family name"), max_length=120, blank=True, default="")
    external_id = models.CharField(
        _("school's own number"), max_length=80, unique=True, null=True, blank=True
    )
    contact_email = models.EmailField(_("guardian's email"), blank=True, default="")
    left_on = models.DateField(_("left on"), null=True, blank=True)
    erased_at = models.DateTimeField(_("face data erased"), null=True, blank=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    sort_key = models.CharField(max_length=250, editable=False, db_collation="C")
    search_key = models.CharField(max_length=350, editable=False, db_collation="C")

    objects = StudentQuerySet.as_manager()

    class Meta:
        verbose_name = _("student")
        verbose_name_plural = _("students")
        ordering = ["sort_key", "id"]
        indexes = [models.Index(fields=["sort_key", "id"], name="student_sort")]

    def __str__(self) -> str:
        return self.name

    @property
    def name(self) -> str:
        return f"{self.given_name} {self.family_name}".strip()

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.sort_key = folded(f"{self.family_name} {self.given_name}")
        self.search_key = folded(f"{self.given_name} {self.family_name} {self.external_id or ''}")
        if (fields := kwargs.get("update_fields")) is not None:
            kwargs["update_fields"] = {*fields, "sort_key", "search_key"}
        super().save(*args, **kwargs)


class MembershipQuerySet(models.QuerySet["Membership"]):
    def on(self, day: dt.date) -> Self:
        return self.filter(starts_on__lte=day).filter(Q(ends_on=None) | Q(ends_on__gte=day))

    def expected(self, day: dt.date) -> Self:
        """Return the memberships of a day, without those of students who had left before it."""
        return self.on(day).filter(student__in=Student.objects.not_left(day).order_by())


class Membership(Identified):
    """A student is in a class from a day until a day, both included. Memberships of one class do not overlap."""

    student = models.ForeignKey(
        Student, on_delete=models.PROTECT, related_name="memberships", verbose_name=_("student")
    )
    school_class = models.ForeignKey(
        "SchoolClass", on_delete=models.PROTECT, related_name="memberships", verbose_name=_("class")
    )
    starts_on = models.DateField(_("from"), default=timezone.localdate)
    ends_on = models.DateField(_("until"), null=True, blank=True)
    external_id = models.CharField(max_length=80, unique=True, null=True, editable=False)

    objects = MembershipQuerySet.as_manager()

    class Meta:
        verbose_name = _("membership")
        verbose_name_plural = _("memberships")
        constraints = [
            last_day_not_before_first("membership_ends_after_it_starts", may_be_open=True),
            models.UniqueConstraint(
                fields=["student", "school_class"],
                condition=Q(ends_on=None),
                name="membership_open_once",
                violation_error_message=_("The student is already in this class."),
            ),
        ]
        indexes = [
            models.Index(fields=["school_class", "starts_on", "ends_on"], name="membership_class_dates"),
        ]

    def __str__(self) -> str:
        return f"{self.student} – {self.school_class}"


class ConsentQuerySet(models.QuerySet["Consent"]):
    def valid(self, at: dt.datetime) -> Self:
        """Return the consents that are given, not expired and not withdrawn at that time."""
        day = timezone.localdate(at)
        return self.filter(withdrawn_at=None, given_on__lte=day).filter(
            Q(expires_on=None) | Q(expires_on__gte=day)
        )


class Consent(Identified):
    """Consent to face recognition. Without a valid one no template is computed and the face is not searched for."""

    student = models.ForeignKey(
        Student, on_delete=models.PROTECT, related_name="consents", verbose_name=_("student")
    )
    given_by = models.CharField(
        _("given by"), max_length=160, help_text=_("Parent or guardian, or the student if 18 or over.")
    )
    given_on = models.DateField(_("given on"))
    expires_on = models.DateField(_("expires on"), null=True, blank=True)
    version = models.CharField(_("version of the form"), max_length=20)
    recorded_by = models.ForeignKey(
        "User", on_delete=models.PROTECT, related_name="+", null=True, editable=False
    )
    recorded_at = models.DateTimeField(_("recorded"), auto_now_add=True)
    withdrawn_at = models.DateTimeField(_("withdrawn"), null=True, blank=True, editable=False)
    withdrawn_by = models.ForeignKey(
        "User", on_delete=models.PROTECT, related_name="+", null=True, editable=False
    )

    objects = ConsentQuerySet.as_manager()

    class Meta:
        verbose_name = _("consent")
        verbose_name_plural = _("consents")
        ordering = ["-given_on", "-id"]
        indexes = [models.Index(fields=["student"], condition=Q(withdrawn_at=None), name="consent_standing")]

    def __str__(self) -> str:
        return f"{self.student}, {self.given_on}"
